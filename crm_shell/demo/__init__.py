"""The demonstration behind bin/demo: a service survives its node, with the times of each step."""
