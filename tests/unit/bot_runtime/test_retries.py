"""Retries: what heals is tried again within limits, what does not is told at once."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.exchange.ccxt_import import exchange_errors
from bot_runtime.exchange.retries import Retrier, RetryPolicy
from bot_runtime.process.errors import (
    ConfigurationError,
    CredentialsError,
    ExchangeUnavailableError,
    StepError,
)

QUICK = RetryPolicy(attempts=3, budget_seconds=5, base_seconds=0.001)
errors = exchange_errors()


class Client:
    """What the retrier sees of an exchange's client: the headers of its last answer."""

    def __init__(self, **headers: str) -> None:
        self.last_response_headers = headers


def failing(*failures: Exception) -> tuple[Callable[[], str], list[int]]:
    """Return a request that raises the failures in turn and then answers, and its calls."""
    calls: list[int] = []

    def request() -> str:
        calls.append(1)
        if len(calls) <= len(failures):
            raise failures[len(calls) - 1]
        return "answer"

    return request, calls


def call(request: Callable[[], str], client: Any = None, policy: RetryPolicy = QUICK) -> str:
    return Retrier(policy, lambda *_, **__: None).call(client or Client(), "candles", request)


@pytest.mark.parametrize(
    "failure",
    [
        errors.NetworkError("reset"),
        errors.RequestTimeout("late"),
        errors.ExchangeNotAvailable("503"),
        errors.OnMaintenance("later"),
        errors.RateLimitExceeded("429"),
        errors.DDoSProtection("418"),
        errors.BadResponse("html"),
        TypeError("unexpected shape"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_may_heal_is_tried_again(failure: Exception) -> None:
    request, calls = failing(failure, failure)
    assert call(request) == "answer"
    assert len(calls) == 3
    request, calls = failing(*[failure] * 9)
    with pytest.raises(ExchangeUnavailableError, match="after 3 tries"):
        call(request)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (errors.BadSymbol("no X/Y"), ConfigurationError),
        (errors.AuthenticationError("-2015"), CredentialsError),
        (errors.PermissionDenied("-2015"), CredentialsError),
        (UnicodeEncodeError("latin-1", "pass\u2026", 4, 5, "no"), ConfigurationError),
        (errors.ExchangeError("-1100 illegal"), ExchangeUnavailableError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_does_not_heal_is_told_at_once(failure: Exception, kind: type[StepError]) -> None:
    request, calls = failing(failure)
    with pytest.raises(kind):
        call(request)
    assert len(calls) == 1


def test_own_failures_pass_unchanged() -> None:
    request, _ = failing(ConfigurationError("mine"))
    with pytest.raises(ConfigurationError, match=r"^mine$"):
        call(request)


def test_wait_that_the_exchange_asks_for_is_kept() -> None:
    request, _ = failing(errors.RateLimitExceeded("429"))
    started = time.monotonic()
    assert call(request, Client(**{"Retry-After": "1"})) == "answer"
    assert time.monotonic() - started >= 1


def test_wait_beyond_the_budget_is_given_up_at_once() -> None:
    request, calls = failing(errors.DDoSProtection("418"))
    started = time.monotonic()
    with pytest.raises(ExchangeUnavailableError):
        call(request, Client(**{"retry-after": "3600"}))
    assert time.monotonic() - started < 1
    assert len(calls) == 1


@given(st.integers(1, 40), st.one_of(st.none(), st.floats(0, 100)), st.floats(0, 1))
def test_delays_grow_and_stay_below_the_cap(
    attempt: int, retry_after: float | None, draw: float
) -> None:
    policy = RetryPolicy(attempts=50, budget_seconds=1, base_seconds=0.5, cap_seconds=30)
    delay = policy.delay_seconds(attempt, retry_after, draw)
    asked = retry_after or 0.0
    assert asked <= delay <= asked + min(30.0, 0.5 * 2 ** (attempt - 1)) + 1e-9


def test_secret_is_not_in_the_failure() -> None:
    text = "GET /account?signature=abcdef key hunter2hunter2"
    retrier = Retrier(QUICK, lambda *_, **__: None, ("hunter2hunter2",))
    request, _ = failing(errors.AuthenticationError(text))
    with pytest.raises(CredentialsError) as caught:
        retrier.call(Client(), "account", request)
    assert "hunter2hunter2" not in str(caught.value)
    assert "abcdef" not in str(caught.value)
