"""What ``crm explain`` says: a readable case each.

Cluster and state are those of `case_file`. ``== ask`` has the words after ``crm explain``, and
``== answer`` what is said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.model.dates import Moment
from crm_shell.commands.explain import explanation_lines
from crmd.scheduler.explaining.explain import explain
from crmd.scheduler.state.contribution import Origin
from tests.golden.scheduler.case_file import Case, cib_of
from tests.golden.scheduler.histories import NOW

CASES = sorted((Path(__file__).parent / "explained").glob("*.case"))


def _answer(text: str, ask: str) -> str:
    cib = cib_of(Case.read(text))
    resource, *node = ask.split()
    found = explain(cib, Moment(NOW), resource, node[0] if node else None)
    return "\n\n".join("\n".join(explanation_lines(each)) for each in found)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, request: pytest.FixtureRequest) -> None:
    """The answer is the one that the case expects."""
    cluster, _, rest = path.read_text(encoding="utf-8").partition("\n== ask\n")
    ask, _, expected = rest.partition("\n== answer\n")
    said = _answer(cluster, ask.strip())
    if request.config.getoption("--rewrite"):
        text = f"{cluster}\n== ask\n{ask.strip()}\n\n== answer\n{said}\n"
        path.write_text(text, encoding="utf-8")
        return
    assert said.splitlines() == expected.rstrip("\n").splitlines(), cluster.splitlines()[0]


def test_every_origin_of_a_score_has_a_case() -> None:
    """A source that no case shows may say anything."""
    answers = "".join(path.read_text("utf-8").partition("== answer")[2] for path in CASES)
    # A case's cluster has nothing that was removed; tests/unit/crmd/scheduler has.
    told = [each for each in Origin if f"  {each.value}: " in answers]
    assert [each for each in Origin if each not in (*told, Origin.REMOVED)] == []
