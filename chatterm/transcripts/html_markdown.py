"""A model's Markdown as HTML that can do nothing: no markup of its own, no scripts, no pictures.

Links lead to http, https and mailto addresses only; a picture becomes a link to it, because
opening a transcript must not tell anyone that it was opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from chatterm.transcripts.words import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_ALLOWED = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_REL = "noopener noreferrer nofollow"
_IN_LINK = "in_link"
_DEEPEST = 100  # levels of quotes and lists

_MOST_CODE = 50_000  # characters that are coloured; patterns may take long over more
_LONGEST_LINE = 2000
_CLASSES = (
    ("Token.Keyword", "k"),
    ("Token.Operator.Word", "k"),
    ("Token.Literal.String", "s"),
    ("Token.Literal.Number", "n"),
    ("Token.Comment", "c"),
    ("Token.Name.Function", "f"),
    ("Token.Name.Class", "f"),
    ("Token.Name.Decorator", "f"),
    ("Token.Name.Tag", "f"),
    ("Token.Name.Builtin", "f"),
    ("Token.Generic.Inserted", "i"),
    ("Token.Generic.Deleted", "d"),
    ("Token.Generic.Subheading", "k"),
    ("Token.Generic.Heading", "k"),
)
# What other people's lexers have been seen to raise on text they didn't expect.
_LEXER_ERRORS = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def markdown_to_html(text: str) -> str:
    """The HTML of a Markdown text, fit to stand in a page.

    What can't be rendered, because it is nested beyond all reason, stands as it is.
    """
    text = clean(text)
    try:
        # Once more: entities have become characters. Those of control sequences never do.
        return clean(str(_parser().render(text)))
    except RecursionError:
        return f"<pre>{escape(text)}</pre>"


def code_to_html(code: str, language: str) -> str:
    """Code as a `pre` element, coloured where the language is known."""
    body = "".join(_coloured(code, language.lower())) or escape(code)
    return f"<pre><code>{body}</code></pre>\n"


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt(
        "commonmark", {"html": False, "maxNesting": _DEEPEST, "highlight": _highlighted}
    )
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _is_allowed  # type: ignore[assignment]  # the documented hook
    parser.core.ruler.push("pictures_in_links", _mark_pictures)
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


def _is_allowed(address: str) -> bool:
    return _ALLOWED.match(address.strip()) is not None


def _highlighted(code: str, language: str, attributes: str) -> str:  # noqa: ARG001 - the hook's form
    return code_to_html(code, language)


def _mark_pictures(state: StateCore) -> None:
    """Note on each picture whether it stands in a link."""
    for block in state.tokens:
        in_link = False
        for token in block.children or ():
            if token.type in {"link_open", "link_close"}:
                in_link = token.type == "link_open"
            elif token.type == "image":
                token.meta[_IN_LINK] = in_link


def _link_open(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    if _is_allowed(str(tokens[at].attrs.get("href", ""))):
        tokens[at].attrSet("rel", _REL)
    else:  # an empty one, which isn't asked about
        tokens[at].attrs.pop("href", None)
    return self.renderToken(tokens, at, options, env)


def _image(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[at]
    label = escape(self.renderInlineAsText(token.children or [], options, env) or "picture")
    address = str(token.attrs.get("src", ""))
    if token.meta.get(_IN_LINK) or not _is_allowed(address):  # a link can't hold a link
        return f"[{label}]"
    return f'<a href="{escape(address)}" rel="{_REL}">[{label}]</a>'


def _table_open(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<div class="wide">{self.renderToken(tokens, at, options, env)}'


def _table_close(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return f"{self.renderToken(tokens, at, options, env).rstrip()}</div>\n"


def _coloured(code: str, language: str) -> Iterator[str]:
    """The code in spans; nothing where it can't be coloured."""
    lexer = _lexer(language) if language else None
    if lexer is None or len(code) > _MOST_CODE or max(map(len, code.split("\n"))) > _LONGEST_LINE:
        return
    try:
        pieces = [(_class_of(str(kind)), value) for kind, value in lexer.get_tokens(code)]
    except _LEXER_ERRORS:
        return
    if "".join(value for _, value in pieces) != code:  # colours may be wrong, text never
        return
    for name, value in pieces:
        yield f'<span class="{name}">{escape(value)}</span>' if name else escape(value)


@cache
def _class_of(kind: str) -> str:
    for prefix, name in _CLASSES:
        if kind == prefix or kind.startswith(f"{prefix}."):
            return name
    return ""


@cache
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
