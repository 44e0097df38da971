"""The field's words as types: ids that cannot be mixed up, and every closed set as an enum."""
