"""docs/operations.md has a row for every reason and failure class; whoever adds one adds a row."""

import re
from pathlib import Path

import pytest

from bot_runtime.contract.conditions import BotCondition, Reason, TrainingCondition
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import CLASS_OF_EXIT_CODE, HEALS_BY_WAITING, FailureClass

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.MULTILINE)
COLUMNS = {"What the conditions say": 3, "Reasons": 3, "Failure classes": 4}


def _rows(section: str) -> dict[str, list[str]]:
    """Return the cells of each row of a section, by the name in its first cell."""
    text = PAGE.read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    found = ROW.findall(part)
    assert len({name for name, _ in found}) == len(found), "a name has two rows"
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in found}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("Reasons", {r.value for r in Reason}),
        ("Failure classes", {c.value for c in FailureClass}),
        ("What the conditions say", {c.value for c in (*BotCondition, *TrainingCondition)}),
    ],
    ids=["reasons", "failure classes", "conditions"],
)
def test_every_name_of_the_contract_has_its_row_and_no_other(section: str, names: set[str]) -> None:
    written = set(_rows(section))
    missing, unknown = sorted(names - written), sorted(written - names)
    assert not missing, (
        f"docs/operations.md, section {section!r}: add a row for {', '.join(missing)} (what it "
        "means, where to look, what an on-call engineer does)"
    )
    assert not unknown, f"docs/operations.md, section {section!r}: no such name: {unknown}"


@pytest.mark.parametrize("section", COLUMNS)
def test_every_row_is_filled_in(section: str) -> None:
    for name, cells in _rows(section).items():
        assert len(cells) == COLUMNS[section], f"{name}: {len(cells)} cells"
        assert all(cells), f"{name}: an empty cell; write - where there is nothing to do"
        meaning = cells[1] if section == "What the conditions say" else cells[0]
        assert meaning.endswith("."), f"{name}: the meaning is a sentence"


def test_the_page_says_rightly_what_heals_and_by_which_exit_code() -> None:
    exit_codes = {kind.value: code for code, kind in CLASS_OF_EXIT_CODE.items()}
    for name, (meaning, _, heals, _) in _rows("Failure classes").items():
        assert heals == ("yes" if FailureClass(name) in HEALS_BY_WAITING else "no"), name
        told = re.search(r"\((?:exit code )?([0-9]+)\)", meaning)
        code = exit_codes.get(name)
        assert (told is None) == (code is None), name
        assert told is None or ExitCode(int(told[1])) == code, name
