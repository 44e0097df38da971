"""This host as a node of a cluster: its addresses, its files, its systemd units, init and join."""
