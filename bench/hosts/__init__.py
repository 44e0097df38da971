"""Failover of whole hosts: ours, and Pacemaker's in the same run."""
