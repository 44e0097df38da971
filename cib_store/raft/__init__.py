"""The replicated log: its interface, and the engine on PySyncObj with what must stand around it."""
