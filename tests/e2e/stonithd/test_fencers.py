"""Two fencers over gRPC, with a fence agent that is a real program keeping its state in a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from crm_shell.local_cluster.layout import create_layout
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError, Refused, Unreachable
from raftmaker.runtime.identity import identity_of, tool_identity
from raftmaker.runtime.logs import Log
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.settings import Settings, read
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from stonithd.agents import Agents
from stonithd.client import FenceAnswer, FencerClient
from stonithd.configuration.reading import agents_of, setup_of
from stonithd.fencing.events import Configured, HistoryCleared
from stonithd.fencing.step import initial_state
from stonithd.knowledge import Knowledge
from stonithd.memory import Memory
from stonithd.offers import Offers
from stonithd.peers import Peers
from stonithd.runner import Runner
from stonithd.server import FencerService

pytestmark = pytest.mark.e2e

AGENT = """\
#!/bin/sh
while IFS== read -r name value; do
    case $name in action|plug|dir|hold) eval "$name=\\$value" ;; esac
done
case $action in
metadata) cat <<EOF
<resource-agent name="fence_file"><parameters><parameter name="plug"/></parameters>
<actions><action name="on"/><action name="off"/><action name="reboot"/><action name="status"/>
<action name="list"/><action name="monitor"/><action name="validate-all"/></actions>
</resource-agent>
EOF
;;
list) echo c,c ;;
validate-all) [ -n "$dir" ] || { echo "dir is missing" >&2; exit 2; } ;;
monitor) exit 0 ;;
status) [ "$(cat "$dir/$plug")" = off ] && exit 2; exit 0 ;;
*)
    echo "$action $plug" >>"$dir/log"
    [ -z "$hold" ] || until [ -e "$dir/go" ]; do sleep 0.01; done
    echo "$action" >"$dir/$plug"
