"""What ``crm configure`` does beside defining objects: a module for each idea."""
