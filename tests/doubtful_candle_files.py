"""Candle files in which a mistake could pass for candles: the second part of the shared table.

Each is read as its author meant it, or refused; nothing is taken silently that could be otherwise.
"""

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tests.candle_tables import (
    DUMP,
    GOOD,
    MOMENTS,
    NAMES,
    START_MS,
    STEP_MS,
    Case,
    Row,
    arrow,
    broken,
    csv,
    iso,
    one,
    rows,
    text,
    zipped,
)

MINUTE_MS = 60_000
LINES = GOOD.splitlines()


def noted(*notes: str) -> bytes:
    """Return good csv with a further column, whose cells are `notes`."""
    assert len(notes) == len(LINES) - 1
    return "\n".join(map(",".join, zip(LINES, ("note", *notes), strict=True))).encode() + b"\n"


def flat(
    prices: Sequence[float | str], step_ms: int = STEP_MS, start_ms: int = START_MS
) -> list[Row]:
    """Return candles with one price each, and a volume that is clear."""
    return [(start_ms + i * step_ms, p, p, p, p, "5") for i, p in enumerate(prices)]


def semicolons(*prices: str, volume: str = "5") -> bytes:
    table = [(*row[:5], volume) for row in flat(prices)]
    return csv(table, delimiter=";")


def steady(count: int, step_ms: int, start_ms: int = START_MS) -> list[Row]:
    return [(start_ms + i * step_ms, 10.0, 10.0, 10.0, 10.0, 5.0) for i in range(count)]


def lines(table: Sequence[Any]) -> bytes:
    """Return JSON lines."""
    return "\n".join(map(json.dumps, table)).encode()


MINUTES_THEN_FIVES = [
    *steady(2500, MINUTE_MS),
    *steady(1400, STEP_MS, START_MS + 2500 * MINUTE_MS),
]
SOME = [(*row[:2], 12.5, *row[3:]) for row in rows()]

