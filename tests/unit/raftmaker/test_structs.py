"""What Raftmaker relies on in msgspec's Structs, and mypy in `tests/tidy/typed_replace.py`."""

from __future__ import annotations

import pickle

import pytest
from msgspec.structs import replace

from cib_store.document.element import Element
from raftmaker.runtime.endpoint import Credentials, Endpoint
from raftmaker.vocabulary.ids import NodeName


def test_a_copy_with_a_name_that_is_not_there_is_refused() -> None:
    """By mypy as well: without its plugin the comment below is unused, which is an error there."""
    with pytest.raises(TypeError, match="colour"):
        replace(Element("cib"), colour="red")  # type: ignore[call-arg]  # see above


def test_what_an_element_keeps_is_no_part_of_it() -> None:
    element = Element("tag", {"id": "n1"})
    digest, names = element.digest, element.names
    element.keep_line("<tag id='n1'/>")
    assert element == Element("tag", {"id": "n1"})
    assert repr(element) == repr(Element("tag", {"id": "n1"}))
    other = replace(element, attributes={"id": "n2"})
    assert (other.line, other.digest == digest, other.names == names) == ("", False, False)
    assert other.names.defined == {"n2"}
    assert pickle.loads(pickle.dumps(element)).digest == digest


def test_an_endpoint_does_not_show_its_key() -> None:
    shown = Credentials(authority=b"authority", certificate=b"certificate", key=b"a key")
    endpoint = Endpoint(node=NodeName("n1"), address="127.0.0.1:1", credentials=shown)
    assert "a key" not in repr(endpoint)
