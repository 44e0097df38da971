"""Changes of who belongs to the cluster: the rules, and the shell that carries them out."""
