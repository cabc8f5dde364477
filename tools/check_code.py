"""Check what ruff has no rule for: sizes, and that every suppression has a code and a reason.

    python -m tools.check_code

The number of suppressions by code is printed, so that a growing one is seen in review.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tools.tree import ROOT, python_files

MODULE_LINES = 300
FUNCTION_LINES = 40
SUPPRESSION = re.compile(r"#\s*(?P<kind>noqa|type:\s*ignore)(?P<rest>[^#]*)(?P<more>.*)")
CODES = re.compile(r"^(?::\s*(?P<noqa>[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)|\[(?P<mypy>[a-z0-9, -]+)\])")


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if ast.get_docstring(node) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


def check_sizes(path: Path, source: str) -> Iterator[str]:
    """Yield modules and functions (docstring apart) that are too long to be read at once."""
    # A test module is a list of cases, read one by one.
    is_test = path.parts[0] == "tests" and path.parts[:2] != ("tests", "cluster")
    lines = source.count("\n")
    if lines > MODULE_LINES and not is_test:
        yield f"{path}:1: {lines} lines, at most {MODULE_LINES}: split the module by its reasons"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1 - _docstring_lines(node)
            if lines > FUNCTION_LINES:
                yield (
                    f"{path}:{node.lineno}: {node.name} has {lines} lines, at most "
                    f"{FUNCTION_LINES}: give a part of it a name"
                )


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of every comment; strings that look like one are not."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def suppressions(source: str) -> Iterator[tuple[int, str, str | None, str]]:
    """Yield line, kind (`noqa` or `type: ignore`), codes if any, and the reason given."""
    for line, comment in comments(source):
        for found in SUPPRESSION.finditer(comment):
            codes = CODES.match(found["rest"])
            reason = found["rest"][codes.end() if codes else 0 :] + found["more"]
            named = (codes["noqa"] or codes["mypy"]).strip() if codes else None
            yield line, found["kind"], named, reason.strip(" #-:.")


def check_suppressions(path: Path, source: str) -> Iterator[str]:
    """Yield suppressions without a code, or without a reason."""
    for line, kind, codes, reason in suppressions(source):
        if codes is None:
            yield f"{path}:{line}: {kind} without a code: name what it suppresses"
        elif not reason:
            yield f"{path}:{line}: {kind} {codes} without a reason: say why after the code"


def main() -> int:
    """Print findings and the number of suppressions; return 1 if there are findings."""
    findings: list[str] = []
    counted: Counter[str] = Counter()
    for path in python_files():
        source = (ROOT / path).read_text(encoding="utf-8")
        findings += [*check_sizes(path, source), *check_suppressions(path, source)]
        for _, kind, codes, _ in suppressions(source):
            counted.update(f"{kind} {code}" for code in re.split(r"[,\s]+", codes or "no code"))
    print("\n".join(findings) + "\n" if findings else "", end="")
    listed = ", ".join(f"{name} × {count}" for name, count in sorted(counted.items()))
    print(f"suppressions: {counted.total()}{': ' if listed else ''}{listed}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