;;
esac
"""
ME = ("a", "b")
KNOWN_INDEX = 7


class Node:
    """One fencer without a store: the test tells it the configuration."""

    def __init__(self, settings: Settings, agents: Agents) -> None:
        self.settings = settings
        self.identity = identity_of(settings, BootId(f"boot-{settings.node}"), "test")
        self.agents = agents
        self.peers = Peers(Roster(settings), self.identity)
        log = Log("test")
        memory = Memory(settings.state_dir / "stonithd")
        offers = Offers(settings.node, agents, self.peers, log)
        self.runner = Runner(
            state=initial_state(settings.node, memory.token(), memory.history(settings.node)),
            memory=memory,
            agents=agents,
            peers=self.peers,
            offers=offers,
            log=log,
        )
        self.knowledge = Knowledge()
        self.knowledge.grow(KNOWN_INDEX)
        self.service = FencerService(
            identity=self.identity,
            runner=self.runner,
            agents=agents,
            offers=offers,
            peers=self.peers,
            knowledge=self.knowledge,
        )
        self.client = FencerClient(settings.socket("stonithd"), identity=self.identity)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await serve(
            [self.service.service()],
            identity=self.identity,
            socket=self.settings.socket("stonithd"),
            endpoints=[self.settings.me.fencer],
        )
        try:
            yield
        finally:
            await self.client.close()
            await server.stop(None)
            await self.runner.close()
            await self.peers.close()

    async def configure(self, xml: str) -> None:
        cib = parse(xml)
        found = {name: await self.agents.abilities(name) for name in agents_of(cib)}
        setup = setup_of(
            cib,
            members=tuple(NodeName(name) for name in ME),
            abilities={name: able for name, able in found.items() if able is not None},
            now=Moment(0),
        )
        self.runner.take(Configured(boot_ms(), setup))

    async def fence(
        self, counter: int = 1, action: str = "off", known_index: int = 0
    ) -> FenceAnswer:
        return await self.client.fence(
            token=Token(1, counter),
            target=NodeName("c"),
            boot_id=BootId("boot-c"),
            session=Session(4),
            action=action,
            client="test",
            origin=NodeName("b"),
            known_index=known_index,
        )

    async def until_asked(self, count: int) -> None:
        """Return when so many callers wait for the end of a fencing."""
        while len(self.runner._answers) != count:
            await asyncio.sleep(0.01)


class Pair:
    """Fencers a and b, and what their agents did."""

    def __init__(self, directory: Path) -> None:
        layout = create_layout(directory, ME, timings={}, ocf_roots=(), fence_dirs=())
        tools = directory / "agents"
        tools.mkdir()
        (tools / "fence_file").write_text(AGENT)
        (tools / "fence_file").chmod(0o755)
        self.directory = directory
        self.settings = {
            node.name: replace(read(node.config), fence_dirs=(tools,)) for node in layout.nodes
        }
        agents = {
            name: Agents((tools,), Log("test"), secrets=Secrets(tools / "none")) for name in ME
        }
        self.a, self.b = (Node(self.settings[name], agents[name]) for name in ME)

    def cib(self, pairs: str = "pcmk_host_list=c", constraints: str = "") -> str:
        given = [
            *(entry.split("=") for entry in pairs.split("|") if entry),
            ("dir", self.directory),
        ]
        nvpairs = "".join(f'<nvpair id="{k}" name="{k}" value="{v}"/>' for k, v in given)
        return (
            '<cib><configuration><resources><primitive id="f1" class="stonith" type="fence_file">'
            f'<instance_attributes id="i">{nvpairs}</instance_attributes></primitive></resources>'
            f"<constraints>{constraints}</constraints></configuration><status/></cib>"
        )

    async def configure(self, pairs: str = "pcmk_host_list=c", constraints: str = "") -> None:
        for node in (self.a, self.b):
            await node.configure(self.cib(pairs, constraints))

    def let_go(self) -> None:
        """Let agents that hold on come to their ends."""
        (self.directory / "go").touch()

    def log(self) -> list[str]:
        path = self.directory / "log"
        return path.read_text().splitlines() if path.exists() else []


def scenario(directory: Path, body: Callable[[Pair], Awaitable[None]]) -> None:
    async def whole() -> None:
        pair = Pair(directory)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(pair.a.running())
            await stack.enter_async_context(pair.b.running())
            await body(pair)

    asyncio.run(whole())


BAN_A = '<rsc_location id="l" rsc="f1" node="a" score="-INFINITY"/>'


def test_a_device_fences_and_both_nodes_remember(tmp_path: Path) -> None:
    """features 17.18, 17.41."""

    async def body(pair: Pair) -> None:
        await pair.configure()
        answer = await pair.a.fence()
        assert (answer.confirmed, answer.devices) == (True, ("f1",))
        assert pair.log() == ["off c"]
        assert (tmp_path / "c").read_text() == "off\n"
        for node in (pair.a, pair.b):
            history = await node.client.history()
            assert [(one.target, one.state, one.delegate) for one in history] == [
                ("c", "confirmed", "a")
            ]
        while not await pair.b.client.history(local=True):
            await asyncio.sleep(0.01)
        assert await pair.a.client.history(NodeName("x")) == ()

    scenario(tmp_path, body)


def test_a_banned_fencer_asks_its_peer(tmp_path: Path) -> None:
    """features 17.2, 17.28."""

    async def body(pair: Pair) -> None:
        await pair.configure(constraints=BAN_A)
        answer = await pair.a.fence(action="reboot")
        assert answer.confirmed
        assert pair.log() == ["reboot c"]
        assert [one.delegate for one in await pair.a.client.history()] == ["b"]
        assert pair.b.runner.state.token == Token(1, 1)

    scenario(tmp_path, body)


def test_a_peer_with_a_newer_token_runs_nothing(tmp_path: Path) -> None:
    """protocols, DC."""

    async def body(pair: Pair) -> None:
        await pair.configure(constraints=BAN_A)
        await pair.b.client.raise_token(Token(1, 9))
        answer = await pair.a.fence()
        assert not answer.confirmed
        assert "older" in answer.reason
        assert pair.log() == []

    scenario(tmp_path, body)


def test_a_dynamic_list_that_only_the_peer_can_ask_for(tmp_path: Path) -> None:
    """features 17.6."""

    async def body(pair: Pair) -> None:
        await pair.configure("", constraints=BAN_A)
        assert (await pair.a.fence()).confirmed
        assert pair.log() == ["off c"]
        device = (await pair.b.client.devices())[0]
        assert (device.host_check, device.targets, device.usable) == (
            "dynamic-list",
            ("c",),
            True,
        )
        assert not (await pair.a.client.devices())[0].usable

    scenario(tmp_path, body)


def test_an_older_token_is_refused_also_after_a_restart(tmp_path: Path) -> None:
    """protocols, DC."""

    async def first(pair: Pair) -> None:
        assert await pair.a.client.raise_token(Token(1, 5)) == Token(1, 5)
        assert await pair.a.client.raise_token(Token(1, 3)) == Token(1, 5)

    scenario(tmp_path, first)
    assert Memory(tmp_path / "a" / "state" / "stonithd").token() == Token(1, 5)

    async def body(pair: Pair) -> None:
        await pair.configure()
        with pytest.raises(Refused, match="another DC has taken over"):
            await pair.a.fence(counter=4)
        assert pair.log() == []

    (tmp_path / "again").mkdir()
    memory = Memory(tmp_path / "again" / "a" / "state" / "stonithd")
    memory.keep_token(Memory(tmp_path / "a" / "state" / "stonithd").token())
    scenario(tmp_path / "again", body)


def test_equal_requests_run_the_device_once(tmp_path: Path) -> None:
    """features 17.39."""

    async def body(pair: Pair) -> None:
        await pair.configure("pcmk_host_list=c|hold=1")
        calls = [asyncio.create_task(pair.a.fence()) for _ in range(2)]
        while not pair.log():
            await asyncio.sleep(0.01)
        calls.append(asyncio.create_task(pair.a.fence(2)))
        await pair.a.until_asked(3)
        pair.let_go()
        answers = await asyncio.gather(*calls)
        assert all(answer.confirmed for answer in answers)
        assert pair.log() == ["off c"]

    scenario(tmp_path, body)


def test_a_caller_that_leaves_does_not_stop_the_fencing(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        await pair.configure("pcmk_host_list=c|hold=1")
        call = asyncio.create_task(pair.a.fence())
        while not pair.log():
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await pair.a.until_asked(0)
        call = asyncio.create_task(pair.a.fence())
        await pair.a.until_asked(1)
        pair.let_go()
        assert (await call).confirmed
        assert pair.log() == ["off c"]

    scenario(tmp_path, body)


def test_probes_and_bad_requests(tmp_path: Path) -> None:
    """features 17.17."""

    async def body(pair: Pair) -> None:
        await pair.configure()
        probe = pair.a.client.probe
        assert (await probe(ResourceId("f1"))).code == 0
        assert (await probe(ResourceId("f1"), "status", target=NodeName("c"))).code == 0
        await pair.a.fence()
        off = await probe(ResourceId("f1"), "status", target=NodeName("c"))
        assert (off.code, off.status) == (2, OpStatus.DONE)
        with pytest.raises(HaError, match=r"no device 'nix'.*f1"):
            await probe(ResourceId("nix"))
        with pytest.raises(HaError, match="monitor, status or list"):
            await probe(ResourceId("f1"), "off")
        with pytest.raises(HaError, match="is no action"):
            await pair.a.fence(2, action="explode")

    scenario(tmp_path, body)


def test_followers_at_every_node_are_told_what_has_ended(tmp_path: Path) -> None:
    """features 17.40, 17.41: once each, whichever node saw to it."""

    async def told(node: Node, count: int) -> list[tuple[str, str, str, str]]:
        found: list[tuple[str, str, str, str]] = []
        async for one in node.client.follow():
            found.append((one.target, one.action, one.state, one.keeper))
            if len(found) == count:
                break
        return found

    async def body(pair: Pair) -> None:
        await pair.configure()
        both = (pair.a, pair.b)
        following = [asyncio.create_task(told(node, 2)) for node in both]
        while not all(node.runner._followers for node in both):
            await asyncio.sleep(0.01)
        await pair.a.fence(action="on")
        await pair.b.fence(action="off")
        for each in following:
            assert sorted(await each, reverse=True) == [
                ("c", "on", "confirmed", "a"),
                ("c", "off", "confirmed", "b"),
            ]

    scenario(tmp_path, body)


def test_a_history_outlives_its_node_until_it_is_cleared(tmp_path: Path) -> None:
    """features 17.41, 27.16"""

    async def body(pair: Pair) -> None:
        await pair.configure()
        await pair.a.fence()
        (known,) = await pair.a.client.history(local=True)
        assert (known.client, known.origin, known.keeper) == ("test", "b", "a")
        pair.b.runner.take(HistoryCleared(0, NodeName("")))
        pair.b.runner.learn_history((NodeName("a"),))
        while not await pair.b.client.history(local=True):
            await asyncio.sleep(0.01)
        assert await pair.b.client.history(local=True) == (known,)
        assert await pair.b.client.history() == (known,), "two who remember tell it once"
        assert await pair.b.client.clear_history(NodeName("x")) == ()
        assert await pair.a.client.history(local=True) == (known,)
        assert await pair.b.client.clear_history() == ()
        assert await pair.a.client.history() == ()

    scenario(tmp_path, body)


def test_a_node_is_turned_on_by_no_older_configuration_than_the_asker_knows(
    tmp_path: Path,
) -> None:
    """features 17.40: other devices, or other parameters of them, may unfence it by now."""

    async def body(pair: Pair) -> None:
        await pair.configure(constraints=BAN_A)
        off = await pair.a.fence(action="off", known_index=KNOWN_INDEX + 5)
        assert off.confirmed, "this cannot wait"
        asked = asyncio.create_task(pair.a.fence(action="on", known_index=KNOWN_INDEX + 1))
        await asyncio.sleep(0.05)
        assert pair.log() == ["off c"]
        pair.a.knowledge.grow(KNOWN_INDEX + 1)
        await asyncio.sleep(0.05)
        assert pair.log() == ["off c"], "the peer that runs the device lags behind, too"
        pair.b.knowledge.grow(KNOWN_INDEX + 2)
        assert (await asked).confirmed
        assert pair.log() == ["off c", "on c"]

    scenario(tmp_path, body)


def test_an_agent_checks_parameters(tmp_path: Path) -> None:
    """features 17.17, 27.17"""

    async def body(pair: Pair) -> None:
        validate = pair.a.client.validate
        assert (await validate("fence_file", {"dir": "/"})).code == 0
        wrong = await validate("fence_file", {})
        assert (wrong.code, wrong.output) == (2, "dir is missing")
        with pytest.raises(HaError, match="is not installed"):
            await validate("fence_absent", {})
        agent = tmp_path / "agents" / "fence_file"
        agent.write_text(AGENT.replace('<action name="validate-all"/>', ""))
        with pytest.raises(HaError, match="offers no validate-all"):
            await validate("fence_file", {})

    scenario(tmp_path, body)


def test_strangers_are_refused_and_a_missing_fencer_is_named(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        socket = pair.settings["a"].socket("stonithd")
        stranger = FencerClient(socket, identity=tool_identity("other", "test"))
        with pytest.raises(Refused, match="belongs to cluster 'other'"):
            await stranger.raise_token(Token(9, 9))
        await stranger.close()
        assert (await pair.a.client.hello()).node == "a"
        nobody = FencerClient(tmp_path / "none.sock", identity=tool_identity("", "test"))
        with pytest.raises(Unreachable, match=r"none\.sock"):
            await nobody.devices()
        await nobody.close()

    scenario(tmp_path, body)
