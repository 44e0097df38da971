"""Secret parameters are hidden where changes are listed and compared (features 3.19)."""

from __future__ import annotations

from cib_store.document.codec import parse, render
from cib_store.proposing.changes import plain_origin
from crm_shell.edit.secrets import is_secret, private_parameters, without_secrets
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Origin

OLD = parse(
    '<primitive id="a"><instance_attributes id="p"><nvpair id="s" name="passwd" value="hunter2"/>'
    '<nvpair id="u" name="user" value="admin"/></instance_attributes></primitive>'
)
NEW = parse(render(OLD).replace("hunter2", "hunter3"))


def test_secret_values_are_hidden_and_others_are_not() -> None:
    text = render(without_secrets(OLD))
    assert "hunter2" not in text
    assert "admin" in text
    assert without_secrets(without_secrets(OLD)) == without_secrets(OLD)


def test_a_comparison_tells_that_a_secret_differs_and_not_what_it_is() -> None:
    assert without_secrets(NEW, OLD) != without_secrets(OLD)
    assert "hunter" not in render(without_secrets(NEW, OLD))
    assert without_secrets(OLD, OLD) == without_secrets(OLD)


def test_what_an_agent_says_is_private_is_hidden_too() -> None:
    """Its metadata's word is in the history of its operations; a user's name can be shown."""
    cib = parse(
        '<cib><configuration><resources><primitive id="db"><instance_attributes id="p">'
        '<nvpair id="k" name="unlock" value="hunter2"/><nvpair id="n" name="user" value="admin"/>'
        '</instance_attributes></primitive><primitive id="web"><instance_attributes id="q">'
        '<nvpair id="w" name="unlock" value="door"/></instance_attributes></primitive></resources>'
        '</configuration><status><node_state id="a"><lrm id="a"><lrm_resources>'
        '<lrm_resource id="db:0"><lrm_rsc_op id="o" op-secure-params=" unlock  user "/>'
        "</lrm_resource></lrm_resources></lrm></node_state></status></cib>"
    )
    configuration = cib.children[0]
    text = render(without_secrets(configuration, None, private_parameters(cib)))
    assert "hunter2" not in text
    assert "admin" in text
    assert "door" in text, "of another resource's agent nothing is said"
    changed = parse(render(configuration).replace("hunter2", "hunter3"))
    assert "(another)" in render(without_secrets(changed, configuration, private_parameters(cib)))


def test_which_names_are_secret() -> None:
    assert all(map(is_secret, ("passwd", "password", "ipmi_Password", "api_token")))
    assert not any(map(is_secret, ("user", "ip", "passive")))


def test_the_message_of_a_change_tells_no_value() -> None:
    """The store's own words name the XPath that was given, without the value it looks for."""
    looked = CibOperation(kind=OperationKind.DELETE, path="//nvpair[@id='s' and @value='hunter2']")
    message = plain_origin(Origin(), [looked]).message
    assert "hunter2" not in message
    assert "@id='s'" in message
