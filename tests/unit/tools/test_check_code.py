from pathlib import Path

import pytest

from tools.check_code import check_sizes, check_suppressions

CODE = Path("bot_runtime/x.py")
NOQA = "# no" + "qa"
IGNORE = "# type: ig" + "nore"


def test_long_module_is_refused_unless_it_is_a_test() -> None:
    source = "x = 1\n" * 301
    assert "301 lines" in next(check_sizes(CODE, source))
    assert list(check_sizes(Path("tests/unit/test_x.py"), source)) == []
    assert list(check_sizes(CODE, "x = 1\n" * 300)) == []


def test_long_function_is_refused_and_its_docstring_does_not_count() -> None:
    body = "    x = 1\n" * 39
    docstring = '    """One.\n\n    Two.\n    """\n'
    assert list(check_sizes(CODE, f"def f():\n{docstring}{body}")) == []
    (finding,) = check_sizes(CODE, f"def f():\n{docstring}{body}    y = 1\n")
    assert finding.startswith("bot_runtime/x.py:1: f has 41 lines")


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        (NOQA, "noqa without a code"),
        (f"{NOQA}: S105", "noqa S105 without a reason"),
        (IGNORE, "type: ignore without a code"),
        (f"{IGNORE}[arg-type]", "type: ignore arg-type without a reason"),
    ],
)
def test_bare_suppression_is_refused(comment: str, problem: str) -> None:
    (finding,) = check_suppressions(CODE, f"x = 1  {comment}\n")
    assert finding.startswith(f"bot_runtime/x.py:1: {problem}")


@pytest.mark.parametrize(
    "comment",
    [f"{NOQA}: S105 - a reason's name", f"{NOQA}: S105, PLR0913  # both", f"{IGNORE}[misc]  # why"],
)
def test_suppression_with_code_and_reason_passes(comment: str) -> None:
    assert list(check_suppressions(CODE, f"x = 1  {comment}\n")) == []


def test_suppression_inside_a_string_is_no_suppression() -> None:
    assert list(check_suppressions(CODE, f'x = "{NOQA}"\n')) == []
