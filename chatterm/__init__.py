"""chatterm: a terminal chat client that reads every provider's stream."""

__version__ = "0.1.0"
