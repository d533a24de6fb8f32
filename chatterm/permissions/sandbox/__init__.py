"""The cage: what a permitted command can do to the machine, and how everything it started ends.

`levels` says what a cage restricts, `covered` what it covers unless told otherwise, `probing` which
levels this machine has. A command is run by a small separate process, the `supervisor`, which
confines it (`bubblewrap`, or `landlock` with `seccomp`), waits for it and kills what it leaves
behind. What the supervisor is made of starts in a fresh interpreter for each command: those modules
import next to nothing, and this one nothing at all.
"""
