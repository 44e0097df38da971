"""The book of actions: where every action is registered, once, under the next number."""
