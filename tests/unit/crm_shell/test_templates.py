"""``crm template``: from a template to statements (features 30.47)."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_shell.syntax import parse
from crm_shell.templates.configuration import begun, read_parts, text_of
from crm_shell.templates.library import Library
from crm_shell.templates.template import BadTemplate, missing, read_template, statements
from raftmaker.vocabulary.codes import ExitCode
from tests.golden.crm_shell.test_cases import loaded
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_configure_commands import CIB, Crm

OWN = """%name thing

# Something that runs

%depends_on base
%suggests extra
%required

# How it is reached
%% port

%optional
# More of it
%% words

%generate

primitive %_ ocf:heartbeat:Dummy
    params state=/run/%_:port
    opt fake=%_:words
    op monitor interval=10s

%if %extra
order %_-order %extra %_
%else
order %_-order %base %_
%fi
"""
BASE = "%name base\n%required\n%generate\nprimitive %_ ocf:heartbeat:Dummy\n"
EXTRA = BASE.replace("%name base", "%name extra")


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Crm:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / ".config" / "raftmaker" / "templates"
    folder.mkdir(parents=True)
    for text in (OWN, BASE, EXTRA):
        (folder / text.split()[1]).write_text(text)
    return Crm(Desk(CIB, tmp_path, monkeypatch, capsys))


def test_what_templates_make(tmp_path: Path) -> None:
    templates = {each.name: each for each in map(read_template, (OWN, BASE, EXTRA))}
    thing = templates["thing"]
    assert (thing.text, thing.depends_on, thing.suggests) == (
        "Something that runs", ("base",), ("extra",),
    )  # fmt: skip
    assert [(each.name, each.text, each.is_required) for each in thing.parameters] == [
        ("port", "How it is reached", True), ("words", "More of it", False),
    ]  # fmt: skip
    parts = begun("web", ["thing"], templates, {})
    assert [part.name for part in parts] == ["web-thing", "web-base"]
    assert missing(parts, templates) == ["web-thing (thing): port has no value; How it is reached"]
    parts = begun("web", ["thing", "extra"], templates, {"port": "80", "words": "a b"})
    assert statements(parts, templates).splitlines() == [
        "primitive web-base ocf:heartbeat:Dummy",
        "primitive web-extra ocf:heartbeat:Dummy",
        "primitive web-thing ocf:heartbeat:Dummy \\",
        "    params state=/run/80 \\",
        '    fake="a b" \\',
        "    op monitor interval=10s",
        "order web-thing-order web-extra web-thing",
    ]
    bare = begun("web", ["thing"], templates, {"port": "80"})
    assert "fake" not in statements(bare, templates)
    assert "order web-thing-order web-base web-thing" in statements(bare, templates)
    assert read_parts(text_of("web", parts, templates), templates) == parts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with %name"),
        ("%name x\nstray\n", "line 2: 'stray' belongs to nothing"),
        ("%name x\n%% early\n", "line 2: '%% early' belongs to nothing"),
    ],
)
def test_what_is_no_template_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        read_template(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("virtual-ip", {"ip": "192.0.2.10", "nic": "eth0"}),
        ("filesystem", {"device": "/dev/x", "directory": "/srv/x", "fstype": "xfs"}),
        ("apache", {"ip": "192.0.2.10"}),
        ("apache", {"ip": "192.0.2.10", "configfile": "/etc/a.conf", "options": "-D X"}),
        ("nfs", {"ip": "192.0.2.10", "device": "/dev/x", "directory": "/srv", "fstype": "xfs",
                 "clients": "192.0.2.0/24"}),
    ],
)  # fmt: skip
def test_shipped_templates_make_configurations_that_can_be_loaded(
    tmp_path: Path, name: str, values: dict[str, str]
) -> None:
    templates = Library(tmp_path).templates()
    parts = begun("mine", [name], templates, values)
    assert not missing(parts, templates)
    text = statements(parts, templates)
    assert "%" not in text
    configuration = loaded(text)
    made = {each.id for each in configuration.walk()}
    assert "mine" in made
    with_more = begun("mine", ["apache", "filesystem"], templates, {
        "ip": "192.0.2.10", "device": "/dev/x", "directory": "/srv/x", "fstype": "xfs",
    })  # fmt: skip
    assert "group mine \\\n    mine-filesystem \\\n    mine-virtual-ip mine-apache" in statements(
        with_more, templates
    )


def test_from_a_template_to_what_is_configured(
    crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 30.47"""
    assert "template apache: " in crm("template", "list", "templates")
    crm("template", "new", "web", "thing")
    code, err = crm.refused("template", "apply", "web")
    assert (code, "port has no value" in err) == (ExitCode.CONFIG, True)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/^%% port.*/%% port 80/' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    crm("template", "edit", "web")
    assert "params state=/run/80" in crm("template", "show", "web")
    crm("template", "apply", "web")
    assert "state=/run/80" in crm("show", "web-thing").replace('"', "")
    assert "primitive a " in crm("show"), "what was there before stays"
    assert crm("template", "list", "configs") == "configuration web\n"
    crm("template", "delete", "web")
    assert crm.refused("template", "show", "web")[0] == ExitCode.NOSUCH


def test_a_session_remembers_which_configuration_is_meant(
    crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 30.47: new and load"""
    lines = "configure\ntemplate\nnew vip virtual-ip params ip=192.0.2.1\nshow\napply\nup\ncommit\n"
    code, out, err = crm.file(lines, monkeypatch)
    assert code == 0, err
    assert "primitive vip ocf:heartbeat:IPaddr2" in out
    assert "IPaddr2" in crm("show", "vip")
    lines = "template\nload vip\ndelete vip\n"
    assert crm.file(lines, monkeypatch)[0] == ExitCode.UNSAFE
    assert crm.file("template\nload vip\ndelete vip force\nquit\n", monkeypatch)[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("new",), ExitCode.USAGE, "usage"),
        (("new", "x", "apach"), ExitCode.NOSUCH, "did you mean 'apache'?"),
        (("new", "x", "virtual-ip", "params", "ipp=1"), ExitCode.NOSUCH, "did you mean 'ip'?"),
        (("new", "x", "virtual-ip", "params", "ip"), ExitCode.USAGE, "usage"),
        (("show",), ExitCode.USAGE, "no configuration is loaded"),
        (("show", "none"), ExitCode.NOSUCH, "there are none"),
        (("show", "../x"), ExitCode.USAGE, "is no name"),
    ],
)
def test_what_cannot_be_is_explained(
    crm: Crm, words: tuple[str, ...], code: ExitCode, said: str
) -> None:
    found, err = crm.refused("template", *words)
    assert (found, said in err) == (code, True), err


def test_statements_are_what_the_shell_reads() -> None:
    templates = {each.name: each for each in map(read_template, (OWN, BASE, EXTRA))}
    parts = begun("web", ["thing"], templates, {"port": "80"})
    assert not parse(statements(parts, templates)).faults
