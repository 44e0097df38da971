"""proto/ is the source: raftmaker.wire is a fresh generation of it, and everything is explained."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from raftmaker.wire.generate import generate
from tests.tidy.source_tree import PACKAGES, ROOT, files, python_files, relative

_DECLARED = re.compile(
    r"^\s*(?:(?:message|enum|service|oneof)\s+\w+"  # what has members
    r"|rpc\s+\w+"
    r"|(?:repeated\s+|optional\s+)?(?:map<[^>]+>|[\w.]+)\s+\w+\s*=\s*\d+\s*[;\[]"  # a field
    r"|[A-Z][A-Z0-9_]+\s*=\s*\d+\s*[;\[])"  # a value of an enum
)


def test_wire_is_a_fresh_generation(tmp_path: Path) -> None:
    generate(tmp_path)
    fresh = {p.name: p.read_text() for p in (tmp_path / "raftmaker" / "wire").iterdir()}
    kept = {p.name: p.read_text() for p in files("raftmaker/wire") if "_pb2" in p.name}
    assert sorted(fresh) == sorted(kept), "run: python -m raftmaker.wire.generate"
    stale = [name for name in sorted(fresh) if fresh[name] != kept[name]]
    assert not stale, f"run: python -m raftmaker.wire.generate ({stale})"


def _is_carried_out(stub: type, call: str) -> bool:
    ours: list[type] = stub.__subclasses__()
    return any(getattr(each, call) is not vars(stub)[call] for each in ours)


def test_every_call_of_every_service_is_carried_out() -> None:
    """What grpcio-tools generates answers UNIMPLEMENTED: some class of ours overrides each call."""
    stubs: dict[str, type] = {}
    for path in files("raftmaker/wire"):
        if path.name.endswith("_pb2_grpc.py"):
            module = vars(import_module(f"raftmaker.wire.{path.stem}"))
            stubs |= {name: each for name, each in module.items() if name.endswith("Servicer")}
    base = re.compile(rf"^class \w+\(\w+\.({'|'.join(stubs)})\):", re.M)
    for path in python_files(*PACKAGES):
        if base.search(path.read_text("utf-8")):
            import_module(".".join(Path(relative(path)).with_suffix("").parts))
    open_ends = [
        f"{name}.{call}"
        for name, stub in stubs.items()
        for call in vars(stub)
        if not call.startswith("_") and not _is_carried_out(stub, call)
    ]
    assert stubs
    assert not open_ends, f"calls that nothing carries out: {open_ends}"


def test_every_message_and_field_has_a_comment() -> None:
    silent = []
    for path in files("proto"):
        if path.suffix != ".proto":
            continue
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            above = lines[number - 1].strip() if number else ""
            if _DECLARED.match(line) and not above.startswith("//") and "//" not in line:
                silent.append(f"{relative(path)}:{number + 1}: {line.strip()}")
    assert not silent, "\n".join(silent)


def test_the_compatibility_promise_is_stated() -> None:
    assert "## Compatibility promise" in (ROOT / "proto" / "README.md").read_text("utf-8")
