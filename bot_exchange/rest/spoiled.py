"""Answers with status 200 that are none, as the faults order them: rows and whole bodies."""

from typing import Any

from bot_exchange.venue.faults import Faults

_HTML = (
    "<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
)
_ERROR = '{"message":"Service temporarily unavailable"}'


def spoil_rows(rows: list[list[Any]], faults: Faults) -> list[list[Any]]:
    """Return the rows of klines with those broken that the faults name."""
    for kind, start, end in faults.broken:
        for row in rows:
            if start <= row[0] < end:
                _break(row, kind)
    return rows


def _break(row: list[Any], kind: str) -> None:
    if kind == "null_volume":
        row[5] = None
    elif kind == "zero_price":
        row[1:5] = ["0.00000000"] * 4
    elif kind == "high_below_close":
        row[2] = f"{float(row[3]) / 2:.8f}"
    else:
        row[0] += 1000


def garble(text: str, kind: str) -> tuple[str, str]:
    """Return the body that stands in the place of the JSON `text`, and its content type."""
    if kind == "html":
        return _HTML, "text/html"
    bodies = {"cut": text[: len(text) // 2], "empty": "", "error": _ERROR, "null": "null"}
    return bodies[kind], "application/json"
