"""The commands of the crm shell, one module a level; `levels` holds the tree."""
