"""Makes the candle files of the shared table: candles as csv, parquet, feather or zip."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

START_MS = 1_706_702_400_000  # 2024-01-31T12:00:00Z
STEP_MS = 300_000
VALUES = ((10.5, 12.25, 9.5, 11.0, 5.0), (11.0, 11.5, 10.0, 10.5, 0.0), (10.5, 13.0, 10.5, 12.5, 7))
"""Open, high, low, close and volume of three candles that follow each other."""
NAMES = ("date", "open", "high", "low", "close", "volume")
Row = tuple[Any, ...]


def rows(count: int = 3, first: int = 0, step_ms: int = STEP_MS) -> list[Row]:
    """Return candles: time in ms, then the values."""
    return [(START_MS + i * step_ms, *VALUES[i % 3]) for i in range(first, first + count)]


@dataclass(frozen=True)
class Case:
    """Files and what they hold: candles, or words of the refusal."""

    files: dict[str, bytes]
    candles: Sequence[Row] = field(default_factory=rows)
    refusal: str = ""
    symbol: str | None = "BTC/USDT"


def csv(
    table: Sequence[Row],
    header: Sequence[str] | None = NAMES,
    *,
    time: Callable[[int], Any] = lambda ms: ms,
    delimiter: str = ",",
    more: Sequence[Any] = (),
    before: str = "",
) -> bytes:
    """Return candles as delimited text; `more` are cells at the end of each row."""
    lines = [delimiter.join(header)] if header else []
    lines += [delimiter.join(map(str, (time(ms), *v, *more))) for ms, *v in table]
    return (before + "\n".join(lines) + "\n").encode()


def iso(ms: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime(form)


def arrow(times: pa.Array, name: str = "date", kind: str = "parquet") -> bytes:
    """Return three candles with these times, as parquet or feather."""
    columns = {n: [v[i] for v in VALUES] for i, n in enumerate(NAMES[1:])}
    table = pa.table({name: times, **columns})
    sink = io.BytesIO()
    if kind == "parquet":
        pyarrow.parquet.write_table(table, sink)
    else:
        pyarrow.feather.write_feather(table, sink)
    return sink.getvalue()


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in members.items():
            archive.writestr(name if "." in name else name.replace("__", "."), data)
    return sink.getvalue()


def one(name: str, data: bytes, **expected: Any) -> Case:
    return Case({name: data}, **expected)


def text(data: bytes, **expected: Any) -> Case:
    return one("BTC-USDT-5m.csv", data, **expected)


MS = pa.array([ms for ms, *_ in rows()])
MOMENTS = MS.cast(pa.timestamp("ms"))
DAYS = [(ms // 86_400_000 * 86_400_000, *v) for ms, *v in rows(step_ms=86_400_000)]
BOM = "\ufeff"
DUMP = ("1706702699999", "55.5", "3", "1.5", "16.5", "0")
"""What Binance's dumps have after the volume: close time, quote volume, trades ..."""
GOOD = csv(rows()).decode()


def broken(old: str, new: str) -> bytes:
    """Return good csv with one part replaced."""
    assert old in GOOD
    return GOOD.replace(old, new, 1).encode()
