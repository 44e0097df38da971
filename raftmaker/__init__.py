"""What all parts of Raftmaker share: the wire contract, the vocabulary, the runtime, the client."""

import os

# Before gRPC is loaded. Else its handlers of fork() end every third child of a process in which it
# is busy by a segmentation fault, before the child has become its program, such as an agent.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# Also before: the thread that waits for events reads and writes by itself. With gRPC's own engine
# each message goes through one of its threads first, which has to be woken (docs/performance.md).
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client,-event_engine_listener")
# Also before: that a peer ended a connection is no news, and gRPC tells it of each. What follows
# from it the daemons log themselves.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

__version__ = "0.1.0"
"""As in ``pyproject.toml``: to ask the installed package for it takes 20 ms at each start."""
