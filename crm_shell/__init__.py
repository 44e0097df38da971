"""The people's side: the crm shell and the tools with Pacemaker's names."""
