"""The fencing core: `step(state, event) -> (state, effects)`, pure, driven by daemon or simulator.

Invariants: an agent is only forked for a token not smaller than the highest seen, which is
persisted before anything else happens; of one target one fencing runs at a time; a request is
answered as confirmed only after every device of one topology level succeeded (features 17.24).
"""
