"""A program: reads HTML from standard input and writes it as Markdown text.

It runs by itself, outside chatterm's process: a page can be made so that reading it takes minutes
or gigabytes, and a process can be stopped and held to limits. It imports nothing of chatterm.

    python html_text.py LIMIT < page

The first line of the input is the page's address; the rest is the page, in UTF-8. At most LIMIT
bytes are written.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

_MEMORY = 1 << 30
_CPU_S = 60
_DEEPEST = 100  # Markdownify calls itself for each level
_MOST_TAGS = 10_000
_CLOSED_BY_THE_NEXT = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option"})
_NOT_TEXT = ("script", "style", "template", "svg", "iframe", "object", "canvas", "head")
_LONGEST_LINK = 1_000


def text_of(html: str, address: str) -> str:
    """The text of a page as Markdown, its title first, links with whole addresses."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    class Tree(BeautifulSoup):
        """A tree of bounded depth and size: the text of further tags counts, the tags don't."""

        seen = 0

        def handle_starttag(self, name: str, *args: Any, **options: Any) -> Any:
            """Take a tag, closing the one before where HTML leaves that out."""
            current = self.currentTag
            if current is not None and current.name == name and name in _CLOSED_BY_THE_NEXT:
                self.handle_endtag(name)
            self.seen += 1
            deepest = _DEEPEST + (name in ("a", "script", "style"))
            if self.seen > _MOST_TAGS or len(self.tagStack) > deepest:
                return None
            return super().handle_starttag(name, *args, **options)

    tree = Tree(html, "html.parser")
    title = tree.title.get_text(" ", strip=True) if tree.title else ""
    base = tree.find("base", href=True)
    if base is not None:
        address = _joined(address, str(base["href"]))
    for tag in tree.find_all(_NOT_TEXT):
        tag.decompose()
    for image in tree.find_all("img"):
        image.replace_with(str(image.get("alt") or ""))
    for link in tree.find_all("a"):
        target = _joined(address, str(link.get("href") or "#"))
        if target.startswith(("http:", "https:", "mailto:")):
            link["href"] = target
        else:
            link.unwrap()
    converter = MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    )
    text = converter.convert_soup(tree).strip()
    return f"# {title}\n\n{text}" if title and title not in text[:200] else text


def _joined(address: str, href: str) -> str:
    """A link's whole address; empty where it has none that is of use."""
    if len(href) > _LONGEST_LINK or href.startswith("#"):
        return ""
    try:
        return urljoin(address, href.strip())
    except ValueError:  # a half bracket, for one
        return ""


def main() -> None:
    """Run the program."""
    for limit, value in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_S)):
        with suppress(ValueError, OSError):  # macOS knows no limit of memory
            resource.setrlimit(limit, (value, value))
    address, _, html = sys.stdin.buffer.read().decode("utf-8", "replace").partition("\n")
    data = text_of(html, address).encode("utf-8", "replace")
    sys.stdout.buffer.write(data[: int(sys.argv[1])])


if __name__ == "__main__":
    main()
