"""Nobody but the contract reads a decision's reason out of its text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TESTS

ROOT = TESTS.parent
PRODUCT = ("bot_runtime", "operator", "bot_exchange", "demo", "benchmarks")
OF_PODS = ROOT / "operator" / "bot_operator" / "signs" / "pod_failures.py"
"""Has the kubelet's reasons, which are words of Kubernetes."""
ONE_PLACE = ROOT / "bot_runtime" / "contract" / "signal.py"
TAKES_APART = {
    *("partition", "rpartition", "split", "rsplit", "splitlines", "startswith", "removeprefix"),
    *("match", "fullmatch", "search", "find", "index"),
}


def readings(source: str) -> list[int]:
    """Return the lines that take a text named reason apart, or make a reason of some text."""
    return sorted(set(_readings(ast.parse(source))))


def _readings(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id == "DecisionReason":
            yield node.lineno
        if isinstance(function, ast.Attribute) and function.attr in TAKES_APART:
            parts = (function.value, *node.args)
            if any(_is_reason(part) for part in parts):
                yield node.lineno


def _is_reason(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr="reason") | ast.Name(id="reason"):
            return True
        case ast.Subscript(slice=ast.Constant(value="reason")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="reason"), *_]):
            return True
    return False


def _sources() -> list[Path]:
    paths = (p for name in PRODUCT for p in (ROOT / name).rglob("*.py"))
    return [path for path in paths if path not in {ONE_PLACE, OF_PODS}]


@pytest.mark.parametrize(
    "line",
    [
        'signal.reason.partition(":")[0]',
        'signal["reason"].split()',
        'signal.get("reason", "").startswith("Feed")',
        're.match("[A-Za-z]+", signal.reason)',
        "DecisionReason(word)",
    ],
)
def test_a_reading_is_found(line: str) -> None:
    assert readings(line) == [1]


def test_only_the_contract_reads_a_reason_out_of_a_text() -> None:
    found = {str(p.relative_to(ROOT)): readings(p.read_text(encoding="utf-8")) for p in _sources()}
    assert len(found) > 100
    assert {path: lines for path, lines in found.items() if lines} == {}
