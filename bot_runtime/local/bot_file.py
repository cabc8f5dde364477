"""Read a TradingBot from the YAML that `kubectl apply` takes, and judge it as the server would."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot_runtime.contract.names import (
    API_VERSION,
    BOT_NAME_MAX,
    OWNER_NAME_PATTERN,
    TRADING_BOT_KIND,
)
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.process.config import explain
from bot_runtime.process.errors import ConfigurationError

_NAME = re.compile(OWNER_NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class Bot:
    """One TradingBot of a file."""

    namespace: str
    name: str
    spec: TradingBotSpec


def load_bot(path: Path, endpoint: str | None = None) -> Bot:
    """Return the only TradingBot in a YAML file; `endpoint` replaces spec.exchange.endpoint.

    Raises ConfigurationError that names the field, what was found and the remedy.
    """
    bots = [
        d for d in _documents(path) if isinstance(d, dict) and d.get("kind") == TRADING_BOT_KIND
    ]
    if len(bots) != 1:
        raise ConfigurationError(
            f"{path}: found {len(bots)} documents with `kind: {TRADING_BOT_KIND}`; write one"
        )
    bot = bots[0]
    if bot.get("apiVersion") != API_VERSION:
        raise ConfigurationError(
            f"apiVersion: found {bot.get('apiVersion')!r}; write {API_VERSION}"
        )
    unknown = sorted(set(bot) - {"apiVersion", "kind", "metadata", "spec", "status"})
    if unknown:
        raise ConfigurationError(f"{unknown[0]}: is not a field of a {TRADING_BOT_KIND}; remove it")
    metadata = _mapping(bot, "metadata")
    spec = _spec(_mapping(bot, "spec"), endpoint)
    _check_runnable(spec)
    return Bot(str(metadata.get("namespace") or "default"), _name(metadata), spec)


def _documents(path: Path) -> list[Any]:
    try:
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as e:
        raise ConfigurationError(f"{path}: cannot be read: {e.strerror}") from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise ConfigurationError(f"{path}: is not YAML: {' '.join(str(e).split())}") from e


def _mapping(document: dict[str, Any], field: str) -> dict[str, Any]:
    found = document.get(field)
    if not isinstance(found, dict):
        raise ConfigurationError(f"{field}: found {found!r}; write a mapping")
    return found


def _name(metadata: dict[str, Any]) -> str:
    name = metadata.get("name")
    if not isinstance(name, str) or len(name) > BOT_NAME_MAX or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"metadata.name: found {name!r}; at most {BOT_NAME_MAX} characters, a-z first, then "
            "a-z, 0-9 and -"
        )
    return name


def _spec(found: dict[str, Any], endpoint: str | None) -> TradingBotSpec:
    if endpoint is not None and isinstance(found.get("exchange"), dict):
        found = found | {"exchange": found["exchange"] | {"endpoint": endpoint}}
    try:
        return TradingBotSpec.model_validate(found)
    except ValidationError as e:
        raise ConfigurationError(explain(e, prefix="spec")) from e


def _check_runnable(spec: TradingBotSpec) -> None:
    if spec.mode == "Live":
        raise ConfigurationError(
            "spec.mode: found Live, which is not available in this release; write Paper"
        )
    if spec.suspend:
        raise ConfigurationError("spec.suspend: found true; set it to false to run the bot")
