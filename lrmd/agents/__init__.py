"""Agents: where each class finds them, with what environment they run, what their codes mean."""
