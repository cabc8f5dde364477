"""API keys of the test exchange: from a JSON file or an environment variable, never from a flag.

    {"keys": [{"api_key": "...", "secret": "...", "can_withdraw": false,
               "balances": {"USDT": "10000", "BTC": "0.5"}}]}

Only api_key and secret are required. No message shows a value.
"""

import json
import re
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation

_KEY_FORMAT = re.compile(r"[A-Za-z0-9_-]{8,128}")


class CredentialsError(ValueError):
    """The keys cannot be used; the program says why and does not start."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One account of the exchange, known by one key."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    can_trade: bool = True
    can_withdraw: bool = False
    balances: dict[str, str] = field(default_factory=lambda: {"USDT": "10000"}, repr=False)


def is_key_format(text: str) -> bool:
    """Tell whether the text could be a key: 8 to 128 letters, digits, - and _."""
    return _KEY_FORMAT.fullmatch(text) is not None


def parse_keys(text: str, source: str) -> dict[str, ApiKey]:
    """Return the keys of the document by api_key.

    Raises CredentialsError naming the source and the field.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as e:
        raise CredentialsError(f"{source}: not JSON (line {e.lineno}, column {e.colno})") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise CredentialsError(f'{source}: expected {{"keys": [...]}} with at least one key')
    keys = [_parse_key(entry, f"{source}: keys[{number}]") for number, entry in enumerate(entries)]
    if len({key.api_key for key in keys}) < len(keys):
        raise CredentialsError(f"{source}: the same api_key is listed twice")
    return {key.api_key: key for key in keys}


def _parse_key(entry: object, where: str) -> ApiKey:
    if not isinstance(entry, dict):
        raise CredentialsError(f"{where}: expected an object with api_key and secret")
    unknown = sorted(set(entry) - {known.name for known in fields(ApiKey)})
    if unknown:
        raise CredentialsError(f"{where}: unknown field {unknown[0]!r}")
    for name in ("api_key", "secret"):
        if not isinstance(entry.get(name), str) or not is_key_format(entry[name]):
            raise CredentialsError(f"{where}.{name}: expected 8 to 128 letters, digits, - and _")
    for name in ("can_trade", "can_withdraw"):
        if not isinstance(entry.get(name, False), bool):
            raise CredentialsError(f"{where}.{name}: expected true or false")
    if "balances" in entry:
        _check_balances(entry["balances"], f"{where}.balances")
    return ApiKey(**entry)


def _check_balances(balances: object, where: str) -> None:
    if not isinstance(balances, dict):
        raise CredentialsError(f"{where}: expected an object of asset and amount")
    for asset, amount in balances.items():
        try:
            usable = isinstance(amount, str) and 0 <= Decimal(amount) < Decimal("Infinity")
        except InvalidOperation:
            usable = False
        if not usable:
            raise CredentialsError(
                f'{where}.{asset}: expected a decimal number from 0 in quotes, like "0.5"'
            )
