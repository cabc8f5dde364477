"""The secret with the key of an exchange: its type, its keys, and what can be told to be no key.

Exchanges differ in what they give: letters and digits, base64, a UUID, a private key on many lines.
Only what none of them gives is a fault; of the rest the exchange's answer decides.
"""

import re
from typing import Final

from bot_runtime.contract.secrets import (
    Fault,
    SecretKind,
    find_fault_of_line,
    is_placeholder,
    read_text,
)

API_KEY: Final = "apiKey"
API_SECRET: Final = "apiSecret"  # noqa: S105 - the name of a key, not its value
PASSPHRASE: Final = "passphrase"  # noqa: S105 - the name of a key, not its value

_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]+-----\s.*\s-----END (?:[A-Z]+ )*PRIVATE KEY-----", re.DOTALL
)
_NAME_OF_KEY: Final = re.compile(r"organizations/[^/\s]+/apiKeys/[^/\s]+")


def _find_fault(key: str, value: bytes) -> Fault | None:
    text = read_text(value)
    if isinstance(text, Fault):
        return text
    if key == PASSPHRASE:  # chosen by a person: any one line
        return Fault.LINE_BREAK if len(text.splitlines()) > 1 else None
    if is_placeholder(text):
        return Fault.PLACEHOLDER
    if "-----BEGIN" in text:
        return _find_fault_of_pem(key, text)
    fault = find_fault_of_line(text)
    if fault is not None:
        return fault
    if not (text.isascii() and text.isprintable()):
        return Fault.FOREIGN_CHARACTER
    if key == API_SECRET and _NAME_OF_KEY.fullmatch(text):
        return Fault.BELONGS_IN_KEY
    return None


def _find_fault_of_pem(key: str, text: str) -> Fault | None:
    if "PRIVATE KEY-----" not in text:
        return Fault.PUBLIC_KEY
    if key == API_KEY:
        return Fault.BELONGS_IN_SECRET
    if r"\n" in text or r"\r" in text:
        return Fault.ESCAPED
    if len(text.splitlines()) == 1:
        return Fault.WITHOUT_LINE_BREAKS
    return None if _PRIVATE_KEY.fullmatch(text) else Fault.NOT_WHOLE


EXCHANGE_SECRET: Final = SecretKind(
    type="botcripto.io/exchange",
    field="exchange.credentialsSecret",
    required={API_KEY: "API_KEY", API_SECRET: "API_SECRET"},
    optional=(PASSPHRASE,),
    find_fault=_find_fault,
)
