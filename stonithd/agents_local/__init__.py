"""Fence agents of our own, for clusters on one machine (development, demonstration, tests)."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent
"""To be named in ``fence_dirs`` of ``raftmaker.toml`` where these agents are wanted."""
