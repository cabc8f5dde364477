import pytest

from bot_exchange.venue.errors import ApiError
from bot_exchange.venue.limits import BAN_SECONDS, REFUSALS_BEFORE_BAN, WeightLimiter


class Seconds:
    def __init__(self) -> None:
        self.now = 600.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limiter(seconds: Seconds) -> WeightLimiter:
    return WeightLimiter(100, seconds)


def refused(limiter: WeightLimiter, address: str = "a") -> ApiError:
    with pytest.raises(ApiError) as refusal:
        limiter.charge(address, 1)
    return refusal.value


def test_weights_add_up_within_a_minute(limiter: WeightLimiter, seconds: Seconds) -> None:
    assert limiter.charge("a", 40) == 40
    assert limiter.charge("a", 60) == 100
    seconds.now += 60
    assert limiter.charge("a", 1) == 1


def test_each_address_has_its_own_limit(limiter: WeightLimiter) -> None:
    limiter.charge("a", 100)
    assert limiter.charge("b", 1) == 1
    assert refused(limiter).status == 429


def test_too_much_weight_is_told_when_to_come_back(
    limiter: WeightLimiter, seconds: Seconds
) -> None:
    limiter.charge("a", 100)
    seconds.now += 15
    error = refused(limiter)
    assert (error.status, error.code) == (429, -1003)
    assert error.retry_after == 45
    seconds.now += error.retry_after
    assert limiter.charge("a", 1) == 1


def test_who_goes_on_is_banned_and_forgiven(limiter: WeightLimiter, seconds: Seconds) -> None:
    limiter.charge("a", 100)
    for _ in range(REFUSALS_BEFORE_BAN):
        assert refused(limiter).status == 429
    error = refused(limiter)
    assert (error.status, error.code) == (418, -1003)
    seconds.now += BAN_SECONDS - 1
    assert refused(limiter).status == 418
    seconds.now += 1
    assert limiter.charge("a", 1) == 1
