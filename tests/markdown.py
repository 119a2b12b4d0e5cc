"""What stands in our Markdown pages: fenced blocks, tables, headings and links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block and the `##` heading above it."""

    section: str
    language: str
    text: str


def blocks(page: Path, language: str = "") -> list[Block]:
    """The page's fenced blocks in order; with `language`, only its own."""
    text = page.read_text()
    found = []
    for fence in FENCE.finditer(text):
        headings = re.findall(r"^## (.*)$", text[: fence.start()], re.MULTILINE)
        found.append(Block(headings[-1] if headings else "", fence[1], fence[2]))
    return [block for block in found if block.language == (language or block.language)]


def rows(page: Path, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head; code marks are left out."""
    _, _, below = page.read_text().partition(f"# {heading}\n")
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table, f"{page.name} has no table under {heading!r}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def links(page: Path) -> list[str]:
    """Targets of the page's links, those in blocks left out."""
    return LINK.findall(FENCE.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """Names of the page's headings as links write them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
