"""Access control by readable cases: who may see and change what (features section 20)."""

from __future__ import annotations

import pytest

from cib_store.access.caller import EXEMPT, NOBODY, Caller, remote_node
from cib_store.access.changing import blurred, permitted
from cib_store.access.permissions import Permission, Right, is_enabled, permissions_of
from cib_store.access.reading import seen
from cib_store.access.rights import rights
from cib_store.access.views import Views, binding, facts_seen, may_record
from cib_store.apply import State
from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.operations import carried_out
from cib_store.document.path import find
from cib_store.document.refusal import Refusal
from cib_store.document.xpath import XPathTree
from raftmaker.runtime.errors import NotPermitted
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    CibOperation,
    CloseClients,
    OperationKind,
    UpdateAttributes,
)
from raftmaker.vocabulary.reports import Report

K = OperationKind
ALICE = Caller(user="alice", groups=frozenset({"staff", "haclient"}))
CIB = """
<cib epoch="7" num_updates="1" admin_epoch="0" dc-uuid="1" validate-with="pacemaker-4.0">
 <configuration>
  <crm_config><cluster_property_set id="o">
   <nvpair id="o-acl" name="enable-acl" value="{acl}"/>
  </cluster_property_set></crm_config>
  <nodes><node id="1" uname="n1"/></nodes>
  <resources>
   <primitive id="web" class="ocf" provider="heartbeat" type="apache">
    <instance_attributes id="web-p"><nvpair id="web-p-s" name="password" value="hunter2"/>
    </instance_attributes>
   </primitive>
   <primitive id="db" class="ocf" provider="heartbeat" type="pgsql"/>
  </resources>
  <constraints/>
  <acls>{acls}</acls>
 </configuration>
 <status><node_state id="1" uname="n1"/></status>
</cib>"""


def cib(acls: str = "", *, acl: str = "true") -> Element:
    return parse(CIB.format(acls=acls, acl=acl))


def role(*permissions: str, to: str = '<acl_target id="alice"><role id="r"/></acl_target>') -> str:
    rules = "".join(f'<acl_permission id="p{n}" {each}/>' for n, each in enumerate(permissions))
    return f'{to}<acl_role id="r">{rules}</acl_role>'


def permissions(document: Element, caller: Caller = ALICE) -> tuple[Permission, ...]:
    configuration = document.child("configuration")
    assert configuration is not None
    return permissions_of(configuration, caller)


def view(document: Element, caller: Caller = ALICE) -> str:
    found = seen(document, rights(XPathTree(document), permissions(document, caller)))
    return "" if found is None else render(found, indent=0)


def change(document: Element, operation: CibOperation) -> Element | Refusal:
    found = permitted(XPathTree(document), permissions(document), [operation])
    if isinstance(found, Refusal):
        return found
    for one in found:
        done = carried_out(document, one)
        assert isinstance(done, Element)
        document = done
    return document


def refusal(document: Element, operation: CibOperation) -> tuple[ExitCode, list[str]]:
    done = change(document, operation)
    assert isinstance(done, Refusal)
    return done.code, [report.where for report in done.reports]


@pytest.mark.parametrize(("text", "on"), [("true", True), ("yes", True), ("false", False)])
def test_the_switch(text: str, on: bool) -> None:
    """features 2.12, 20.1"""
    assert is_enabled(cib(acl=text).child("configuration")) is on
    assert binding(cib(acl="false"), ALICE) is None


def test_root_and_daemons_are_bound_by_nothing() -> None:
    """features 20.2"""
    assert binding(cib(), EXEMPT) is None
    assert binding(cib(), NOBODY) == ()


def test_without_a_role_nothing_is_seen() -> None:
    """features 20.2"""
    assert view(cib()) == ""
    with pytest.raises(NotPermitted, match="no right"):
        Views().of(cib(), ALICE)


@pytest.mark.parametrize(
    "entry",
    ['<acl_target id="alice"><role id="r"/></acl_target>',
     '<acl_target id="t" name="alice"><role id="r"/></acl_target>',
     '<acl_group id="staff"><role id="r"/></acl_group>',
     '<acl_group id="g" name="haclient"><role id="r"/></acl_group>'],
)  # fmt: skip
def test_roles_come_by_user_or_by_group(entry: str) -> None:
    """features 20.3, 20.8, 20.9"""
    document = cib(role('kind="read" xpath="/cib"', to=entry))
    assert permissions(document) == (Permission(Right.READ, "/cib"),)
    assert permissions(document, Caller(user="bob")) == ()
    assert permissions(document, NOBODY) == ()


