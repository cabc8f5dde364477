"""A training's own candles: which ones every step of it sees, and proof that they did not change.

`dataset.json` is written last, so where it is the snapshot is whole.
"""

from datetime import UTC, datetime

from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.contract.explanations import explain
from bot_runtime.contract.intervals import Timeframe, seconds_of
from bot_runtime.contract.signal import CONTRACT_VERSION
from bot_runtime.market.candle_files import load_candles, save_candles
from bot_runtime.market.candle_folder import CandleFolder
from bot_runtime.market.candles import Candles, missing_count, rows_digest
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, save_json, sha256_of
from bot_runtime.store.layout import Store


class SymbolSnapshot(Model):
    """One symbol's file."""

    symbol: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    candles: int = Field(ge=1, description="Rows in the file.")
    missing: int = Field(ge=0, description="Candles that the exchange never delivered.")
    first_open_ms: int
    last_close_ms: int
    rows_sha256: str = Field(default="", description="Of the rows, whatever file they stand in.")
    own_file: str | None = Field(
        default=None, description="User's file that its candles were taken from first."
    )
    own_candles: int | None = Field(default=None, description="Rows that are from that file.")
    own_sha256: str | None = Field(
        default=None, description="Of all the user's files of this symbol, names and bytes."
    )
    fetched_at: str = Field(default="", description="When the newest row was asked for, in UTC.")


def describe_sources(part: SymbolSnapshot, exchange: str) -> str:
    """Return whose candles these are: `BTC/USDT: 1,140 from BTC-USDT-5m.csv, 300 from binance`."""
    own = part.own_candles or 0
    of_file = f"{own:,} from {part.own_file}, " if part.own_file else ""
    return f"{part.symbol}: {of_file}{part.candles - own:,} from {exchange}"


class Dataset(Model):
    """What `dataset.json` holds."""

    contract_version: int = CONTRACT_VERSION
    training: str
    exchange: str
    endpoint: str | None = Field(default=None, description="Its base address, where not its own.")
    timeframe: Timeframe
    lookback: str
    symbols: tuple[SymbolSnapshot, ...]

    @property
    def interval_ms(self) -> int:
        """Length of a candle in milliseconds."""
        return seconds_of(self.timeframe) * 1000


def load_dataset(store: Store, training: str) -> Dataset:
    """Return what a training's snapshot consists of; raises ArtifactInvalidError."""
    path = store.dataset(training)
    try:
        return Dataset.model_validate(load_json(path))
    except ValidationError as e:
        raise ArtifactInvalidError(f"{path.name}: {explain(e)}; run the data step again") from e


def knows_files(dataset: Dataset, folder: CandleFolder) -> bool:
    """Tell whether the user's own files are those that the snapshot was made of."""
    return all(
        part.own_sha256 == folder.digests.get(part.symbol)
        or (part.own_file is not None and part.own_sha256 is None)  # of a release before digests
        for part in dataset.symbols
    )


def load_snapshot(store: Store, dataset: Dataset) -> dict[str, Candles]:
    """Return the candles of every symbol, each file checked against its sha256.

    Raises ArtifactInvalidError where a file is missing or is not the one that was fetched.
    """
    return {part.symbol: load_symbol(store, dataset, part) for part in dataset.symbols}


def load_symbol(store: Store, dataset: Dataset, part: SymbolSnapshot) -> Candles:
    """Return one symbol's candles, checked against the sha256; raises ArtifactInvalidError."""
    path = store.candles(dataset.training, part.symbol)
    found = sha256_of(path)
    if found != part.sha256:
        raise ArtifactInvalidError(
            f"{path.name}: sha256 is {found[:12]}…, dataset.json says {part.sha256[:12]}…; "
            "delete the training's directory and run it again"
        )
    return load_candles(path, dataset.interval_ms)


def save_snapshot(store: Store, dataset: Dataset) -> None:
    """Write `dataset.json`, atomically; the files it names are there already."""
    save_json(store.dataset(dataset.training), dataset.to_json())


def save_symbol(store: Store, training: str, symbol: str, candles: Candles) -> SymbolSnapshot:
    """Write one symbol's candles and return what `dataset.json` says of them."""
    path = store.candles(training, symbol)
    save_candles(path, candles)
    return SymbolSnapshot(
        symbol=symbol,
        sha256=sha256_of(path),
        candles=len(candles),
        missing=missing_count(candles),
        first_open_ms=int(candles.open_time_ms[0]),
        last_close_ms=int(candles.close_time_ms[-1]),
        rows_sha256=rows_digest(candles),
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )
