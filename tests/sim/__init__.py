"""The whole cluster in one thread: real cores, a virtual clock, a seeded world that goes wrong."""
