"""The pure core of the executor: queues, recurring operations, timeouts, tokens, history.

Invariants: no two actions of a resource run at once; no operation begins its first run under a
token lower than the highest seen; every accepted operation gets a result.
"""
