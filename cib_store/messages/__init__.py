"""The store's values on the wire, in the log and in snapshots (proto/store.proto)."""
