"""Pacemaker's own regression suite, a fixed tenth of it: the score may only improve (features 16).

The suite is no part of this repository. Where it lies beside the checkout (``../shared/cts``) it is
run; CI provides it. ``RAFTMAKER_CTS`` names another place of the archive.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from crm_shell.tools import crm_simulate

_HERE = Path(__file__).parent
_SUITE = Path(os.environ.get("RAFTMAKER_CTS", _HERE.parents[2].parent / "shared" / "cts"))
_RECORD = _HERE / "suite_score.json"
_IS_THERE = (_SUITE / "scheduler.tar.xz").exists()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked cases."""
    folder = tmp_path_factory.mktemp("cts")
    shutil.unpack_archive(_SUITE / "scheduler.tar.xz", folder)
    return next(path.parent for path in sorted(folder.rglob("tests.json")))


def _scorer() -> ModuleType:
    loader = SourceFileLoader("cts_score", str(_SUITE / "score"))
    spec = importlib.util.spec_from_loader("cts_score", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _simulated(argv: list[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        assert crm_simulate.main(argv) == 0
    return out.getvalue()


def _views(score: ModuleType) -> dict[str, Callable[[str], object]]:
    """What is compared of each file, as the suite's scorer compares it.

    Of the summary white space counts as well, which the scorer leaves out: people read its columns.
    """
    return {
        "summary": lambda text: text.rstrip().splitlines(),
        "dot": score.dot,
        "scores": lambda text: sorted(score.words(text)),
        "exp": lambda text: score.words(score.VOLATILE.sub("", text)),
    }


def _differences(score: ModuleType, data: Path, case: dict[str, object], tmp: Path) -> list[str]:
    name, args = str(case["name"]), case["args"]
    assert isinstance(args, list)
    source, graph, dot = f"{data}/xml/{name}.xml", tmp / "graph", tmp / "dot"
    summary = _simulated(["-x", source, "-S", *args])
    scores = _simulated(["-x", source, "-D", str(dot), "-G", str(graph), "-sSQ", *args])
    got = {"summary": summary, "scores": scores, "dot": dot.read_text(), "exp": graph.read_text()}
    return [
        kind
        for kind, view in _views(score).items()
        if view(got[kind]) != view(score.read(data / kind / f"{name}.{kind}"))
    ]


def _chosen(data: Path, record: dict[str, int]) -> Iterator[dict[str, object]]:
    cases = json.loads((data / "tests.json").read_text())
    yield from cases[record["offset"] :: record["every"]]


@pytest.mark.skipif(not _IS_THERE, reason="the suite is not beside the checkout")
def test_the_score_has_not_fallen(data: Path, tmp_path: Path) -> None:
    """features 16: as many cases as recorded are byte for byte as Pacemaker decides them.

    A better score is recorded with ``RAFTMAKER_RECORD=1``.
    """
    record = json.loads(_RECORD.read_text())
    score = _scorer()
    failed = {
        str(case["name"]): kinds
        for case in _chosen(data, record)
        if (kinds := _differences(score, data, case, tmp_path))
    }
    count = sum(1 for _ in _chosen(data, record))
    passed = count - len(failed)
    if os.environ.get("RAFTMAKER_RECORD") == "1" and passed > record["passed"]:
        _RECORD.write_text(json.dumps(record | {"cases": count, "passed": passed}, indent=2) + "\n")
    assert count == record["cases"]
    assert passed >= record["passed"], failed
