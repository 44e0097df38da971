"""The wire contract: modules generated from proto/ (see generate.py), never edited by hand."""
