"""Which column of a candle file is which, whatever it is called."""

import re

from bot_exchange.market.file_rows import CandleFileError

PRICES = ("open", "high", "low", "close")
COLUMNS = ("date", *PRICES, "volume")
TIMES = (
    *("opentime", "opentimems", "opentimeutc", "klineopentime", "starttime"),
    *("unix", "unixtime", "unixtimestamp", "timestamp", "timestampms", "time", "ts"),
    *("datetime", "datetimeutc", "date", "dateutc"),
    *("index", "indexlevel0", ""),  # as pandas writes an index
)
"""Names of the opening times, letters and digits alone; the first that is there counts."""
_VOLUMES = ("volume", "basevolume", "volumebase", "baseassetvolume", "volumefrom")


def find_columns(names: list[str], symbol: str | None) -> dict[str, str]:
    """Return the name in the file of each of COLUMNS. Raises CandleFileError.

    `symbol` tells which of several volumes is the base currency's.
    """
    bare: dict[str, list[str]] = {}
    for name in names:
        bare.setdefault(re.sub("[^a-z0-9]", "", name.lower()), []).append(name)
    base = symbol.split("/")[0].lower() if symbol else None
    own = (f"volume{base}", f"{base}volume") if base else ()
    wanted = {"date": TIMES, **{name: (name,) for name in PRICES}, "volume": (*_VOLUMES, *own)}
    found = {
        name: next((bare[spelled] for spelled in spellings if spelled in bare), [])
        for name, spellings in wanted.items()
    }
    lacking = [name for name in COLUMNS if not found[name]]
    if lacking:
        raise CandleFileError(f"no column {', '.join(lacking)}; found {', '.join(names) or 'none'}")
    for name, same in found.items():
        if len(same) > 1:
            raise CandleFileError(f"columns {', '.join(same)} are both {name}; leave one")
    return {name: same[0] for name, same in found.items()}