def test_rules_of_before_schema_2_are_understood() -> None:
    """features 20.10"""
    document = cib(
        '<acl_user id="alice"><role_ref id="r"/><deny id="d" ref="web"/></acl_user>'
        '<acl_role id="r"><read id="x" xpath="/cib"/><write id="w" tag="nvpair" attribute="name"/>'
        "</acl_role>"
    )
    assert permissions(document) == (
        Permission(Right.READ, "/cib"),
        Permission(Right.WRITE, "//nvpair[@name]"),
        Permission(Right.DENY, "//*[@id='web']"),
    )


@pytest.mark.parametrize(
    ("rule", "xpath"),
    [('xpath="//a"', "//a"), ('reference="web"', "//*[@id='web']"),
     ('object-type="op"', "//op"), ('object-type="op" attribute="timeout"', "//op[@timeout]"),
     ('object-type="op" reference="x" attribute="role"', "//op[@id='x' and @role]")],
)  # fmt: skip
def test_what_a_permission_matches(rule: str, xpath: str) -> None:
    """features 20.4"""
    document = cib(role(f'kind="read" {rule}'))
    assert permissions(document) == (Permission(Right.READ, xpath),)


def test_the_nearest_match_decides_and_deny_comes_first() -> None:
    """features 20.5, 20.6"""
    document = cib(
        role('kind="read" xpath="/cib"', 'kind="deny" reference="web"',
             'kind="write" reference="web"', 'kind="read" reference="web-p-s"')
    )  # fmt: skip
    text = view(document)
    assert "pgsql" in text
    assert "apache" not in text
    assert '<primitive id="web">' in text, "a frame with its id stays around what is to be seen"
    assert "hunter2" in text


def test_an_xpath_that_matches_attributes_means_their_elements() -> None:
    """features 20.4"""
    text = view(cib(role('kind="read" xpath="//@provider"')))
    assert "apache" in text
    assert "enable-acl" not in text


def test_a_bad_xpath_gives_nothing_and_a_bad_denial_denies_all() -> None:
    assert view(cib(role('kind="read" xpath="//["'))) == ""
    assert view(cib(role('kind="read" xpath="/cib"', 'kind="deny" xpath="//["'))) == ""


def test_a_view_keeps_what_tools_need_and_nothing_else_of_the_root() -> None:
    document = cib(role('kind="read" reference="db"'))
    text = view(document)
    assert 'epoch="7"' in text
    assert "dc-uuid" not in text
    assert "<status/>" in text


def test_facts_of_nodes_are_for_those_who_see_the_status() -> None:
    state = State(cib=cib(role('kind="read" xpath="/cib/status"')))
    assert facts_seen(state, Views().of(state.cib, ALICE)) is state.facts
    state = State(cib=cib(role('kind="read" reference="db"')))
    assert facts_seen(state, Views().of(state.cib, ALICE)).nodes == ()


MODIFY_WEB = CibOperation(
    kind=K.MODIFY, scope="resources", xml='<primitive id="web" type="nginx"/>'
)


def test_reading_is_not_writing() -> None:
    """features 20.11, 28"""
    code, where = refusal(cib(role('kind="read" xpath="/cib"')), MODIFY_WEB)
    assert code is ExitCode.INSUFFICIENT_PRIV
    assert where == ["/cib/configuration/resources/primitive[@id='web']"]


def test_writing_is_allowed_where_it_is_given_and_includes_what_is_below() -> None:
    """features 20.4, 20.5"""
    done = change(cib(role('kind="write" reference="web"')), MODIFY_WEB)
    assert isinstance(done, Element)
    assert "nginx" in render(done)
    assert "hunter2" in render(done), "what was not touched stays"


def test_an_element_cannot_be_made_into_one_that_may_be_written() -> None:
    document = cib(role('kind="read" xpath="/cib"', 'kind="write" xpath="//*[@type=\'nginx\']"'))
    assert isinstance(change(document, MODIFY_WEB), Refusal)


def test_an_element_cannot_be_made_into_one_that_may_not() -> None:
    document = cib(role('kind="write" xpath="//nvpair[@name=\'enable-acl\']"'))
    renamed = CibOperation(
        kind=K.MODIFY, scope="crm_config", xml='<nvpair id="o-acl" name="fencing-enabled"/>'
    )
    assert isinstance(change(document, renamed), Refusal)


def test_deleting_needs_the_right_to_all_that_is_in_it() -> None:
    document = cib(role('kind="write" xpath="//resources"', 'kind="read" reference="web-p-s"'))
    delete = CibOperation(kind=K.DELETE, scope="resources", xml='<primitive id="web"/>')
    assert isinstance(change(document, delete), Refusal)
    other = CibOperation(kind=K.DELETE, scope="resources", xml='<primitive id="db"/>')
    assert isinstance(change(document, other), Element)


