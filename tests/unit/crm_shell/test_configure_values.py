"""``configure set``, ``graph``, ``schema``, ``assist`` and ``cib import`` (30.10, 30.45, 30.49)."""

from __future__ import annotations

import asyncio
import bz2
import os
import shutil
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from crm_shell import main as shell
from crm_shell.agents.timeouts import with_advised_timeouts
from crm_shell.commands.configuring.rsctest import Step, run_through
from crm_shell.edit.drawing import drawing
from crm_shell.edit.setting import NoSuchValue, with_value
from lrmd.client import ActionMetadata, AgentMetadata
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.roles import Role
from tests.golden.crm_shell.test_cases import loaded
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_configure_commands import CIB, Crm
from tests.unit.crm_shell.test_resource_tools import CIB as RUNNING

TEXT = """primitive vip IPaddr2 params ip=10.0.0.1 op monitor interval=10s timeout=20s \\
    op monitor interval=11s role=Promoted on-fail=ignore op start interval=0 timeout=30s
primitive my.db Dummy meta target-role=Started priority=3
property no-quorum-policy=stop
node n1 attributes rack=7"""


async def _acted(ends_badly: str, ways: dict[str, bool]) -> tuple[bool, list[str]]:
    """Test resources of which one action ends badly or is given up; return what was done."""
    done: list[str] = []

    async def act(name: str, step: Step) -> bool:
        done.append(f"{name} {step.action}")
        if ends_badly == f"given up: {done[-1]}":
            raise KeyboardInterrupt
        return done[-1] != ends_badly

    try:
        return await run_through(ways, act), done
    except KeyboardInterrupt:
        return False, done


@pytest.mark.parametrize(
    ("ends_badly", "done"),
    [
        ("", "a monitor, a start, a monitor, b monitor, b start, b monitor, b promote, b monitor,"
         " b demote, b monitor, b stop, b monitor, a stop, a monitor"),
        ("a monitor", "a monitor"),
        ("b start", "a monitor, a start, a monitor, b monitor, b start,"
         " b demote, b monitor, b stop, b monitor, a stop, a monitor"),
        ("b demote", "a monitor, a start, a monitor, b monitor, b start, b monitor, b promote,"
         " b monitor, b demote, b monitor, b stop, b monitor, a stop, a monitor"),
        ("given up: a start", "a monitor, a start, a stop, a monitor"),
    ],
)  # fmt: skip
def test_what_was_started_by_hand_is_stopped_whatever_came_of_it(
    ends_badly: str, done: str
) -> None:
    """features 30.45: rsctest; nobody else would stop it"""
    good, found = asyncio.run(_acted(ends_badly, {"a": False, "b": True}))
    assert good is not bool(ends_badly)
    assert ", ".join(found) == done


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Crm:
    monkeypatch.delenv("CIB_shadow", raising=False)
    return Crm(Desk(CIB, tmp_path, monkeypatch, capsys))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("vip.ip", "nvpair[@id='vip-instance_attributes-ip']/value"),
        ("vip.start.timeout", "op[@id='vip-start-0']/timeout"),
        ("vip.start.on-fail", "op[@id='vip-start-0']/on-fail"),
        ("vip.monitor.11s.on-fail", "op[@id='vip-monitor-11s']/on-fail"),
        ("vip.monitor.10.timeout", "op[@id='vip-monitor-10s']/timeout"),
        ("my.db.priority", "nvpair[@id='my.db-meta_attributes-priority']/value"),
        ("n1.rack", "nvpair[@id='n1-instance_attributes-rack']/value"),
        ("cib-bootstrap-options.no-quorum-policy",
         "nvpair[@id='cib-bootstrap-options-no-quorum-policy']/value"),
    ],
)  # fmt: skip
def test_a_value_is_set_by_its_path(path: str, found: str) -> None:
    """features 30.45: set; ids may have dots"""
    before = loaded(TEXT)
    after = with_value(before, path, "new")
    place, _, attribute = found.partition("/")
    changed = [
        f"{each.tag}[@id='{each.id}']"
        for old, each in zip(before.walk(), after.walk(), strict=True)
        if old.attributes != each.attributes
    ]
    assert changed == [place]
    assert next(each for each in after.walk() if f"'{each.id}'" in place).get(attribute) == "new"
    assert with_value(after, path, "new") is after


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("vop.ip", "did you mean 'vip'?"),
        ("vip.cidr", "vip has no value 'cidr'; it has: ip"),
        ("vip.monitor.timeout", "say which monitor, with its interval: monitor.10s, monitor.11s"),
        ("vip.stop.timeout", "no operation 'stop'; it has: monitor.10s"),
        ("vip.start.timeuot", "start has no value 'timeuot'; allowed: interval, timeout"),
    ],
)
def test_a_path_that_names_nothing_is_explained(path: str, said: str) -> None:
    """features 30.45: set"""
    with pytest.raises(NoSuchValue) as caught:
        with_value(loaded(TEXT), path, "1")
    assert said in str(caught.value)


