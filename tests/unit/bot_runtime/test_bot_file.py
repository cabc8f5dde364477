"""A TradingBot's YAML: mistakes are named by field, with what was found and the remedy."""

from pathlib import Path

import pytest

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import TradingSettings
from bot_runtime.local.bot_file import load_bot, load_bot_to_run
from bot_runtime.process.errors import ConfigurationError

GOOD = """
apiVersion: botcripto.io/v1alpha1
kind: TradingBot
metadata:
  name: btc-paper
  namespace: bots
spec:
  exchange: {id: binance}
  symbols: [BTC/USDT]
  timeframe: 1m
  mode: Paper
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bot.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_bot_is_read(tmp_path: Path) -> None:
    bot = load_bot(written(tmp_path, GOOD))
    assert (bot.namespace, bot.name, bot.spec.symbols) == ("bots", "btc-paper", ("BTC/USDT",))
    assert bot.spec.exchange.endpoint is None


def test_endpoint_of_the_command_line_replaces_that_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("{id: binance}", "{id: binance, endpoint: 'http://exchange:8080'}")
    bot = load_bot(written(tmp_path, text), "http://127.0.0.1:9")
    assert bot.spec.exchange.endpoint == "http://127.0.0.1:9"


def test_the_journal_of_a_laptop_lies_in_its_store(tmp_path: Path) -> None:
    bot = load_bot(written(tmp_path, f"{GOOD}  journal: {{postgresSecret: journal}}\n"))
    assert bot.spec.journal.run.database == "SQLite"


def test_other_documents_of_the_file_are_left_alone(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: Secret\n---\n{GOOD}---\n"
    assert load_bot(written(tmp_path, text)).name == "btc-paper"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: TradingBot", "kind: Pod", "found 0 documents with `kind: TradingBot`; write one"),
        ("v1alpha1", "v2", "apiVersion: found 'botcripto.io/v2'; write botcripto.io/v1alpha1"),
        ("name: btc-paper", "name: Btc_Paper", "metadata.name: found 'Btc_Paper'"),
        ("name: btc-paper", f"name: {'b' * 41}", "metadata.name: found 'bbb"),
        ("name: btc-paper", "name: 7", "metadata.name: found 7"),
        ("  timeframe: 1m\n", "", "spec.timeframe: is missing; add it"),
        ("timeframe: 1m", "timeframe: 7m", "spec.timeframe: found '7m'"),
        ("mode: Paper", "mode: Live", "spec.mode: found Live, which is not available"),
        ("mode: Paper", "mode: Live\n  suspend: true", "spec.mode: found Live"),
        ("{id: binance}\n", "{}\n  riskMax: 1\n  mode: Live\n---\n", "spec.mode: found Live"),
        ("metadata:\n  name: btc-paper", "meta:\n  name: 7", "meta: is not a field"),
        ("{id: binance}", "{id: binance, endpoint: ftp://x}", "spec.exchange.endpoint: found"),
        ("mode: Paper", "mode: paper", "spec.mode: found 'paper'"),
        ("[BTC/USDT]", "[]", "spec.symbols: found"),
        ("[BTC/USDT]", "[BTC/USDT, BTC/USDT]", "spec.symbols: .*duplicate"),
        ("[BTC/USDT]", "[BTCUSDT]", "spec.symbols.0: found 'BTCUSDT'"),
        ("mode: Paper", "mode: Paper\n  riskMax: 1", "spec.riskMax: is not a field"),
        ("spec:", "spce: {}\nspec:", "spce: is not a field of a TradingBot"),
        ("{id: binance}", "binance", "spec.exchange: found 'binance'; input should be a mapping$"),
        ("[BTC/USDT]", "BTC/USDT", "spec.symbols: found 'BTC/USDT'; input should be a list$"),
        (
            "mode: Paper",
            "mode: Paper\n  suspend: perhaps",
            "spec.suspend: found 'perhaps'; input should be true or false$",
        ),
        (
            "mode: Paper",
            "mode: Paper\n  training: {gate: {mode: off}}",
            "spec.training.gate.mode: found false; input should be 'Enforce' or 'Off'",
        ),
        ("[BTC/USDT]", "", "spec.symbols: found null; input should be a list$"),
        ("[BTC/USDT]", "[]", r"spec.symbols: found \[\]; input should have at least 1 entry$"),
        (
            "mode: Paper",
            "mode: Paper\n  model: {pinnedVersion: 7}",
            "spec.model.pinnedVersion: found 7; input should be text: write it in quotes$",
        ),
        (
            "mode: Paper",
            "mode: Paper\n  model: {pinnedVersion: 2026-99-99}\n  risk: 1",
            "spec.risk: found 1; input should be a mapping",
        ),
        ("  name: btc-paper\n  namespace: bots\n", "", "metadata: found null; write a mapping"),
        ("name: btc-paper", "name: yes", "metadata.name: found true; at most 40"),
        (
            "mode: Paper",
            "mode: Paper\n  training: {timeZone: Europe/Pariss}",
            "spec.training.timeZone: Europe/Pariss is not known; write one as Europe/Madrid",
        ),
        (
            "mode: Paper",
            "mode: Paper\n  inference: {timeZone: EST6EDT}",
            "spec.inference.timeZone: EST6EDT is not known",
        ),
        ("mode: Paper", "mode: Paper\n  inference: {timeZone: Local}", "not an IANA time zone"),
        (
            "{id: binance}",
            "{id: binance, endpoint: 'http://me:pw@x'}",
            r"found 'http://\[hidden\]@x'",
        ),
        ("spec:\n", "spec: [\n", "is not YAML"),
        ("mode: Paper", "mode: !!int Paper", "is not YAML"),
        ("mode: Paper", "mode: !!bool Paper", "is not YAML"),
        ("mode: Paper", "mode: !!python/name:os.system", "is not YAML"),
        ("mode: Paper", f"mode: {'[' * 3000}", "is nested too deeply"),
        ("[BTC/USDT]", "&all [*all]", r"spec.symbols.0: found \[\[...\]\]; input should be text"),
    ],
)
def test_mistake_is_named_with_its_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=message):
        load_bot(written(tmp_path, GOOD.replace(old, new)))


def test_two_bots_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="found 2 documents"):
        load_bot(written(tmp_path, f"{GOOD}---{GOOD}"))


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_bot(tmp_path / "no.yaml")


def test_a_bot_trades_by_its_capital_regimes_and_risk(tmp_path: Path) -> None:
    text = f"{GOOD}  capital: '1000'\n  regimes: [{{name: BEAR_TREND, entries: false}}]\n"
    path = written(tmp_path, f"{text}  risk: {{maxPosition: 0.1}}\n  decision: {{riskMax: 0.7}}\n")
    bot = load_bot(path, "http://127.0.0.1:9")
    settings = bot.spec.settings
    assert (settings.capital, settings.risk.max_position) == ("1000", 0.1)
    assert [r.entries for r in settings.regime_table] == [True, True, False, False]
    assert bot.spec.decision.risk_max == 0.7
    assert bot.spec.exchange.endpoint == "http://127.0.0.1:9"


def test_a_bot_without_them_trades_by_the_defaults(tmp_path: Path) -> None:
    assert load_bot(written(tmp_path, GOOD)).spec.settings == TradingSettings()


def test_a_bot_that_is_suspended_can_be_judged_and_is_not_run(tmp_path: Path) -> None:
    path = written(tmp_path, f"{GOOD}  suspend: true\n")
    load_bot(path)
    with pytest.raises(ConfigurationError, match=r"^spec.suspend: found true; set it"):
        load_bot_to_run(path)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("capital: 1000", "^spec.capital: found 1000; input should be text: write it in quotes$"),
        ("capital: '-1'", "^spec.capital: found '-1'; is not an amount of money"),
        ("capital: 1e30", "^spec.capital: found '1e30'; is not an amount of money"),
        ("risk: {dailyLossCap: 0.1}", "^spec.risk.dailyLossCap: risk.dailyLossCap is above"),
        ("risk: {stopLoss: {min: 0.2}}", "^spec.risk.stopLoss.min: stopLoss.min is above"),
        ("risk:", "^spec.risk: found null; input should be a mapping$"),
        ("regimes: [{name: BULL}]", "^spec.regimes.0.name: found 'BULL'; input should be"),
        ("capitol: '1'", "^spec.capitol: is not a field of the contract"),
        ("decision: {policy: Hold}", "^spec.decision.policy: found 'Hold'; input should be"),
    ],
)
def test_a_mistake_in_what_is_traded_by_is_named_by_its_field(
    tmp_path: Path, part: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_bot(written(tmp_path, f"{GOOD}  {part}\n"))


VARIABLES = {"RISK_MAX": "0.7", "PROB_MIN": "0.6", "MIN_EXPECTED_RETURN": "0.002", "FEES_BPS": "7"}


def test_variables_replace_the_thresholds_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, f"{GOOD}  decision: {{riskMax: 0.8, policy: VolatilityManaged}}\n")
    wanted = DecisionSpec(
        policy="VolatilityManaged",
        risk_max=0.7,
        prob_min=0.6,
        min_expected_return=0.002,
        fees_bps=7,
    )
    bot = load_bot(path, None, VARIABLES)
    assert bot.spec.decision == wanted
    assert bot.replaced == VARIABLES


def test_what_is_unset_or_empty_replaces_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, f"{GOOD}  decision: {{riskMax: 0.8}}\n")
    bot = load_bot(path, None, {"PROB_MIN": "", "FEES_BPS": "7", "RISKMAX": "0.1"})
    assert bot.spec.decision == DecisionSpec(risk_max=0.8, fees_bps=7)
    assert bot.replaced == {"FEES_BPS": "7"}


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("RISK_MAX", "1.1", "RISK_MAX: found '1.1'; input should be less than or equal to 1"),
        ("PROB_MIN", "0.4", "PROB_MIN: found '0.4'; input should be greater than or equal to 0.5"),
        ("PROB_MIN", "55%", "PROB_MIN: found '55%'; input should be a valid number"),
        ("FEES_BPS", "-1", "FEES_BPS: found '-1'; input should be greater than or equal to 0"),
        ("FEES_BPS", "nan", "FEES_BPS: found 'nan'; input should be a finite number"),
        ("MIN_EXPECTED_RETURN", "0,1", "MIN_EXPECTED_RETURN: found '0,1'; input should be a valid"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as e:
        load_bot(written(tmp_path, GOOD), None, {variable: text})
    assert str(e.value).startswith(message)


def test_a_mistake_of_the_file_is_not_hidden_by_a_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^spec\.decision\.riskMax: found 7"):
        load_bot(written(tmp_path, f"{GOOD}  decision: {{riskMax: 7}}\n"), None, VARIABLES)
