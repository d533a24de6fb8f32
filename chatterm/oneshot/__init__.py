"""`ask`: one turn, from a prompt to standard output."""
