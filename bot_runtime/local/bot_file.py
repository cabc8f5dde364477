"""Read a TradingBot from the YAML that `kubectl apply` takes, and judge it as the server would."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot_runtime.contract.explanations import explain, shown, wanted
from bot_runtime.contract.journal import JournalSpec
from bot_runtime.contract.names import (
    API_VERSION,
    BOT_NAME_MAX,
    OWNER_NAME_PATTERN,
    THRESHOLD_VARIABLES,
    TRADING_BOT_KIND,
)
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.timezones import find_zone, unknown_zone
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.local.kubectl_yaml import load_documents
from bot_runtime.process.errors import ConfigurationError

_NAME = re.compile(OWNER_NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class Bot:
    """One TradingBot of a file."""

    namespace: str
    name: str
    spec: TradingBotSpec
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment that have replaced a threshold of the file, with their text."""

    @property
    def quote(self) -> str:
        """Return the asset that the bot's money is counted in."""
        return self.spec.symbols[0].partition("/")[2]


def load_bot(
    path: Path, endpoint: str | None = None, environment: Mapping[str, str] = os.environ
) -> Bot:
    """Return the only TradingBot in a YAML file.

    `endpoint` replaces spec.exchange.endpoint, and the variables of THRESHOLD_VARIABLES replace
    fields of spec.decision. Raises ConfigurationError that names the field or the variable, what
    was found and the remedy.
    """
    return _read_bot(_load_document(path), endpoint, environment)


def load_bot_to_run(path: Path, endpoint: str | None = None) -> Bot:
    """Return the same of one that is not suspended; what is raised is as for `load_bot`."""
    bot = load_bot(path, endpoint)
    if bot.spec.suspend:
        raise ConfigurationError("spec.suspend: found true; set it to false to run the bot")
    return bot


def _load_document(path: Path) -> dict[str, Any]:
    """Return the only TradingBot of a file, as it is written."""
    documents = load_documents(path)
    bots = [d for d in documents if isinstance(d, dict) and d.get("kind") == TRADING_BOT_KIND]
    if len(bots) != 1:
        raise ConfigurationError(
            f"{path}: found {len(bots)} documents with `kind: {TRADING_BOT_KIND}`; write one"
        )
    bot: dict[str, Any] = bots[0]
    if bot.get("apiVersion") != API_VERSION:
        raise ConfigurationError(
            f"apiVersion: found {shown(bot.get('apiVersion'))}; write {API_VERSION}"
        )
    _check_mode(bot)
    unknown = sorted(map(str, set(bot) - {"apiVersion", "kind", "metadata", "spec", "status"}))
    if unknown:
        raise ConfigurationError(f"{unknown[0]}: is not a field of a {TRADING_BOT_KIND}; remove it")
    return bot


def _read_bot(
    document: dict[str, Any], endpoint: str | None, environment: Mapping[str, str]
) -> Bot:
    metadata = _mapping(document, "metadata")
    spec = _spec(_mapping(document, "spec"), endpoint)
    _check_time_zones(spec)
    replaced = {v: environment[v] for v in THRESHOLD_VARIABLES.values() if environment.get(v)}
    spec = _with_variables(spec, replaced)
    spec = spec.model_copy(update={"journal": JournalSpec()})  # here it lies in the store
    return Bot(str(metadata.get("namespace") or "default"), _name(metadata), spec, replaced)


def _with_variables(spec: TradingBotSpec, replaced: Mapping[str, str]) -> TradingBotSpec:
    """Return the spec with the thresholds of the environment, each judged as a field is."""
    update = {}
    for name, variable in THRESHOLD_VARIABLES.items():
        if variable not in replaced:
            continue
        try:
            judged = DecisionSpec.model_validate({name: replaced[variable]})
        except ValidationError as e:
            found, problem = shown(replaced[variable]), wanted(e.errors(include_url=False)[0])
            raise ConfigurationError(
                f"{variable}: found {found}; {problem[0].lower()}{problem[1:]}"
            ) from e
        update[name] = getattr(judged, name)
    return spec.model_copy(update={"decision": spec.decision.model_copy(update=update)})


def _mapping(document: dict[str, Any], field: str) -> dict[str, Any]:
    found = document.get(field)
    if not isinstance(found, dict):
        raise ConfigurationError(f"{field}: found {shown(found)}; write a mapping")
    return found


def _name(metadata: dict[str, Any]) -> str:
    name = metadata.get("name")
    if not isinstance(name, str) or len(name) > BOT_NAME_MAX or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"metadata.name: found {shown(name)}; at most {BOT_NAME_MAX} characters, a-z first, "
            "then a-z, 0-9 and -"
        )
    return name


def _spec(found: dict[str, Any], endpoint: str | None) -> TradingBotSpec:
    if endpoint is not None and isinstance(found.get("exchange"), dict):
        found = found | {"exchange": found["exchange"] | {"endpoint": endpoint}}
    try:
        return TradingBotSpec.model_validate(found)
    except ValidationError as e:
        raise ConfigurationError(explain(e, prefix="spec")) from e


def _check_mode(bot: dict[str, Any]) -> None:
    """Refuse mode Live before anything that would have to be mended for it in vain."""
    spec = bot.get("spec")
    if isinstance(spec, dict) and spec.get("mode") == "Live":
        raise ConfigurationError(
            "spec.mode: found Live, which is not available in this release; write Paper"
        )


def _check_time_zones(spec: TradingBotSpec) -> None:
    zones = {"training": spec.training.time_zone, "inference": spec.inference.time_zone}
    for part, name in zones.items():
        if find_zone(name) is None:
            raise ConfigurationError(unknown_zone(part, name))
