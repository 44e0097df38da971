"""Agents as the shell knows them: what is installed, what they take, and what is asked of them."""
