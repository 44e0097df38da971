"""What the CIB says about fencing, as values for the core: devices, topology, who may run them."""
