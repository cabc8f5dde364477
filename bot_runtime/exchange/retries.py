"""Retry calls of an exchange: which failures are worth another try, when, and for how long.

Delays grow exponentially with full jitter (M. Brooker, Exponential Backoff and Jitter, 2015), so
that a fleet of bots does not come back in step. A Retry-After of the exchange is obeyed.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bot_runtime.contract.exchange_secret import PASSPHRASE
from bot_runtime.contract.scrub import scrub
from bot_runtime.contract.secrets import Fault, describe_faults
from bot_runtime.exchange.ccxt_import import exchange_errors
from bot_runtime.process.errors import (
    ConfigurationError,
    CredentialsError,
    ExchangeUnavailableError,
    StepError,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a step may try.

    Attributes:
        attempts: calls of one request at most.
        budget_seconds: time for all requests of the step, from the retrier's creation.
        base_seconds: bound of the first delay; it doubles with every attempt.
        cap_seconds: bound of any delay.
        timeout_seconds: how long one answer may take.
    """

    attempts: int
    budget_seconds: float
    base_seconds: float = 0.5
    cap_seconds: float = 30.0
    timeout_seconds: float = 10.0

    def delay_seconds(self, attempt: int, retry_after: float | None, draw: float) -> float:
        """Return the wait after the failed `attempt` (from 1); `draw` is uniform in [0, 1)."""
        backoff = draw * min(self.cap_seconds, self.base_seconds * 2.0 ** (attempt - 1))
        return backoff if retry_after is None else retry_after + backoff


PREFLIGHT: Final = RetryPolicy(attempts=5, budget_seconds=120)
FETCH: Final = RetryPolicy(attempts=6, budget_seconds=600)
"""Longer than a minute's rate limit, and than most bans; the step is repeated later."""

POLL_SECONDS: Final = 1.0
"""How often a run asks for a candle that is not there yet."""
_RUN_ATTEMPTS: Final = 3
_SPARE_SECONDS: Final = 10.0
"""Time for the requests themselves, beside the wait for a candle."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run waits, in seconds, and never beyond half of its deadline.

    Attributes:
        wait_seconds: for the candle that has just closed.
        jitter_seconds: bound of the delay by which bots are spread.
        timeout_seconds: for one answer.
    """

    wait_seconds: float = 20.0
    jitter_seconds: float = 3.0
    timeout_seconds: float = 8.0

    def policy(self, deadline_seconds: float) -> RetryPolicy:
        """Return how the exchange is asked within a run's deadline."""
        budget = min(deadline_seconds / 2, self.wait_seconds + _SPARE_SECONDS)
        timeout = min(self.timeout_seconds, budget / 2)
        return RetryPolicy(_RUN_ATTEMPTS, budget, timeout_seconds=timeout)


@dataclass(slots=True)
class Retrier:
    """Calls one exchange under one policy."""

    policy: RetryPolicy
    log: Callable[..., None]
    secrets: tuple[str, ...] = ()
    deadline: float = 0.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.policy.budget_seconds

    def call(self, client: Any, what: str, request: Callable[[], T]) -> T:
        """Return what `request` returns, tried again while the failure may heal.

        Raises ExchangeUnavailableError when tries or time are used up, ConfigurationError for a
        symbol that the exchange does not have or a passphrase that cannot be sent, CredentialsError
        for a key that it refuses.
        """
        for attempt in range(1, self.policy.attempts + 1):
            try:
                return request()
            except StepError:
                raise
            except Exception as e:  # ccxt lets parse errors of any class through
                failure = self._classify(what, e, attempt)
                delay = self._delay(client, attempt, e)
                if delay is None:
                    raise failure from e
                self.log("retry", what=what, attempt=attempt, delay_seconds=round(delay, 2))
                time.sleep(delay)
        raise AssertionError("the last attempt has no delay")

    def _delay(self, client: Any, attempt: int, e: Exception) -> float | None:
        """Return how long to wait before another try, or None where none is due."""
        errors = exchange_errors()
        if not _may_heal(e) or attempt == self.policy.attempts:
            return None
        limited = isinstance(e, (errors.DDoSProtection, errors.RateLimitExceeded))
        wait = _retry_after_seconds(client) if limited else None
        delay = self.policy.delay_seconds(attempt, wait, random.random())  # noqa: S311 - jitter
        return delay if time.monotonic() + delay < self.deadline else None

    def _classify(self, what: str, e: Exception, attempt: int) -> StepError:
        """Return the failure of our own tree that stands for one of ccxt's, in the last attempt."""
        errors = exchange_errors()
        text = scrub(" ".join(str(e).split()), self.secrets)[:300]
        if isinstance(e, errors.BadSymbol):
            return ConfigurationError(f"symbols: {what}: the exchange does not have it: {text}")
        if isinstance(e, errors.AuthenticationError):
            return CredentialsError(
                f"{what}: the exchange refuses the key: {text}; see whether apiKey and apiSecret "
                "are swapped, are of one key, and of this exchange; then correct the secret"
            )
        if isinstance(e, UnicodeEncodeError):  # of a header; its text would quote the passphrase
            return ConfigurationError(
                f"credentials: {describe_faults({PASSPHRASE: Fault.FOREIGN_CHARACTER})}"
            )
        tries = "1 try" if attempt == 1 else f"{attempt} tries"
        if _is_garbled(e):
            return ExchangeUnavailableError(
                f"{what}: no usable answer after {tries}: {text or type(e).__name__}; check "
                "exchange.endpoint, the exchange's status page, and any proxy before it"
            )
        if _may_heal(e):
            return ExchangeUnavailableError(
                f"{what}: no answer after {tries}: {text}; check exchange.endpoint and the network"
            )
        kind = type(e).__name__
        return ExchangeUnavailableError(f"{what}: unusable answer ({kind}): {text}")


def _is_garbled(e: Exception) -> bool:
    """Tell whether what came is no answer: not JSON, or a JSON that ccxt cannot make sense of."""
    errors = exchange_errors()
    ours = (errors.BaseError, UnicodeEncodeError)  # the latter befalls what is sent
    return isinstance(e, errors.BadResponse) or not isinstance(e, ours)


def _may_heal(e: Exception) -> bool:
    """Tell whether another try may succeed: network, overload, limits, no answer, or a 5xx.

    ccxt knows most failures by the body's code; one that it does not know is told by its status,
    which is kept in the HTTP error that was being handled.
    """
    if isinstance(e, exchange_errors().OperationFailed) or _is_garbled(e):
        return True
    response = getattr(e.__context__, "response", None)
    return response is not None and response.status_code >= 500


def _retry_after_seconds(client: Any) -> float | None:
    """Return the seconds of the last answer's Retry-After header, None without one."""
    headers = getattr(client, "last_response_headers", None) or {}
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    return float(value) if value.isdigit() else None