DOUBTFUL = {
    # 1. Remarks before the header.
    **{
        f"remarks such as {remark[:24]!r}": text(csv(rows(), before=remark + "\n"))
        for remark in (
            "// from somewhere",
            "-- from somewhere",
            "sep=,",
            "Timestamps are UTC timezone,https://www.example.com",
            "From example.com - times are UTC",
            "\n\n# one\n-- two",
        )
    },
    "a banner with a comma": text(csv(rows(), before="Candles of BTC, by the hour\n")),
    "a banner in the eleventh line": text(
        csv(rows(), before="#\n" * 10 + "From somewhere\n"), refusal="column|fields"
    ),
    # 2. Delimiters.
    "semicolons in a file with commas in its header": text(
        csv(rows(), ["date, UTC", *NAMES[1:]], delimiter=";").replace(b"date, UTC", b"date"),
    ),
    "tabs before semicolons": text(
        csv(rows(), [*NAMES, "a;b;c;d;e;f"], delimiter="\t", more=("x",))
    ),
    # 3. Quotation marks.
    "a quotation mark that is not closed": text(
        noted("x", '"abc', "x"), refusal="(?i)row 2:? .*quot"
    ),
    "a quotation mark that is closed rows later": text(
        noted('"abc', "x", 'abc"'), refusal="(?i)row 1:? .*quot"
    ),
    "a cell with a line break": text(noted("x", '"a\nb"', "x"), refusal="(?i)row 2:? .*quot"),
    "a quoted comma": text(noted('"a, b"', "x", "x")),
    # 4. Commas in numbers.
    "decimal commas with three digits among others": text(
        semicolons("10,125", "10,25", "10,5"), candles=flat([10.125, 10.25, 10.5])
    ),
    "a comma for thousands or decimals": text(
        semicolons("17,165", "17,170", "17,180"),
        refusal="row 1: .*'17,165'.*17165 or 17.165",
    ),
    "thousands with commas and a decimal point": text(
        semicolons("17,165.5", "17,170.5", "17,180.5"), refusal=r"row 1: .*'17,165\.5'"
    ),
    "thousands with points and a decimal comma": text(
        semicolons("17.165,5", "17.170,5", "17.180,5"), refusal=r"row 1: .*'17\.165,5'"
    ),
    "points for thousands beside decimal commas": text(
        semicolons("17.165", "17.170", "17.180", volume="5,25"),
        refusal=r"row 1: .*'17\.165'.*17165 or 17.165",
    ),
    "points alone are decimal": text(
        semicolons("17.165", "17.170", "17.180"), candles=flat([17.165, 17.17, 17.18])
    ),
    "a quoted comma in a number of a csv": text(
        csv(flat(['"17,16"', '"17,17"', '"17,18"'])), refusal="row 1: .*'17,16'"
    ),
    # 5. No trade.
    "no price and a volume of 0": text(
        csv([*rows(2), (START_MS + 2 * STEP_MS, "", "", "", "", "0")]), candles=rows(2)
    ),
    "no trade at all": text(
        csv([(ms, "", "", "", "", "0") for ms, *_ in rows()]), refusal="no (rows|candles)"
    ),
    "no price and a volume": text(
        csv([*rows(2), (START_MS + 2 * STEP_MS, "", "", "", "", "3")]),
        refusal="3\\)?:? .*price",
    ),
    # 6. Names.
    **{
        f"the time has the name {name}": text(csv(rows(), [name, *NAMES[1:]]))
        for name in (
            *("Open time UTC", "Kline open time", "startTime", "start_time", "unix_time", "ts"),
            *("timestamp_ms", "datetime_utc", "Date (UTC)", "index"),
        )
    },
    "the open time before a timestamp": text(
        csv([(START_MS, *row) for row in rows()], ["timestamp", "open_time", *NAMES[1:]])
    ),
    **{
        f"the volume has the name {name}": text(csv(rows(), [*NAMES[:5], name]))
        for name in ("Base volume", "base_asset_volume", "volumefrom", "BTC Volume")
    },
    # 7. Names that stand twice.
    "the same name twice": text(
        csv([(*row, 11) for row in rows()], [*NAMES, "close"]), refusal="close.*close.* both close"
    ),
    "a further name twice": text(csv([(*row, 1, 2) for row in rows()], [*NAMES, "x", "x"])),
    # 8. The interval.
    "another interval later": text(
        csv(MINUTES_THEN_FIVES), refusal=r"row \d+ on: candles are 5 minutes apart"
    ),
    "another interval in a further file": Case(
        {
            "01.csv": csv(steady(100, MINUTE_MS)),
            "02.csv": csv(steady(50, STEP_MS, START_MS + 100 * MINUTE_MS)),
        },
        refusal="02.csv:? row 1 on: candles are 5 minutes apart",
    ),
    "one candle between two": text(
        csv([*steady(9, STEP_MS), *steady(1, STEP_MS, START_MS + MINUTE_MS)]),
        refusal="row 10|\\(10\\)",
    ),
    # 9. Jumps.
    "a jump by more than half": text(
        csv(flat([10, 10, 15.1])), refusal="row 3: opens at 15.1 .*closed at 10"
    ),
    "a fall by more than a third": text(
        csv(flat([10, 10, 6.6])), refusal="row 3: opens at 6.6 .*closed at 10"
    ),
    "a jump by half": text(csv(flat([10, 10, 15])), candles=flat([10.0, 10.0, 15.0])),
    "a jump over a hole": text(
        csv([*flat([10, 10]), *flat([20, 20], start_ms=START_MS + 4 * STEP_MS)]),
        candles=[*flat([10.0, 10.0]), *flat([20.0, 20.0], start_ms=START_MS + 4 * STEP_MS)],
    ),
    # 10. Times.
    **{
        f"parquet with seconds as {kind}": one(
            "BTC-USDT-5m.parquet", arrow(pa.array([ms // 1000 for ms, *_ in rows()], kind))
        )
        for kind in (pa.int32(), pa.uint32())
    },
    "parquet with a year that no candle has": one(
        "BTC-USDT-5m.parquet",
        arrow(pa.array([ms * 1000 for ms, *_ in rows()]).cast(pa.timestamp("ms"))),
        refusal="row 1: .*2000",
    ),
    "parquet with a timestamp of 1970": one(
        "BTC-USDT-5m.parquet",
        arrow(pa.array([ms // 1000 for ms, *_ in rows()]).cast(pa.timestamp("ms"))),
        refusal="row 1: .*1970",
    ),
    **{
        f"feather in the zone {zone}": one(
            "BTC_USDT-5m.feather", arrow(MOMENTS.cast(pa.timestamp("us", zone)), kind="feather")
        )
        for zone in ("utc", "Z", "UTC+01:00")
    },
    **{
        f"feather with dates as {kind}": one(
            "BTC_USDT-5m.feather",
            arrow(pa.array([iso(ms) for ms, *_ in rows()]).cast(kind), kind="feather"),
        )
        for kind in (pa.string_view(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()))
    },
    "hours with AM and PM": text(
        csv(rows(step_ms=12 * STEP_MS), time=lambda ms: iso(ms, "%Y-%m-%d %I-%p")),
        candles=rows(step_ms=12 * STEP_MS),
    ),
    "digits of another script": text(
        broken(str(START_MS), iso(START_MS).replace("2024", "\u0662\u0660\u0662\u0664")),
        refusal="row 1: ",
    ),
    "an offset of 14 hours": text(
        csv(rows(), time=lambda ms: iso(ms + 14 * 3_600_000, "%Y-%m-%d %H:%M+14:00"))
    ),
    **{
        f"an offset of {offset}": text(
            broken(str(START_MS), iso(START_MS) + offset),
            refusal=f"row 1: .*{offset[1:]}",
        )
        for offset in ("+14:30", "+05:75", "-24:00")
    },
    "the year first, then last": text(
        csv(
            rows(),
            time=lambda ms: iso(ms, "%Y-%m-%d %H:%M" if ms == START_MS else "%d/%m/%Y %H:%M"),
        ),
        refusal="row 2: .*'31/01/2024 12:05'",
    ),
    # 11. Json.
    "json that is too deep": one("a.json", b"[" * 100_000, refusal="(?i)json"),
    "json with an endless number": one(
        "a.json", b"[[" + b"9" * 5000 + b",1,1,1,1,1]]", refusal="(?i)json"
    ),
    "json with booleans": one(
        "a.json",
        json.dumps([(ms, True, *v[1:]) for ms, *v in rows()]).encode(),
        refusal="row 1: .*(?i:true)",
    ),
    "json lines of lists": one("BTC-USDT-5m.json", lines(rows())),
    "json lines of objects": one(
        "BTC-USDT-5m.json", lines([dict(zip(NAMES, row, strict=True)) for row in rows()])
    ),
    "json lines that are cut": one("a.json", lines(rows())[:-9], refusal="(?i)json"),
    # 12. Another format than the name says.
    "csv that is gzip": text(gzip.compress(csv(rows())), refusal=r"is gzip, not csv.*\.csv\.gz"),
    "csv that is zip": text(zipped(a__csv=csv(rows())), refusal="is zip, not csv"),
    "csv that is parquet": text(arrow(MOMENTS), refusal="is parquet, not csv"),
    "csv that is feather": text(arrow(MOMENTS, kind="feather"), refusal="is feather, not csv"),
    "json that is gzip": one(
        "a.json", gzip.compress(b"[]"), refusal=r"is gzip, not json.*\.json\.gz"
    ),
    "parquet that is feather": one(
        "BTC-USDT-5m.parquet", arrow(MOMENTS, kind="feather"), refusal="is feather, not parquet"
    ),
    "NUL bytes": text(csv(rows()) + b"\0" * 512, refusal="NUL"),
    # 13. UTF-16.
    **{
        f"UTF-16 as {form}": text(GOOD.encode(form), refusal="is UTF-16; save it as UTF-8")
        for form in ("utf-16", "utf-16-le", "utf-16-be")
    },
    "UTF-16 with the other mark": text(
        b"\xfe\xff" + GOOD.encode("utf-16-be"), refusal="is UTF-16; save it as UTF-8"
    ),
    # 14. Archives.
    "a checksum and hidden files in an archive": one(
        "BTCUSDT-5m.zip",
        zipped(
            **{
                "BTCUSDT-5m.csv": csv(rows(), None, more=DUMP),
                "BTCUSDT-5m.csv.CHECKSUM": b"x",
                ".DS_Store": b"x",
                "a/.b": b"x",
                "__MACOSX/._BTCUSDT-5m.csv": b"x",
            }
        ),
    ),
    # 16. Ends of lines.
    "line breaks of other kinds are text": text(noted("a\u2028b", "a\x1cb", "a\x0cb")),
    "lines of old Macs": text(GOOD.replace("\n", "\r").encode()),
    # 17. The same row in other digits.
    "a row twice with float noise": text(
        csv([*SOME, (START_MS, 10.5, 12.500000000001, *SOME[0][3:])]), candles=SOME
    ),
    "a row twice with more than noise": text(
        csv([*SOME, (START_MS, 10.5, 12.5000001, *SOME[0][3:])]),
        refusal="row 1 and .*row 4 are both 2024-01-31T12:00:00Z, with different values",
    ),
}
