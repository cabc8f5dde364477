"""The prose of a Markdown file: its lines without tables and code, and how wide each one is.

As much of CommonMark as documents need: fences, indented code (also below list items), tables.
"""

import re
from collections.abc import Iterator

_CODE_INDENT = 4
_FENCE = re.compile(r" *(`{3,}|~{3,})([^`]*)$")
_LIST_ITEM = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) +")
# What stands before a target is kept.
_LINK_TARGETS = (
    re.compile(r"(\]\()(?:[^()\s]|\([^()\s]*\))+"),  # [text](target "title")
    re.compile(r"^( *\[[^\]]+\]: +)\S+"),  # [name]: target
    re.compile(r"()\bhttps?://[^\s<>]+"),
)


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that is neither blank nor of a table or code."""
    fence = ""
    in_paragraph = False
    columns = [0]
    for number, line in enumerate(text.split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif not line.strip():
            in_paragraph = False
        elif _is_code(line, columns, in_paragraph=in_paragraph):
            continue
        elif mark:
            fence, in_paragraph = mark[1], False
        else:
            in_paragraph = not line.startswith("#")
            if not line.lstrip().startswith("|"):
                yield number, line


def _is_code(line: str, columns: list[int], *, in_paragraph: bool) -> bool:
    """Say whether a line is of an indented code block.

    `columns` says where the text of the open list items begins, outermost first, after 0 for none;
    it is brought up to date.
    """
    expanded = line.expandtabs(_CODE_INDENT)
    indent = len(expanded) - len(expanded.lstrip())
    item = _LIST_ITEM.match(expanded)
    if item or not in_paragraph:
        while indent < columns[-1]:
            columns.pop()
    if not in_paragraph and indent >= columns[-1] + _CODE_INDENT:
        return True
    if item:
        columns.append(item.end())
    return False


def breakable_width(line: str) -> int:
    """Return a line's width in characters without the targets of its links, which cannot break."""
    for target in _LINK_TARGETS:
        line = target.sub(r"\1", line)
    return len(line)
