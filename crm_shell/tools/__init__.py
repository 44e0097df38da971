"""Tools with Pacemaker's names, options, output and exit codes, for scripts and agents (27, 29)."""
