"""``parse(render(x)) == x`` for everything a configuration may hold (features 30.40)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cib_store.document.element import Element
from crm_shell.edit import Mode, apply, operations
from crm_shell.edit.show import show
from crm_shell.syntax import parse
from crm_shell.syntax.ids import assign
from crm_shell.syntax.words import ACTIONS, ROLES

NAMES = st.sampled_from(["a", "b", "c1", "web.x", "_d-e"])
# Printable text of every sort: quotes, backslashes, blanks, braces, equal signs, line ends.
VALUES = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f") | st.just("\n"),
    max_size=12,
)
PAIR_NAMES = st.text("abcXYZ-_.$@#=:", min_size=1, max_size=6)


def pairs() -> st.SearchStrategy[tuple[Element, ...]]:
    pair = st.builds(lambda n, v: Element("nvpair", {"name": n, "value": v}), PAIR_NAMES, VALUES)
    return st.lists(pair, max_size=3, unique_by=lambda each: each.get("name")).map(tuple)


def rules() -> st.SearchStrategy[Element]:
    plain = st.builds(
        lambda a, o, v: Element("expression", {"attribute": a, "operation": o, "value": v}),
        st.sampled_from(["#uname", "site", "and", "a b"]), st.sampled_from(["eq", "lt"]), VALUES,
    )  # fmt: skip
    unary = st.builds(lambda a: Element("expression", {"attribute": a, "operation": "defined"}),
                      NAMES)  # fmt: skip
    date = st.builds(lambda d: Element("date_expression", {"operation": "gt", "start": d}), VALUES)
    return st.builds(
        lambda parts, joined: Element("rule", {"boolean-op": joined} if joined else {}, parts),
        st.lists(plain | unary | date, min_size=1, max_size=3).map(tuple),
        st.sampled_from(["", "and", "or"]),
    )


def sets(*tags: str) -> st.SearchStrategy[Element]:
    return st.builds(
        lambda tag, score, rule, inside: Element(
            tag, {"score": score} if score else {}, (*rule, *inside)
        ),
        st.sampled_from(tags),
        st.sampled_from(["", "1", "-INFINITY"]),
        st.lists(rules(), max_size=1),
        pairs(),
    ).filter(lambda each: bool(each.children or each.attributes))


def operation() -> st.SearchStrategy[Element]:
    return st.builds(
        lambda name, interval, inside: Element(
            "op", {"name": name, "interval": interval, "role": "Started"},
            (Element("instance_attributes", {}, inside),) if inside else (),
        ),
        st.sampled_from(["monitor", "start", "reload-agent"]),
        st.sampled_from(["0", "10s", "1 min"]),
        pairs(),
    )  # fmt: skip


def primitive(identity: str) -> st.SearchStrategy[Element]:
    parts = st.lists(sets("instance_attributes", "meta_attributes", "utilization"), max_size=3)
    return st.builds(
        lambda inside, ops, text: Element(
            "primitive",
            {"id": identity, "class": "ocf", "provider": "x", "type": "T"}
            | ({"description": text} if text else {}),
            (*inside, *([Element("operations", {}, tuple(ops))] if ops else [])),
        ),
        parts, st.lists(operation(), max_size=2), VALUES,
    )  # fmt: skip


def constraint() -> st.SearchStrategy[Element]:
    ends = st.sampled_from(["p1", "p2"])
    member_set = st.builds(
        lambda ids, flags, role: Element(
            "resource_set", flags | ({"role": role} if role else {}),
            tuple(Element("resource_ref", {"id": each}) for each in ids),
        ),
        st.lists(ends, min_size=1, max_size=3, unique=True),
        st.sampled_from([{}, {"sequential": "false"}, {"require-all": "false"},
                         {"sequential": "false", "require-all": "false"},
                         {"sequential": "true"}]),
        st.sampled_from(["", *ROLES]),
    )  # fmt: skip
    return st.one_of(
        st.builds(
            lambda s, inside: Element("rsc_colocation", {"id": "k", "score": s}, tuple(inside)),
            st.sampled_from(["INFINITY", "-5"]), st.lists(member_set, min_size=1, max_size=3),
        ),
        st.builds(
            lambda first, then, act: Element(
                "rsc_order", {"id": "k", "first": first, "then": then, "then-action": act}
            ),
            ends, ends, st.sampled_from(ACTIONS),
        ),
        st.builds(
            lambda each: Element("rsc_location", {"id": "k", "rsc": "p1"}, (each,)),
            rules().map(lambda rule: rule.with_attributes({"score": "INFINITY"})),
        ),
    )  # fmt: skip


@st.composite
def configurations(draw: st.DrawFn) -> Element:
    inside = [draw(primitive("p1")), draw(primitive("p2"))]
    options = Element("cluster_property_set", {"id": "cib-bootstrap-options"}, draw(pairs()))
    sections = {
        "crm_config": [options],
        "nodes": [Element("node", {"id": "n", "uname": "n"})],
        "resources": inside,
        "constraints": [draw(constraint())],
    }
    return Element(
        "configuration",
        {},
        tuple(
            Element(name, {}, tuple(assign(each, ()) for each in objects))
            for name, objects in sections.items()
        ),
    )


@given(configurations())
def test_what_is_shown_is_what_is_there(configuration: Element) -> None:
    text, _ = show(configuration)
    edited = apply(configuration, parse(text), Mode.UPDATE)
    assert edited.faults == (), text
    assert operations(configuration, edited.configuration) == (), text


@given(configurations())
def test_what_is_shown_makes_the_same_in_an_empty_cluster(configuration: Element) -> None:
    empty = configuration.with_children(
        tuple(each if each.tag == "nodes" else each.with_children(())
              for each in configuration.children)
    )  # fmt: skip
    text, _ = show(configuration)
    edited = apply(empty, parse(text), Mode.UPDATE)
    assert edited.faults == (), text
    assert show(edited.configuration)[0] == text


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_fail(text: str) -> None:
    parsed = parse(text)
    for fault in parsed.faults:
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.what
