"""The pure scheduler: CIB in; transition graph, scores and reasons out. See README.md."""
