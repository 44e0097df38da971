"""Stage 1: options, nodes, resources, tags as the CIB configures them."""
