"""Join tokens: read as they were made, refused when not whole; kept as digests, used once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from crm_shell.enrolment import records
from crm_shell.enrolment.records import ANSWER_AGAIN_S, Record, Verdict, judge, may_use, used
from crm_shell.enrolment.token import Role, Token, decode, digest_of, encode, new_secret
from crm_shell.host.setup import duration_s
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.ids import ClusterId, NodeName

IDENTITY, SECRET = new_secret()
TOKEN = Token(
    cluster=ClusterId("c1"),
    cluster_name="web",
    node=NodeName("h1"),
    addresses=("10.0.0.1:5409", "[fd00::1]:5409"),
    authority=b"a" * 32,
    id=IDENTITY,
    secret=SECRET,
    role=Role.WITNESS,
)
RECORD = Record(
    id=IDENTITY.hex(), digest=digest_of(SECRET).hex(), role=Role.VOTER, made_s=0, expires_s=1000
)


def refusal(text: str) -> str:
    with pytest.raises(Rejected) as caught:
        decode(text)
    return str(caught.value)


def test_a_token_is_read_as_it_was_made() -> None:
    text = encode(TOKEN)
    assert decode(text) == TOKEN
    assert decode(f"  {text[:30]}\n{text[30:]} ") == TOKEN, "a terminal may have broken the line"
    assert text.replace("-", "").replace("_", "").isalnum(), "a shell takes it as one word"
    assert repr(SECRET)[2:-1] not in repr(TOKEN)


@pytest.mark.parametrize("cut", range(12, 60, 7))
def test_a_token_that_was_not_copied_whole_is_refused(cut: int) -> None:
    text = encode(TOKEN)
    assert "copied whole" in refusal(text[:-cut])
    middle = len(text) // 2
    changed = "A" if text[middle] != "A" else "B"
    assert "copied whole" in refusal(text[:middle] + changed + text[middle + 1 :])


@pytest.mark.parametrize("text", ["", "xyz", "raftmaker2-abcd", "raftmaker1-§§", "raftmaker1-"])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert refusal(text)


def test_a_token_that_names_no_address_is_refused() -> None:
    assert "lacks something" in refusal(encode(replace(TOKEN, addresses=())))
    assert "lacks something" in refusal(encode(replace(TOKEN, addresses=("nowhere",))))


def test_only_the_right_secret_is_welcome() -> None:
    known = (RECORD,)
    assert judge(known, IDENTITY, SECRET, 999) is Verdict.WELCOME
    assert judge(known, IDENTITY, b"x" * len(SECRET), 999) is Verdict.UNKNOWN
    assert judge(known, b"x" * len(IDENTITY), SECRET, 999) is Verdict.UNKNOWN
    assert judge((), IDENTITY, SECRET, 999) is Verdict.UNKNOWN


def test_a_token_expires() -> None:
    assert judge((RECORD,), IDENTITY, SECRET, 1000) is Verdict.EXPIRED


def test_a_token_is_good_for_one_host_which_may_ask_again_for_a_while() -> None:
    taken = used(RECORD, "h2", "key", 500)
    assert not may_use(taken, "h3", "key")
    assert not may_use(taken, "h2", "another key")
    assert may_use(taken, "h2", "key")
    assert judge((taken,), IDENTITY, SECRET, 500 + ANSWER_AGAIN_S - 1) is Verdict.WELCOME
    assert judge((taken,), IDENTITY, SECRET, 500 + ANSWER_AGAIN_S) is Verdict.USED
    assert used(taken, "h2", "key", 600).used_s == 500, "asking again does not prolong it"


def test_the_secret_is_not_kept(tmp_path: Path) -> None:
    with records.changing(tmp_path / "enrolment") as known:
        known.append(RECORD)
    file = tmp_path / "enrolment" / "tokens.json"
    assert records.read(tmp_path / "enrolment") == (RECORD,)
    assert SECRET.hex() not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    with records.changing(tmp_path) as known:
        known.append(RECORD)

    def fail() -> None:
        with records.changing(tmp_path) as known:
            known.clear()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert records.read(tmp_path) == (RECORD,)
    assert json.loads((tmp_path / "tokens.json").read_text())[0]["role"] == "voter"


def test_old_tokens_are_forgotten() -> None:
    day = records.REMEMBERED_S
    assert records.kept((RECORD,), RECORD.expires_s + day - 1) == (RECORD,)
    assert records.kept((RECORD,), RECORD.expires_s + day) == ()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("30s", 30), ("15m", 900), ("1h", 3600), ("7d", 604800)]
)
def test_how_long_a_token_lasts(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "h", "1w", "8d", "-1h", "1.5h", "1h30m"])
def test_a_time_that_no_token_may_last_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="no time that a token may last"):
        duration_s(text)
