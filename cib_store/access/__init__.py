"""Access control: who calls, what they may see, and what they may change (features section 20).

The core is pure: `permissions_of` reads a configuration, `rights` marks a document with them,
`seen` is what remains to be seen of it, `put_back` takes an edit of that back into the whole, and
`faults` says what of it is not allowed. Nobody's edit can therefore depend on what they cannot see.
"""
