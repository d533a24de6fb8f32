"""The interactive program: a view of a session's events. Nothing outside imports textual."""
