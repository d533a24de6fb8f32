"""Understanding a shell line without running it: which commands it holds, and what they would do.

Bash is read twice, by tree-sitter's grammar and by a strict reader of our own that knows only a
small part of the language. What the two don't agree on to the byte isn't understood, and asks.
"""
