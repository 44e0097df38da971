"""Configurations from templates: what is to be filled in, and the statements that come of it."""