def test_set_changes_what_the_cluster_has(crm: Crm) -> None:
    """features 30.45: set"""
    crm("set", "z.state", "/run/zz")
    assert "state=/run/zz" in crm("show", "z").replace('"', "")
    assert crm.refused("set", "z.nothing", "1")[0] == ExitCode.NOSUCH
    assert crm.refused("set", "z", "1")[0] == ExitCode.USAGE


def test_timeouts_are_those_that_the_agent_advises() -> None:
    """features 30.45: default-timeouts; start and stop run whether configured or not"""
    metadata = AgentMetadata(
        name="thing",
        actions=(
            ActionMetadata(name="start", timeout="40s"),
            ActionMetadata(name="stop", timeout=""),
            ActionMetadata(name="monitor", timeout="30s"),
            ActionMetadata(name="monitor", timeout="50s", role=Role.PROMOTED),
        ),
    )
    primitive = loaded(
        "primitive a Dummy op monitor interval=10s timeout=5s op monitor interval=9 role=Promoted"
        " op other interval=3 timeout=7"
    ).walk()
    found = next(each for each in primitive if each.id == "a")
    after = with_advised_timeouts(found, metadata)
    held = after.child("operations")
    assert held is not None
    assert [(op.get("name"), op.get("role"), op.get("timeout")) for op in held.children] == [
        ("monitor", "", "30s"), ("monitor", "Promoted", "50s"), ("other", "", "7"),
        ("start", "", "40s"),
    ]  # fmt: skip
    assert with_advised_timeouts(after, metadata) is after


def test_the_order_of_resources_is_drawn() -> None:
    """features 30.45: graph"""
    lines = drawing(
        loaded(
            """primitive a Dummy
primitive b Dummy
primitive c Dummy
primitive d systemd:x
group g a b
clone k c
order one g k
order two Optional: c:start d:stop
order three Mandatory: ( g d ) k"""
        )
    ).splitlines()
    assert '  "a" -> "b";' in lines, "the members of a group"
    assert '  "b" -> "c" [ltail="cluster_g", lhead="cluster_k"];' in lines
    assert '  "c" -> "d" [style="dashed", label="start then stop"];' in lines
    assert '  "d" -> "c" [lhead="cluster_k"];' in lines, "out of a set"
    assert '  "d" [label="d\\nsystemd:x"];' in lines
    assert lines[-1] == "}"


def test_the_drawing_is_printed_and_saved(crm: Crm, tmp_path: Path) -> None:
    """features 30.45: graph"""
    file = tmp_path / "g.dot"
    crm("graph", "dot", str(file))
    assert file.read_text() == crm("graph")
    assert crm.refused("graph", "dot", str(tmp_path / "none" / "x"))[0] == ExitCode.CANTCREAT
    picture = tmp_path / "g.svg"
    if shutil.which("dot") is None:
        assert crm.refused("graph", "dot", str(picture), "svg")[0] == ExitCode.NOT_INSTALLED
    else:
        crm("graph", "dot", str(picture), "svg")
        assert "<svg" in picture.read_text()


