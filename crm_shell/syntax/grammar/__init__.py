"""One module for each family of statements; each reads a `Cursor` and returns a loose element."""
