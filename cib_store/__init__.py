"""The replicated CIB: the configuration store of the cluster."""
