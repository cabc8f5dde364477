"""The specification of candle files in one table: what both readers give, or refuse, for each.

The runtime reads a user's own candles, the test exchange what it replays. They share no code, so
that each is a check of the other. docs/candles.md says the same in words.
"""

import gzip
import json

import pyarrow as pa

from tests.candle_tables import (
    BOM,
    DAYS,
    DUMP,
    GOOD,
    MOMENTS,
    NAMES,
    START_MS,
    STEP_MS,
    Case,
    arrow,
    broken,
    csv,
    iso,
    one,
    rows,
    text,
    zipped,
)
from tests.doubtful_candle_files import DOUBTFUL

CASES = {
    **DOUBTFUL,
    # Units of time, for each row by itself.
    "milliseconds": text(csv(rows())),
    "seconds": text(csv(rows(), time=lambda ms: ms // 1000)),
    "seconds with a fraction": text(csv(rows(), time=lambda ms: ms / 1000)),
    "microseconds": text(csv(rows(), time=lambda ms: ms * 1000)),
    "nanoseconds": text(csv(rows(), time=lambda ms: ms * 10**6)),
    "milliseconds, then microseconds": text(
        csv(rows(), time=lambda ms: ms if ms == START_MS else ms * 1000)
    ),
    "numbers and dates in one column": text(
        csv(rows(), time=lambda ms: ms if ms == START_MS else iso(ms))
    ),
    "20240131 is no time": text(
        csv(rows(), time=lambda ms: iso(ms, "%Y%m%d")), refusal="row 1: .*20240131.* is no time"
    ),
    "a year that is mistyped": text(
        csv(rows(), time=lambda ms: iso(ms).replace("2024", "2204")), refusal="row 1: .*2204"
    ),
    # Dates.
    "dates": text(csv(rows(), time=iso)),
    "dates without seconds": text(csv(rows(), time=lambda ms: iso(ms, "%Y-%m-%d %H:%M"))),
    "dates with slashes": text(csv(rows(), time=lambda ms: iso(ms, "%Y/%m/%d %H:%M:%S"))),
    "dates with a T and a Z": text(csv(rows(), time=lambda ms: iso(ms, "%Y-%m-%dT%H:%M:%SZ"))),
    "dates with an offset": text(
        csv(rows(), time=lambda ms: iso(ms + 7_200_000, "%Y-%m-%dT%H:%M:%S.000+02:00"))
    ),
    "dates with an offset to the west": text(
        csv(rows(), time=lambda ms: iso(ms - 12_600_000, "%Y-%m-%d %H:%M:%S-0330"))
    ),
    "dates in UTC": text(csv(rows(), time=lambda ms: iso(ms) + " UTC")),
    "the day first": text(csv(rows(), time=lambda ms: iso(ms, "%d/%m/%Y %H:%M"))),
    "the month first, with AM and PM": text(
        csv(rows(), time=lambda ms: iso(ms, "%m/%d/%Y %I:%M %p"))
    ),
    "day or month first": text(
        csv(rows(), time=lambda ms: iso(ms - 29 * 86_400_000, "%d/%m/%Y %H:%M")),
        refusal="row 1: .*02/01/2024 12:00.*day and month cannot be told apart.*year first",
    ),
    "no such day": text(
        broken(str(START_MS), "2024-02-30 12:00:00"), refusal="row 1: .*2024-02-30"
    ),
    "no date": text(broken(str(START_MS), ""), refusal="row 1: .*no (date|time)"),
    "words for a date": text(broken(str(START_MS), "yesterday"), refusal="row 1: .*'yesterday'"),
    "days": one("BTC-USDT-1d.csv", csv(DAYS, time=lambda ms: iso(ms, "%Y-%m-%d")), candles=DAYS),
    # Columns.
    "capitals": text(csv(rows(), [name.title() for name in NAMES])),
    **{
        f"the time is called {name}": text(csv(rows(), [name, *NAMES[1:]]))
        for name in ("Datetime", "timestamp", "time", "open_time", "Open time", "Unix", "")
    },
    "further columns": text(
        csv(rows(), [*NAMES, "close_time", "Trades"], more=("1706702699999", 3))
    ),
    "other order of columns": text(
        csv(
            [(ms, v, o, h, lo, c) for ms, o, h, lo, c, v in rows()], ["date", "volume", *NAMES[1:5]]
        )
    ),
    "quoted cells": text(
        "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.splitlines()
        ).encode()
    ),
    "number and date of the same time": text(
        csv(
            [(ms // 1000, "31.01.24 local time", *v) for ms, *v in rows()],
            ["Unix", "Date", *NAMES[1:]],
        )
    ),
    "two volumes": text(
        csv(
            [(*row, 1000) for row in rows()],
            ["Unix", *NAMES[1:5], "Volume BTC", "Volume USDT"],
        )
    ),
    "two volumes of a market that is not known": text(
        csv([(*row, 9) for row in rows()], ["Unix", *NAMES[1:5], "Volume BTC", "Volume USDT"]),
        refusal="no column volume; found Unix, .*Volume BTC",
        symbol=None,
    ),
    "no volume": text(
        csv([row[:5] for row in rows()], NAMES[:5]), refusal="no column volume; found date, open"
    ),
    "two closes": text(
        csv([(*row, 9) for row in rows()], [*NAMES, "Close"]), refusal="close.*Close.* both close"
    ),
    "close times alone": text(
        csv(rows(), ["close_time", *NAMES[1:]]), refusal="no column (time|date); found close_time"
    ),
    "an index of pandas": text(csv(rows(), ["", *NAMES[1:]], time=iso)),
    # Text.
    "no header": text(csv(rows(), None)),
    "a dump of Binance": text(csv(rows(), None, more=DUMP)),
    "a dump in microseconds": text(csv(rows(), None, time=lambda ms: ms * 1000, more=DUMP)),
    "dates without a header": text(csv(rows(), None, time=iso)),
    "an address first": text(csv(rows(), before="https://www.example.com/candles\n")),
    "a remark first": text(csv(rows(), before="# from somewhere\n\n")),
    "a byte order mark": text(csv(rows(), before=BOM)),
    "lines of Windows": text(GOOD.replace("\n", "\r\n").encode()),
    "semicolons": text(csv(rows(), delimiter=";")),
    "tabs": text(csv(rows(), delimiter="\t")),
    "semicolons and decimal commas": text(csv(rows(), delimiter=";").replace(b".", b",")),
    "UTF-16": text(GOOD.encode("utf-16"), refusal="UTF-"),
    "an empty file": text(b"", refusal="no (rows|candles)"),
    "a header alone": text(csv([]), refusal="no (rows|candles)"),
    "a row that is cut": text(GOOD[:-10].encode(), refusal="row 3: .*4 fields"),
    # Order.
    "newest first": text(csv(rows()[::-1])),
    "not sorted": text(csv([rows()[i] for i in (1, 2, 0)])),
    "a row twice": text(csv([*rows(), rows()[1]])),
    "a time twice with other values": text(
        csv([*rows(), (START_MS, 1, 2, 1, 2, 3)]),
        refusal="row 1 and .*row 4 are both 2024-01-31T12:00:00Z, with different values",
    ),
    "a hole of a day": text(csv([*rows(), *rows(first=290)]), candles=[*rows(), *rows(first=290)]),
    "a hole of a month": text(
        csv([*rows(), *rows(first=9000)]), refusal="hole of 31.2 days|a hole .*7 at most"
    ),
    # Values.
    "empty rows": text(
        csv([*rows(2), (START_MS + 2 * STEP_MS, "", "", "", "", "")]), candles=rows(2)
    ),
    "no close": text(broken(",10.5,0.0", ",,0.0"), refusal="2\\)?:? .*price"),
    "words for a price": text(broken("12.25", "high"), refusal="row 1: .*found 'high'"),
    "a price of zero": text(broken("9.5", "0"), refusal="1\\)?:? .*price"),
    "high below close": text(broken("13.0", "12.0"), refusal="3\\)?:? .*high"),
    "low above open": text(broken(",9.5", ",10.75"), refusal="1\\)?:? .*low"),
    "a negative volume": text(broken("5.0\n", "-5.0\n"), refusal="1\\)?:? .*volume"),
    "an endless volume": text(broken("5.0\n", "inf\n"), refusal="1\\)?:? .*volume"),
    # Formats.
    "csv.gz": one("BTC-USDT-5m.csv.gz", gzip.compress(csv(rows()))),
    "zip": one("BTCUSDT-5m.zip", zipped(BTCUSDT__csv=csv(rows(), None, more=DUMP))),
    "zip of two": one(
        "BTCUSDT-5m.zip", zipped(a__csv=csv(rows()), b__csv=csv(rows())), refusal="found 2 files"
    ),
    "parquet": one("BTC-USDT-5m.parquet", arrow(MOMENTS.cast(pa.timestamp("ns", "UTC")))),
    "parquet in another zone": one(
        "BTC-USDT-5m.parquet", arrow(MOMENTS.cast(pa.timestamp("us", "Europe/Paris")))
    ),
    "parquet with text dates": one(
        "BTC-USDT-5m.parquet", arrow(pa.array([iso(ms) for ms, *_ in rows()]))
    ),
    "parquet with seconds": one(
        "BTC-USDT-5m.parquet", arrow(pa.array([m // 1000 for m, *_ in rows()]))
    ),
    "parquet with an index of pandas": one(
        "BTC-USDT-5m.parquet", arrow(MOMENTS, name="__index_level_0__")
    ),
    "parquet with date32": one(
        "BTC-USDT-1d.parquet",
        arrow(pa.array([ms // 86_400_000 for ms, *_ in DAYS], pa.int32()).cast(pa.date32())),
        candles=DAYS,
    ),
    "feather": one(
        "BTC_USDT-5m.feather", arrow(MOMENTS.cast(pa.timestamp("ms", "UTC")), kind="feather")
    ),
    "json of lists": one("BTC_USDT-5m.json", json.dumps(rows()).encode()),
    "json of lists of text": one(
        "BTCUSDT-5m.json", json.dumps([[ms, *map(str, v), *DUMP] for ms, *v in rows()]).encode()
    ),
    "json of objects": one(
        "BTC-USDT-5m.json",
        json.dumps([dict(zip(NAMES, row, strict=True)) for row in rows()]).encode(),
    ),
    "json.gz": one("BTC_USDT-5m.json.gz", gzip.compress(json.dumps(rows()).encode())),
    "json of something else": one("a.json", b'{"error": "no"}', refusal="list of candles"),
    "json that is cut": one("a.json", b"[[17067024000", refusal="(?i)not JSON|not a json"),
    "no zip": one("BTCUSDT-5m.zip", b"PK", refusal="zip"),
    "no gz": one("BTC-USDT-5m.csv.gz", b"PK", refusal="(?i)gz"),
    "no parquet": one("BTC-USDT-5m.parquet", b"PAR1", refusal="parquet|read"),
    "no candle file": one("BTC-USDT-5m.xlsx", b"", refusal="'.xlsx'; use"),
    # Many files.
    "months": Case(
        {"BTCUSDT-5m-01.csv": csv(rows(2), None), "BTCUSDT-5m-02.csv": csv(rows(1, 2))},
    ),
    "months that overlap": Case({"01.csv": csv(rows(2)), "02.csv": csv(rows(2, 1))}),
    "months that disagree": Case(
        {"01.csv": csv(rows(2)), "02.csv": csv([(rows()[1][0], 1, 2, 1, 2, 3)])},
        refusal="01.csv:? row 2 and 02.csv:? row 1 are both 2024-01-31T12:05:00Z",
    ),
    "formats mixed": Case(
        {"01.json": json.dumps(rows(2)).encode(), "02.csv": csv(rows(1, 2), time=iso)}
    ),
}
