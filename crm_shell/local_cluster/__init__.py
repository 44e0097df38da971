"""A cluster of several nodes on this machine, each a set of processes: demo, e2e tests, benchmarks.

`cluster.LocalCluster` is the library, ``python -m crm_shell.local_cluster`` the command.
"""
