"""The blocks of code of a text, to be copied and saved."""

from __future__ import annotations

from chatterm.render.sanitize import sanitize


def code_blocks(markdown: str) -> list[tuple[str, str]]:
    """The fenced blocks of a text, those in lists and quotes too, and one that isn't closed yet.

    Args:
        markdown: The text as the model wrote it.

    Returns:
        The language that each fence names, as its label shows it, or nothing; and the code. The
        code's last line has no newline: pasted into a shell it would run. Both are sanitised, but
        tabs are kept.
    """
    from chatterm.render.markdown_containers import Spine
    from chatterm.render.markdown_layout import language_of
    from chatterm.render.markdown_parse import shared_parser

    source = "\t".join(sanitize(piece) for piece in markdown.split("\t"))
    leaves = shared_parser().leaves(source, Spine())
    return [
        (language_of(leaf.info), leaf.content.removesuffix("\n"))
        for leaf in leaves
        if leaf.kind == "fence"
    ]
