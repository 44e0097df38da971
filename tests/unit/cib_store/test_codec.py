"""XML from outside: what could hurt is refused, with the reason (features 4.20)."""

from __future__ import annotations

import pytest

from cib_store.apply import State
from cib_store.document import codec
from cib_store.document.codec import (
    BYTES_MAX,
    DEPTH_MAX,
    OWN_BYTES_MAX,
    SMALL_CHARACTERS,
    BadXml,
    parse,
)
from cib_store.messages import snapshots
from cib_store.messages.steps import stepped
from crmd.parcels import unpacked
from raftmaker.wire.store_pb2 import WatchEvent

BOMB = """<!DOCTYPE cib [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY z "&b;&b;">]><cib>&z;</cib>"""


@pytest.mark.parametrize(
    "text",
    [BOMB, '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><cib>&x;</cib>',
     '<!DOCTYPE cib SYSTEM "http://127.0.0.1:9/x.dtd"><cib/>', "<!DOCTYPE cib><cib/>",
     '<cib a="&x;"/>'],
)  # fmt: skip
def test_entities_and_document_types_are_refused(text: str) -> None:
    with pytest.raises(BadXml) as caught:
        parse(text)
    assert "root:" not in str(caught.value)


def test_nesting_has_a_limit() -> None:
    deep = DEPTH_MAX + 2
    with pytest.raises(BadXml, match=f"deeper than {DEPTH_MAX}"):
        parse("<a>" * deep + "</a>" * deep)
    assert parse("<a>" * DEPTH_MAX + "</a>" * DEPTH_MAX).tag == "a"
    with pytest.raises(BadXml):
        parse("<a>" * 100_000)


def test_length_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BYTES_MAX < 64 * 1024 * 1024
    monkeypatch.setattr(codec, "BYTES_MAX", 100)
    with pytest.raises(BadXml, match="at most 100"):
        parse(f'<a b="{"x" * 100}"/>')
    assert parse(f'<a b="{"x" * 100}"/>', bytes_max=1000).tag == "a"


def test_what_a_daemon_wrote_is_read_whatever_may_be_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The status of many nodes grows beyond any request: a store must be able to start with it."""
    many = "".join(f'<nvpair id="n{n}" name="a{n}" value="v"/>' for n in range(1000))
    text = f'<cib><status><node_state id="a">{many}</node_state></status></cib>'
    monkeypatch.setattr(codec, "BYTES_MAX", SMALL_CHARACTERS)
    with pytest.raises(BadXml, match=f"at most {SMALL_CHARACTERS}"):
        parse(text)
    state = State(cib=parse(text, bytes_max=OWN_BYTES_MAX))
    assert snapshots.decode(snapshots.encode(state)).cib == state.cib
    event = WatchEvent(index=1, resync=text)
    event.facts.SetInParent()
    assert stepped(None, event).cib == state.cib
    assert unpacked(text) == state.cib
