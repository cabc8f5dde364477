import json

import pytest

from bot_exchange.venue.credentials import CredentialsError, parse_keys

KEY = {"api_key": "key-of-a-trader", "secret": "secret-of-a-trader"}


def document(**changes: object) -> str:
    return json.dumps({"keys": [{**KEY, **changes}]})


def test_a_key_has_defaults() -> None:
    key = parse_keys(document(), "file")["key-of-a-trader"]
    assert key.can_trade
    assert not key.can_withdraw
    assert key.balances == {"USDT": "10000"}


def test_neither_key_nor_secret_is_ever_shown() -> None:
    shown = repr(parse_keys(document(), "file")["key-of-a-trader"])
    assert "of-a-trader" not in shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "file: not JSON"),
        ("[]", "file: expected"),
        ('{"keys": []}', "at least one key"),
        ('{"keys": ["x"]}', r"keys\[0\]: expected an object"),
        (document(secret=""), r"keys\[0\].secret: expected 8 to 128"),
        (document(api_key="short"), r"keys\[0\].api_key: expected 8 to 128"),
        (document(api_key=None), r"keys\[0\].api_key: expected"),
        (document(can_withdraw="no"), r"keys\[0\].can_withdraw: expected true or false"),
        (document(balances=[]), r"keys\[0\].balances: expected an object"),
        (document(balances={"USDT": 5}), r"keys\[0\].balances.USDT: expected a decimal"),
        (document(balances={"USDT": "-5"}), r"keys\[0\].balances.USDT: expected a decimal"),
        (document(balances={"USDT": "five"}), r"keys\[0\].balances.USDT: expected a decimal"),
        (document(balances={"USDT": "inf"}), r"keys\[0\].balances.USDT: expected a decimal"),
        (document(can_fly=True), "unknown field 'can_fly'"),
        (json.dumps({"keys": [KEY, KEY]}), "listed twice"),
    ],
)
def test_a_broken_document_is_refused_without_its_values(text: str, reason: str) -> None:
    with pytest.raises(CredentialsError, match=reason) as refusal:
        parse_keys(text, "file")
    assert "of-a-trader" not in str(refusal.value)
