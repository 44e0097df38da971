"""Generate this package from proto/: ``python -m raftmaker.wire.generate [OUTPUT_DIRECTORY]``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def generate(output: Path) -> None:
    """Write the modules for every file under proto/ into ``output/raftmaker/wire``."""
    # Here and not above: grpcio-tools is a development dependency, the package is importable without it.
    from grpc_tools import protoc

    names = sorted(f"raftmaker/wire/{path.name}" for path in (ROOT / "proto").glob("*.proto"))
    (output / "raftmaker" / "wire").mkdir(parents=True, exist_ok=True)
    options = [f"--{kind}_out={output}" for kind in ("python", "pyi", "grpc_python")]
    status = protoc.main(["protoc", f"-Iraftmaker/wire={ROOT / 'proto'}", *options, *names])
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
