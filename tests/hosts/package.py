"""The Debian package on test hosts: built once, installed as an operator would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.hosts.fleet import CHECKOUT, Host

RIVALS = ("pcs", "crmsh", "pacemaker-resource-agents", "pacemaker", "pacemaker-cli-utils")
"""What the package does not stand beside; a test host begins with what this machine has."""


def build(directory: Path) -> Path:
    """Build the package and return its file, or a copy of what RAFTMAKER_PACKAGE names."""
    directory.mkdir(parents=True, exist_ok=True)
    if given := os.environ.get("RAFTMAKER_PACKAGE"):
        return Path(shutil.copy(given, directory))
    done = subprocess.run(
        [str(CHECKOUT / "bin" / "build-deb"), "--output", str(directory)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.splitlines()[-1])


def renumbered(package: Path, version: str) -> Path:
    """Return the same package under another version number, made beside it without a new build."""
    directory = package.parent / f"as-{version}"
    made = package.with_name(package.name.replace(package.name.split("_")[1], version))
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(directory)], check=True)
    control = directory / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text()))
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(directory), str(made)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    shutil.rmtree(directory)
    return made


def put(host: Host, package: Path) -> None:
    """Put the package's file on a host's disk, before the boot: the host reaches no repository."""
    place = host.directory / "upper" / "srv"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(package, place)


def install(host: Host, package: Path) -> None:
    """Install a package that was put there."""
    host.exec("dpkg", "--install", f"/srv/{package.name}")


def remove_rivals(host: Host) -> None:
    """Remove Pacemaker and its shells from a host, where this machine has them."""
    for name in RIVALS:
        host.exec(
            "sh", "-c",
            f"! dpkg -s {name} >/dev/null 2>&1 || dpkg --force-depends --remove {name}",
        )  # fmt: skip
