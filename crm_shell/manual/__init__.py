"""Manual pages and completion, made from what the commands themselves say of their options."""
