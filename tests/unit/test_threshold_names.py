"""Four thresholds, each with one field and one variable: no other spelling, and none does nothing.

A threshold that is documented by a name that nothing reads lets a bot trade by another one.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_runtime.contract.names import THRESHOLD_VARIABLES
from bot_runtime.contract.signal import DecisionReason
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RegimeSpec
from bot_runtime.local.bot_file import Bot, load_bot
from tests.conftest import TESTS
from tests.unit.bot_runtime.strategies import GOOD, decide_by
from tests.unit.bot_runtime.test_bot_file import GOOD as FILE
from tests.unit.bot_runtime.test_bot_file import written

ROOT = TESTS.parent

SETTING = re.compile(
    r"(?<![A-Za-z0-9_])"
    r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+|[a-z]+(?:-[a-z0-9]+)+)"
    r"(?![A-Za-z0-9_-])"
)
"""A name as settings have it: of a variable, a field in YAML, or a flag. Not a name in Python."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
BOUNDS = frozenset(
    ("min", "minimum", "max", "maximum", "threshold", "limit", "floor", "cap", "least", "most")
)
SUBJECTS = {
    frozenset({"risk"}): BOUNDS,
    frozenset({"prob", "proba", "probability"}): BOUNDS,
    frozenset({"return", "returns"}): BOUNDS,
    frozenset({"fee", "fees", "commission"}): BOUNDS
    | frozenset(["bps", "bp", "pct", "percent", "rate", "taker", "maker"]),
}
"""Words of which one names the subject of a threshold, with those that make a setting of it."""
FIELDS = {DecisionSpec.model_fields[name].alias for name in THRESHOLD_VARIABLES}
OTHERS = {
    # Why a decision is NO_TRADE; `prob_min_add` is added to one of the four.
    *(reason.name for reason in DecisionReason),
    RegimeSpec.model_fields["prob_min_add"].alias,
    # Binance's account, ruff's setting, and where a probability is cut before its logarithm.
    *("makerCommission", "takerCommission", "max-returns", "PROBABILITY_FLOOR"),
}
"""Names that are something else."""


def spellings(text: str) -> Iterator[str]:
    """Yield every name of a setting in `text` that says what one of the four thresholds is."""
    for match in SETTING.finditer(text):
        words = {word.lower() for word in WORD.findall(match[0])}
        if any(words & subject and words & makes for subject, makes in SUBJECTS.items()):
            yield match[0]


def _texts() -> Iterator[tuple[str, str]]:
    """Yield path and text of what is ours and read by somebody: all but tests and locks."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        path = Path(line)
        if path.parts[0] in {"tests", "requirements"} or not (ROOT / path).is_file():
            continue
        try:
            yield line, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        *("RISK_THRESHOLD=0.9", "MIN_PROB", "$FEE_BPS", "${TAKER_FEE}", "BOTCRIPTO_RISK_MAX"),
        *("riskThreshold: 0.9", "minProbability: 0.6", "--risk-max", "expectedReturnMin", "feeBps"),
    ],
)
def test_another_spelling_is_found(text: str) -> None:
    assert list(spellings(text))


@pytest.mark.parametrize("text", ["risk", "fees", "riskScore", "maxDrawdown", "the least return"])
def test_other_names_are_left_alone(text: str) -> None:
    assert not list(spellings(text))


def test_each_threshold_has_one_name_in_the_whole_tree() -> None:
    known = {*THRESHOLD_VARIABLES.values(), *FIELDS, *OTHERS}
    texts = dict(_texts())
    assert len(texts) > 300
    found = {path: sorted(set(spellings(text)) - known) for path, text in texts.items()}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("variable", THRESHOLD_VARIABLES.values())
def test_a_variable_is_documented(variable: str) -> None:
    assert variable in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_variable_is_the_name_of_its_field() -> None:
    assert {name: name.upper() for name in THRESHOLD_VARIABLES} == THRESHOLD_VARIABLES


STRICTER = {"risk_max": 0.29, "prob_min": 0.71, "min_expected_return": 0.0081, "fees_bps": 48.0}


def decision_of(bot: Bot) -> str:
    """Return what the bot of a file decides on GOOD."""
    return decide_by(GOOD, bot.spec.decision).decision


@pytest.mark.parametrize("name", THRESHOLD_VARIABLES)
def test_each_flips_a_decision_by_its_field_and_by_its_variable(tmp_path: Path, name: str) -> None:
    field, variable = DecisionSpec.model_fields[name].alias, THRESHOLD_VARIABLES[name]
    path = written(tmp_path, FILE)
    assert decision_of(load_bot(path, None, {})) == "LONG"
    by_variable = load_bot(path, None, {variable: str(STRICTER[name])})
    path = written(tmp_path, f"{FILE}  decision: {{{field}: {STRICTER[name]}}}\n")
    by_field = load_bot(path, None, {})
    assert by_field.spec == by_variable.spec
    assert decision_of(by_field) == decision_of(by_variable) == "NO_TRADE"
    looser = {variable: str(getattr(DecisionSpec(), name))}
    assert decision_of(load_bot(path, None, looser)) == "LONG"
