"""What is told to alert agents, by which node, and with which words (features section 19); pure."""
