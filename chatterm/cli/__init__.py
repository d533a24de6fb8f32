"""The command line: thin, lazy commands."""
