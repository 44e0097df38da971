"""The real Raft engine of three and five voters in one thread: virtual time, network and disks."""
