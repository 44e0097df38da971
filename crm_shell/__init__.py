"""The people's side: the crm shell and the tools that scripts and agents call."""
