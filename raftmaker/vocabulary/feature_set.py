"""Which of Pacemaker's behaviour this is (features 3.4)."""

from __future__ import annotations

FEATURE_SET = "3.20.5"
"""The version of Pacemaker's feature set, as graphs, histories and the CIB name it."""
