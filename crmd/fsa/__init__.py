"""The controller's pure core: `step(state, event) -> (state, effects)`.

Invariants: orders go out only from a DC that holds the lease with a fresh contact to a majority,
and only to members that joined under its token; no device runs before its intent is committed;
nothing of an isolated node is started.
"""
