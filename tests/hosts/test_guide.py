"""The reader of the guide finds what a person would type, and sees when the guide is false."""

from __future__ import annotations

from tests.hosts.guide import Typed, read

GUIDE = """\
# A guide

Nothing here is typed: `# rm -r /`.

## 1. Make it
```console
$ git clone HERE
$ bin/make            # once
made 10.0.0.1 (id 47…)
  … it starts

done
```
and, as root:
```console
# install ./made_1.0.deb
```
```toml
# a comment, no command
```

## 2. Nothing to type
"""


def test_commands_are_found_below_their_heading_with_what_they_print() -> None:
    made = read(GUIDE)
    assert list(made) == ["1. Make it", "2. Nothing to type"]
    assert made["1. Make it"] == [
        Typed("git clone HERE", by_root=False),
        Typed("bin/make", by_root=False,
              prints=("made 10.0.0.1 (id 47…)", "  … it starts", "", "done")),
        Typed("install ./made_1.0.deb", by_root=True),
    ]  # fmt: skip
    assert made["2. Nothing to type"] == []


def test_a_user_has_names_of_his_own() -> None:
    user = {"10.0.0.1": "10.77.0.1", "1.0": "1.0.1", "made": "forged", "made_1": "x", "a": "b"}
    install = Typed("install ./made_1.0_amd64.deb", by_root=True)
    assert install.by(user).command == "install ./forged_1.0.1_amd64.deb"
    assert Typed("x", by_root=True, prints=("made 10.0.0.1. as 10.0.0.11",)).by(user).prints == (
        "forged 10.77.0.1. as 10.0.0.11",
    )


def test_what_the_guide_shows_has_to_be_printed() -> None:
    make = read(GUIDE)["1. Make it"][1]
    assert make.not_printed("made 10.0.0.1 (id 4711)\n  … it starts\n\nmore\ndone\n") == ()
    assert make.not_printed("made 10.0.0.1 (id 4711)\ndone\n") == ()  # progress is not always seen
    assert make.not_printed("made 10.0.0.1 (id 4811)\ndone\n") == ("made 10.0.0.1 (id 47…)",)
    assert make.not_printed("done\nmade 10.0.0.1 (id 4711)\n") == ("done",)
