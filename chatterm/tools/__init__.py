"""The tools that a model may call on this machine."""
