"""Asking a program for its version: that runs nothing of a project's."""

from __future__ import annotations

# With `--version`: what knows no such option says so and ends.
_LONG = frozenset(
    {
        *("python", "python3", "node", "ruby", "perl", "php", "lua", "java", "javac", "gcc", "g++"),
        *("cc", "clang", "clang++", "make", "cmake", "ninja", "git", "docker", "podman", "rg"),
        *("fd", "jq", "bash", "zsh", "sqlite3", "tmux", "curl", "wget", "psql", "ffmpeg", "gh"),
        *("kubectl", "helm", "pandoc", "gpg", "openssl", "ssh", "tree", "bat", "nvim"),
        *("vim", "less", "ld", "as", "objdump", "readelf", "strip", "gdb", "valgrind", "bwrap"),
    }
)
# A short option means something else to each: `bash -v`, `python -v` and `ninja -v` run what they
# are given, so only these count.
_SHORT = {
    "-V": {"python", "python3", "rg", "fd", "jq", "curl", "wget", "ssh", "tmux", "psql", "less"},
    "-v": {"node", "perl", "php", "gcc", "g++", "clang", "clang++", "cc", "make", "docker", "git"},
    "-version": {"java", "javac", "ffmpeg", "sqlite3"},
}


def asks_version(argv: tuple[str, ...]) -> bool:
    """Whether a command only asks a known program for its version."""
    if len(argv) != 2:
        return False
    program, option = argv
    return program in (_LONG if option == "--version" else _SHORT.get(option, ()))
