"""What a change would do to what runs: shown before it is made."""
