"""The shared input and output of the daemons: settings, clock, logs, gRPC, child processes."""
