"""What all parts of Raftmaker share: the wire contract, the vocabulary, the runtime, the client."""
