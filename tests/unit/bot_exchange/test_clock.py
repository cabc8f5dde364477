import time

from bot_exchange.venue.clock import Clock


class Real:
    def __init__(self) -> None:
        self.ms = 1_000_000.0

    def __call__(self) -> float:
        return self.ms


def test_the_wall_clock_is_the_default() -> None:
    assert abs(Clock().now_ms() - time.time() * 1000) < 1_000


def test_the_wall_clock_follows_its_corrections() -> None:
    real = Real()
    clock = Clock(real_ms=real)
    real.ms += 3_600_000
    assert clock.now_ms() == 4_600_000


def test_speed_multiplies_real_time() -> None:
    real = Real()
    clock = Clock(speed=60, start_ms=500, real_ms=real)
    real.ms += 1_000
    assert clock.now_ms() == 60_500


def test_a_clock_of_speed_zero_stands() -> None:
    real = Real()
    clock = Clock(speed=0, start_ms=500, real_ms=real)
    real.ms += 1_000
    assert clock.now_ms() == 500


def test_setting_the_time_keeps_the_speed() -> None:
    real = Real()
    clock = Clock(speed=2, start_ms=0, real_ms=real)
    clock.set(now_ms=10_000)
    real.ms += 100
    assert clock.now_ms() == 10_200
    assert clock.speed == 2


def test_setting_the_speed_keeps_the_time() -> None:
    real = Real()
    clock = Clock(speed=2, start_ms=0, real_ms=real)
    real.ms += 100
    clock.set(speed=0)
    real.ms += 100
    assert clock.now_ms() == 200
