"""Stage 6: the working state becomes frozen values: graph, summary, picture."""
