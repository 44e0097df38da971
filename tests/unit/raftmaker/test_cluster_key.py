"""The cluster's key: read as it was stored, exchanged line by line, refused when unfit."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftmaker.runtime.cluster_key import (
    create_cluster_key,
    loopback_keys,
    read_cluster_keys,
    store_cluster_key,
)
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.ids import ClusterId


def refusal(directory: Path) -> str:
    with pytest.raises(Rejected) as caught:
        read_cluster_keys(directory)
    assert caught.value.reports[0].mend
    return str(caught.value)


def test_a_key_is_private_and_read_as_it_was_stored(tmp_path: Path) -> None:
    key = create_cluster_key()
    store_cluster_key(tmp_path / "tls", key)
    keys = read_cluster_keys(tmp_path / "tls")
    assert keys is not None
    assert keys.keys == (key,)
    assert repr(key)[2:-1] not in repr(keys)
    assert (tmp_path / "tls" / "cluster.key").stat().st_mode & 0o777 == 0o600


def test_while_a_key_is_exchanged_both_are_there(tmp_path: Path) -> None:
    old, new = create_cluster_key(), create_cluster_key()
    store_cluster_key(tmp_path, old)
    with (tmp_path / "cluster.key").open("a") as file:
        file.write(new.hex() + "\n")
    keys = read_cluster_keys(tmp_path)
    assert keys is not None
    assert keys.keys == (old, new)


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert read_cluster_keys(tmp_path) is None


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    store_cluster_key(tmp_path, create_cluster_key())
    (tmp_path / "cluster.key").chmod(0o640)
    assert "may be read by others" in refusal(tmp_path)


@pytest.mark.parametrize("text", ["", "\n", "abcd\n", "x" * 64 + "\n", "ab" * 33])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    store_cluster_key(tmp_path, create_cluster_key())
    (tmp_path / "cluster.key").write_text(text)
    assert "no key" in refusal(tmp_path)


def test_clusters_on_one_machine_have_different_keys() -> None:
    assert loopback_keys(ClusterId("a")) != loopback_keys(ClusterId("b"))
