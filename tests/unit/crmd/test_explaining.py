"""Explanations over the wire, and the process that computes them."""

from __future__ import annotations

import asyncio

import pytest

from cib_store.document.codec import parse
from crmd.explain_worker import answer
from crmd.explaining import Explaining, Question
from crmd.explanation_codec import explain_reply, explanations_of
from raftmaker.runtime.errors import HaError
from raftmaker.wire.controller_pb2 import ExplainReply

CIB = parse(
    '<cib have-quorum="1" dc-uuid="n1"><configuration><crm_config/><nodes>'
    '<node id="n1" uname="n1"/></nodes><resources>'
    '<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m">'
    '<nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive>'
    '</resources><constraints><rsc_location id="l" rsc="a" node="n1" score="7"/></constraints>'
    "</configuration><status/></cib>"
)


def test_an_explanation_is_the_same_after_the_wire() -> None:
    found = answer(Question(CIB, 1_700_000_000, "a", ""))
    assert isinstance(found, tuple)
    assert found[0].nodes[0].contributions
    assert found[0].obstacles
    sent = ExplainReply.FromString(explain_reply(found).SerializeToString())
    assert explanations_of(sent) == found


def test_questions_are_answered_by_a_process_of_their_own() -> None:
    async def ask() -> tuple[str, ...]:
        explaining = Explaining()
        try:
            both = await asyncio.gather(
                explaining.explain(CIB, "a", ""), explaining.explain(CIB, "b", "")
            )
            return tuple(each.resource for found in both for each in found)
        finally:
            await explaining.close()

    assert asyncio.run(ask()) == ("a",)


def test_without_a_cib_the_caller_is_told_to_ask_again() -> None:
    with pytest.raises(HaError, match="ask again"):
        asyncio.run(Explaining().explain(None, "a", ""))
