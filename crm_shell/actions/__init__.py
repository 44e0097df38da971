"""What people and agents ask for, as operations on the CIB. Pure: the CIB goes in as a tree."""
