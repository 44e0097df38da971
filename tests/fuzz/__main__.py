"""Fuzz one target until the time is up: ``python -m tests.fuzz TARGET DIRECTORY [OPTION...]``.

`tests/fuzz/run` starts this. The options are libFuzzer's. It ends the process.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]  # it has no types

PARTS = ["cib_store", "crm_shell", "lrmd", "stonithd", "tests.fuzz.targets"]

with atheris.instrument_imports(include=PARTS):
    from tests.fuzz.corpus import corpus
    from tests.fuzz.targets import TARGETS, planted


def main() -> None:
    """Write the examples, then run."""
    name, directory, *options = sys.argv[1:]
    for number, example in enumerate(corpus().get(name, ())):
        (Path(directory) / f"example-{number}").write_bytes(example)
    atheris.Setup([sys.argv[0], directory, *options], TARGETS.get(name, planted))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
