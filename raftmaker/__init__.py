"""What all parts of Raftmaker share: the wire contract, the vocabulary, the runtime, the client."""

import os

# Before gRPC is loaded. Else its handlers of fork() end every third child of a process in which it
# is busy by a segmentation fault, before the child has become its program, such as an agent.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

__version__ = "0.1.0"
"""As in ``pyproject.toml``: to ask the installed package for it takes 20 ms at each start."""
