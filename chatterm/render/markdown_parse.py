"""Markdown to leaves.

A *leaf* is a block that holds text (a paragraph, a fence, a table), with the chain of quotes,
lists and items around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from markdown_it import MarkdownIt

from chatterm.render.markdown_containers import Container, Spine
from chatterm.render.markdown_rules import BlockState, install, unindented

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.token import Token

LeafKind = Literal[
    "paragraph", "heading", "fence", "code", "html", "table", "rule", "definition", "empty"
]


@dataclass(slots=True)
class Leaf:
    """A block that holds text.

    Attributes:
        kind: What it is; "empty" is an item or a quote with nothing in it.
        start: Its first line in the parsed source.
        end: The line after its last.
        begins: The line where it begins, or the first of the containers that open with it.
        chain: The containers around it, outermost first.
        content: Its text, without what the containers and the block itself put around it.
        info: A fence's info string, a heading's tag ("h2").
        closed: No further line can add to it.
        opener: The source line that opens such a leaf again, without the containers.
        rows: A table's rows, the header first.
        aligns: A table's columns: "", "left", "right" or "center".
        target: What a definition defines: its label and markdown-it's record of the address.
    """

    kind: LeafKind
    start: int
    end: int
    begins: int
    chain: list[Container]
    content: str = ""
    info: str = ""
    closed: bool = False
    opener: str = ""
    rows: list[list[str]] = field(default_factory=list)
    aligns: list[str] = field(default_factory=list)
    target: tuple[str, dict[str, Any]] | None = None


class Parser:
    """One reused markdown-it; stateless between calls.

    Attributes:
        characters: How many characters have been parsed so far, blocks and inlines alike.
    """

    def __init__(self) -> None:
        self.characters = 0
        self._md = MarkdownIt("commonmark", {"maxNesting": 100})
        self._md.enable(["table", "strikethrough"])
        install(self._md)

    def leaves(self, source: str, spine: Spine, *, continued: int = -1) -> list[Leaf]:
        """Parse blocks.

        Args:
            source: The text; its lines end with a newline, except perhaps the last.
            spine: The containers that are open at the start of the source.
            continued: The line that starts with `CONTINUED`, or -1.
        """
        self.characters += len(source)
        state = BlockState(source, self._md, {"continued": continued}, [])
        self._md.block.tokenize(state, 0, state.lineMax)
        return list(_leaves(state.tokens, spine))

    def inline(self, text: str, references: Mapping[str, Any]) -> list[Token]:
        """Parse the text of a leaf."""
        self.characters += len(text)
        return self._md.inline.parse(text, self._md, {"references": references}, [])

    def normalize_link(self, address: str) -> str:
        """An address as it is written in a link: percent-encoded, the host in punycode."""
        return self._md.normalizeLink(address)


@cache
def shared_parser() -> Parser:
    """The one parser of the process."""
    return Parser()


def _leaves(tokens: Sequence[Token], spine: Spine) -> Iterator[Leaf]:
    """Walk a token stream; containers of the spine are taken from it, not made anew."""
    return _Walk(tokens, spine).leaves()


class _Walk:
    """One pass over markdown-it's tokens."""

    def __init__(self, tokens: Sequence[Token], spine: Spine) -> None:
        self._tokens = tokens
        self._spine = spine
        self._chain: list[Container] = []
        self._found = 0
        self._opened: int | None = None

    def leaves(self) -> Iterator[Leaf]:
        tokens = self._tokens
        marks: list[int] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type in _CONTAINERS:
                marks.append(self._found)
                self._open(token, tokens[index + 1])
            elif token.type in _CONTAINER_ENDS:
                if marks.pop() == self._found:
                    container = self._chain[-1]
                    yield self._leaf("empty", container.start, container.start + 1)
                self._chain.pop()
            elif token.type == "table_open":
                size = _table_size(tokens, index)
                yield self._table(tokens[index : index + size])
                index += size - 1
            elif token.map is not None and token.type != "inline":
                yield self._block(token, tokens[index + 1 : index + 2])
            index += 1

    def _leaf(self, kind: LeafKind, start: int, end: int) -> Leaf:
        self._found += 1
        begins = start if self._opened is None else self._opened
        self._opened = None
        return Leaf(kind, start, end, begins, list(self._chain))

    def _open(self, token: Token, inside: Token) -> None:
        start, _ = _extent(token)
        container = self._carried(_CONTAINERS[token.type])
        if container is not None:
            container.start = start
        elif token.type == "blockquote_open":
            container = Container("quote", start)
        elif token.type == "list_item_open":
            parent = self._chain[-1]
            container = Container(
                "item", start, source=token.info + token.markup, number=parent.number
            )
            parent.number += 1
        else:
            container = Container("list", start, number=int(token.attrs.get("start", 1)))
        if container.kind == "item" and inside.type != "list_item_close":
            container.indent = inside.meta["indent"]
        self._chain.append(container)
        if self._opened is None:
            self._opened = start

    def _carried(self, kind: str) -> Container | None:
        """The container of the spine that opens here, if one does."""
        depth, spine = len(self._chain), self._spine
        if depth >= len(spine.chain) or spine.chain[depth].kind != kind:
            return None
        if self._chain != spine.chain[:depth]:
            return None
        # The line that opens the first of them again yields a leaf of its own.
        leaves_before = 1 if spine.reopened and depth >= spine.reopened else 0
        return spine.chain[depth] if self._found == leaves_before else None

    def _block(self, token: Token, after: Sequence[Token]) -> Leaf:
        kind, closed = _LEAVES[token.type]
        leaf = self._leaf(kind, *_extent(token))
        leaf.closed = closed or bool(token.meta.get("closed"))
        leaf.content = token.content
        match kind:
            case "paragraph" | "heading":
                leaf.content = unindented(after[0].content)
                leaf.info = token.tag
            case "fence":
                leaf.info = token.info
                leaf.opener = token.meta["opener"]
            case "html":
                leaf.opener = token.content.partition("\n")[0]
            case "definition":
                leaf.target = token.meta["label"], token.meta["target"]
            case _:
                pass
        return leaf

    def _table(self, tokens: Sequence[Token]) -> Leaf:
        leaf = self._leaf("table", *_extent(tokens[0]))
        for token in tokens:
            match token.type:
                case "tr_open":
                    leaf.rows.append([])
                case "th_open":
                    leaf.aligns.append(
                        str(token.attrs.get("style", "")).removeprefix("text-align:")
                    )
                case "inline":
                    leaf.rows[-1].append(token.content)
                case _:
                    pass
        return leaf


def _extent(token: Token) -> tuple[int, int]:
    """The lines of a block; all that open one have them."""
    start, end = token.map or (0, 0)
    return start, end


def _table_size(tokens: Sequence[Token], start: int) -> int:
    size = 1
    while tokens[start + size - 1].type != "table_close":
        size += 1
    return size


_CONTAINERS = {
    "blockquote_open": "quote",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "list_item_open": "item",
}
_CONTAINER_ENDS = {name.replace("_open", "_close") for name in _CONTAINERS}
_LEAVES: dict[str, tuple[LeafKind, bool]] = {
    "paragraph_open": ("paragraph", False),
    "heading_open": ("heading", True),
    "fence": ("fence", False),
    "code_block": ("code", False),
    "html_block": ("html", False),
    "hr": ("rule", True),
    "definition": ("definition", True),
}
