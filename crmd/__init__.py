"""The controller: membership, DC, scheduling and the execution of transitions."""