def test_what_is_hidden_survives_a_replacement_of_all_that_is_seen() -> None:
    document = cib(role('kind="write" xpath="//resources"', 'kind="deny" reference="web"'))
    replace = CibOperation(
        kind=K.REPLACE, scope="resources",
        xml='<resources><primitive id="new" class="lsb" type="x"/></resources>',
    )  # fmt: skip
    done = change(document, replace)
    assert isinstance(done, Element)
    resources = find(done, "/cib/configuration/resources")
    assert resources is not None
    assert [child.id for child in resources.children] == ["web", "new"]


def test_a_hidden_value_cannot_be_guessed() -> None:
    """A deletion that names a value does the same whether the hidden one is so or not."""
    document = cib(role('kind="write" xpath="/cib"', 'kind="deny" reference="web-p-s"'))
    for value in ("hunter2", "hunter3"):
        guess = CibOperation(
            kind=K.DELETE, scope="resources", xml=f'<nvpair name="password" value="{value}"/>'
        )
        assert change(document, guess) == document


def test_a_frame_may_be_made_around_what_may_be_written() -> None:
    """features 20.7"""
    document = cib(
        role('kind="read" xpath="/cib"', 'kind="write" xpath="//nvpair[@name=\'target-role\']"')
    )
    meta = '<meta_attributes id="db-m">{}</meta_attributes>'
    pair = '<nvpair id="db-m-t" name="target-role" value="Stopped"/>'
    where = "//primitive[@id='db']"
    made = change(document, CibOperation(kind=K.CREATE, path=where, xml=meta.format(pair)))
    assert isinstance(made, Element)
    other = pair.replace("target-role", "is-managed")
    for xml in (meta.format(""), meta.format(other), meta.format(pair + other)):
        assert isinstance(
            change(document, CibOperation(kind=K.CREATE, path=where, xml=xml)), Refusal
        )


def test_no_frame_is_made_in_the_rules_themselves() -> None:
    """features 20.7"""
    document = cib(role('kind="read" xpath="/cib"', 'kind="write" xpath="//acl_permission"'))
    new = '<acl_role id="mine"><acl_permission id="m" kind="write" xpath="/cib"/></acl_role>'
    assert isinstance(change(document, CibOperation(kind=K.CREATE, scope="acls", xml=new)), Refusal)


def test_the_epoch_is_raised_by_those_who_may_write_all() -> None:
    bump = CibOperation(kind=K.BUMP)
    assert isinstance(change(cib(role('kind="read" xpath="/cib"')), bump), Refusal)
    assert isinstance(change(cib(role('kind="write" xpath="/cib"')), bump), Element)


def test_what_is_wrong_with_something_hidden_is_told_without_saying_what() -> None:
    document = cib(role('kind="read" xpath="//resources"', 'kind="deny" reference="web"'))
    reports = (
        Report(code="unknown-reference", where="//primitive[@id='web']", what="names apache"),
        Report(code="unknown-reference", where="//primitive[@id='db']", what="names pgsql"),
    )
    told = blurred(reports, document, permissions(document))
    assert [each.where for each in told] == ["", "//primitive[@id='db']"]
    assert "apache" not in str(told[0])


def test_attributes_are_recorded_by_those_who_may_write_the_status() -> None:
    update = UpdateAttributes(())
    assert may_record(cib(role('kind="write" xpath="/cib/status"')), ALICE, update)
    assert not may_record(cib(role('kind="read" xpath="/cib"')), ALICE, update)
    assert may_record(cib(acl="false"), ALICE, update)
    assert not may_record(cib(acl="false"), ALICE, CloseClients(("x",)))  # type: ignore[arg-type]  # an id is a text


def test_a_remote_node_is_a_user_of_its_name_and_has_a_role_of_its_own() -> None:
    """features 20.12: attributes may be set there once the role allows it, without a target."""
    change = UpdateAttributes(())
    alone = cib()
    assert not may_record(alone, remote_node("far"), change)
    for acls in (
        '<acl_role id="pacemaker-remote"><acl_permission id="p" kind="write" xpath="/cib/status"/>'
        "</acl_role>",
        role(
            'kind="write" xpath="/cib/status"',
            to='<acl_target id="far"><role id="r"/></acl_target>',
        ),
    ):
        whole = cib(acls)
        assert may_record(whole, remote_node("far"), change)
        assert not may_record(
            whole, Caller(user="other", groups=frozenset({"pacemaker-remote"})), change
        )
        assert not may_record(whole, remote_node("far"), CloseClients(()))
    assert may_record(cib(acl="false"), remote_node("far"), change)