def test_the_schema_is_told_and_there_is_no_way_back(crm: Crm) -> None:
    """features 30.45: schema"""
    assert crm("schema") == "pacemaker-4.0\n"
    assert crm("schema", "pacemaker-4.0") == "pacemaker-4.0\n"
    code, err = crm.refused("schema", "pacemaker-2.0")
    assert (code, "no way to an older schema" in err) == (ExitCode.UNIMPLEMENT_FEATURE, True)


def test_primitives_of_one_agent_get_a_template(crm: Crm) -> None:
    """features 30.49"""
    crm("assist", "template", "a", "m1")
    assert crm("show", "template-dummy-1") == "rsc_template template-dummy-1 Dummy\n"
    assert "primitive a @template-dummy-1" in crm("show", "a")
    assert crm.refused("assist", "template", "a", "z")[0] == ExitCode.EXISTS
    crm("primitive", "other", "systemd:other")
    code, err = crm.refused("assist", "template", "z", "other")
    assert (code, "ocf:heartbeat:Dummy, systemd:other" in err) == (ExitCode.CONFIG, True)
    assert crm.refused("assist", "template", "nope")[0] == ExitCode.NOSUCH


def test_resources_are_placed_together_and_depend_on_nobody(
    crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 30.45, 30.49: assist inside configure, where what is edited stays"""
    lines = (
        "configure\nprimitive one Dummy\nassist\nweak-bond one a\nup\nshow changed\ncommit\nquit"
    )
    code, out, err = crm.file(lines, monkeypatch)
    assert code == 0, err
    assert "primitive one Dummy" in out
    bond = "colocation place-constraint-1 inf: ( one a ) place-dummy-1"
    assert bond in out
    assert bond in crm("show", "place-constraint-1")
    assert crm.refused("assist", "weak-bond", "a")[0] == ExitCode.USAGE


def test_what_was_entered_from_configure_is_left_with_all_that_was_edited(
    crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, _ = crm.file("configure\nprimitive one Dummy\nassist\nquit\n", monkeypatch)
    assert code == 0
    assert crm("show", "one") == "primitive one Dummy\n"


def test_a_cib_becomes_a_shadow(crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 30.10: import, from a file or an input of the scheduler by its number"""
    monkeypatch.setenv("CIB_shadow_dir", str(tmp_path / "shadows"))
    monkeypatch.delenv("CIB_file")
    file = tmp_path / "pe-input-7.bz2"
    file.write_bytes(bz2.compress(CIB.replace("pacemaker-4.0", "pacemaker-3.2").encode()))
    run = crm.desk.run
    assert run(shell.main, "cib", "import", str(file))[0] == 0
    assert os.environ.pop("CIB_shadow") == "pe-input-7"
    shadow = parse((tmp_path / "shadows" / "shadow.pe-input-7").read_text())
    assert shadow.get("validate-with") == "pacemaker-4.0"
    assert _primitives(shadow) == _primitives(parse(CIB))
    assert run(shell.main, "cib", "import", str(file))[0] == ExitCode.CANTCREAT
    assert run(shell.main, "cib", "import", str(tmp_path / "none"))[0] == ExitCode.NOINPUT


def _primitives(cib: Element) -> list[str]:
    return [each.id for each in cib.walk() if each.tag == "primitive"]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("web",), ExitCode.UNSAFE, "web runs on n1: crm resource stop web"),
        (("db",), ExitCode.UNSAFE, "the cluster would start db: crm resource stop db"),
        (("nope",), ExitCode.NOSUCH, "nope"),
        (("db", "n2"), ExitCode.USAGE, "run it on n2"),
        ((), ExitCode.USAGE, "usage"),
    ],
)
def test_what_runs_or_is_about_to_is_not_tested(
    words: tuple[str, ...], code: ExitCode, hint: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """features 30.45: rsctest must not have anything run twice"""
    running = Crm(Desk(RUNNING, tmp_path, monkeypatch, capsys))
    found, err = running.refused("rsctest", *words)
    assert (found, hint in err) == (code, True), err
