"""What all parts of Raftmaker share: the wire contract, the vocabulary, the runtime, the client."""

__version__ = "0.1.0"
"""As in ``pyproject.toml``: to ask the installed package for it takes 20 ms at each start."""
