"""What an exchange answers with status 200 and is no answer: HTML, half a JSON, an error's object.

ccxt takes such a body for one without markets or candles. Here it is ccxt's BadResponse, which
the retrier takes for an outage.
"""

import time
from typing import Any, Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.exchange.ccxt_import import exchange_errors
from bot_runtime.market.candles import utc

_SHOWN: Final = 80
"""Characters of a body that a message has."""


def refuse_what_is_not_json(client: Any) -> None:
    """Let the client of ccxt raise BadResponse for a body that is not JSON as a whole.

    ccxt itself returns such a body as text. It keeps the last JSON from now on, for `read_candles`.
    """
    client.enableLastJsonResponse = True
    fetch = client.fetch

    def fetch_json(*arguments: Any, **options: Any) -> Any:
        answer = fetch(*arguments, **options)
        if isinstance(answer, str):
            found = repr(" ".join(answer.split())[:_SHOWN]) if answer else "nothing"
            raise exchange_errors().BadResponse(f"the answer is not JSON, found {found}")
        return answer

    client.fetch = fetch_json


def load_markets(client: Any, params: dict[str, Any]) -> None:
    """Load the client's markets; raises BadResponse where the answer has none at all."""
    client.load_markets(params=params)
    if not client.markets:
        raise exchange_errors().BadResponse("the answer has no market")


def read_candles(rows: Any, answer: Any) -> Values:
    """Return ccxt's rows as a table (n, 6): open time in ms, open, high, low, close, volume.

    `answer` is the JSON that ccxt has them from. A value that is absent is NaN. Raises BadResponse

    - where the rows are no table of numbers,
    - where there are none, and the answer has no place where they could stand: an error's object,
    - where one opens in the future: times in another unit would look like a feed without candles.
    """
    bad_response = exchange_errors().BadResponse
    if not rows and not _may_have_rows(answer):
        raise bad_response(f"the answer has no candles, found {str(answer)[:_SHOWN]!r}")
    try:
        table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    except (TypeError, ValueError) as e:
        raise bad_response("the answer is not a table of numbers") from e
    newest = table[:, 0].max(initial=0.0)
    if newest > time.time_ns() / 1e6 + 2 * DAY_MS:
        raise bad_response(
            f"a candle opens in the future, at {utc(int(newest))}: found {newest:.0f}, expected "
            "milliseconds since 1970"
        )
    return table


def _may_have_rows(answer: Any) -> bool:
    """Tell whether a JSON has a list, or what some exchanges write in place of an empty one."""
    if isinstance(answer, dict):
        return any(map(_may_have_rows, answer.values()))
    return isinstance(answer, list) or answer in (None, "no_data")
