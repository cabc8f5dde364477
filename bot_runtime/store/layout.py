"""The store: where every file of a bot lies."""

import os
from dataclasses import dataclass
from pathlib import Path

from bot_runtime.contract.names import ENV_STORE, STORE_PATH
from bot_runtime.store.files import reading, writing

EVALUATION_FILE = "evaluation.json"
JUDGED_FOLDER = "judged"

BANDS_FOLDER = "bands"
DRIFT_FOLDER = "drift"
REFERENCES_FOLDER = "references"
SKILL_FOLDER = "skill"
JUDGED_SKILL_FILE = "judged-skill.json"


@dataclass(frozen=True, slots=True)
class Store:
    """Paths under `root`.

    The methods are pure functions of their names, but for those that list what the volume has or
    remove it: these raise StoreUnavailableError.
    """

    root: Path

    @classmethod
    def from_environment(cls) -> "Store":
        """Return the store that $BOTCRIPTO_STORE names, else the mounted volume."""
        return cls(Path(os.environ.get(ENV_STORE) or STORE_PATH))

    def trainings(self) -> list[Path]:
        """Return the directories of all trainings, as the volume has them, by name."""
        return _folders(self._trainings, hidden=False)

    def versions(self) -> list[Path]:
        """Return the directories of all versions, as the volume has them, by name."""
        return _folders(self._versions, hidden=False)

    def unfinished(self) -> list[Path]:
        """Return the directories of trainings and versions that are being written or deleted."""
        return [f for p in (self._versions, self._trainings) for f in _folders(p, hidden=True)]

    @property
    def _trainings(self) -> Path:
        return self.root / "trainings"

    @property
    def _versions(self) -> Path:
        return self.root / "versions"

    def training(self, name: str) -> Path:
        """Return the directory of a training."""
        return self._trainings / name

    def dataset(self, training: str) -> Path:
        """Return the file that fixes which candles a training sees."""
        return self.training(training) / "dataset.json"

    def candles(self, training: str, symbol: str) -> Path:
        """Return the snapshot of a symbol's candles."""
        return self.training(training) / "candles" / f"{file_stem(symbol)}.parquet"

    def filters(self, symbol: str) -> Path:
        """Return what the exchange's market of a symbol takes."""
        return self.root / "markets" / f"{file_stem(symbol)}.json"

    @property
    def own_candles(self) -> Path:
        """Return the folder of candles that the user has put there."""
        return self.root / "candles"

    def objective(self, training: str, objective: str) -> Path:
        """Return the directory that a training step publishes."""
        return self.training(training) / "objectives" / objective

    def checkpoints(self, training: str, objective: str) -> Path:
        """Return the directory of what a training step leaves for its next attempt."""
        return self.training(training) / "checkpoints" / objective

    def judged(self, training: str) -> Path:
        """Return the directory of the version that an evaluation judges, until it has ended."""
        return self.training(training) / JUDGED_FOLDER

    def refit(self, training: str) -> Path:
        """Return the directory of what an evaluation fits again, until it has ended."""
        return self.training(training) / "refit"

    def result(self, training: str, step: str) -> Path:
        """Return the file that keeps a step's result."""
        return self.training(training) / f"result-{step}.json"

    def forget_results(self, training: str) -> None:
        """Remove the results of a training's steps; raises StoreUnavailableError."""
        for path in self.training(training).glob(self.result(training, "*").name):
            with writing(path):
                path.unlink(missing_ok=True)

    def version(self, version: str) -> Path:
        """Return the directory of a version."""
        return self._versions / version

    def band(self, version: str, symbol: str) -> Path:
        """Return the file of a symbol's adaptive band, which changes while the version serves."""
        return self.version(version) / BANDS_FOLDER / f"{file_stem(symbol)}.json"

    def drift(self, version: str, symbol: str) -> Path:
        """Return the file of what inference has seen of a symbol while the version serves."""
        return self.version(version) / DRIFT_FOLDER / f"{file_stem(symbol)}.json"

    def reference(self, version: str, symbol: str) -> Path:
        """Return the file of what a symbol was like on the candles the version was judged on."""
        return self.version(version) / REFERENCES_FOLDER / f"{file_stem(symbol)}.json"

    def skill(self, version: str) -> Path:
        """Return the file of what came of a version's predictions while it serves."""
        return self.version(version) / SKILL_FOLDER / "state.json"

    def judged_skill(self, version: str) -> Path:
        """Return the file of what a version's skill is held against while it serves."""
        return self.version(version) / JUDGED_SKILL_FILE

    def promoted(self) -> Path:
        """Return the pointer to the last version that passed the gate."""
        return self.root / "promoted.json"

    def promotions(self) -> Path:
        """Return the list of all versions that ever passed the gate, oldest first."""
        return self.root / "promotions.json"

    @property
    def study(self) -> Path:
        """Return the folder of what a study has finished; it may be removed at any time."""
        return self.root / "study"

    def trials(self) -> Path:
        """Return the list of all settings that studies have tried on past candles."""
        return self.root / "trials.json"

    @property
    def journal(self) -> Path:
        """Return the file of what the bot has seen, decided and done; its folder is its own."""
        return self.root / "journal" / "journal.db"

    @property
    def signals(self) -> Path:
        """Return the folder of the last signals."""
        return self.root / "signals"

    def signal(self, symbol: str) -> Path:
        """Return the last signal of a symbol."""
        return self.signals / f"{file_stem(symbol)}.json"

    @property
    def marker(self) -> Path:
        """Return the file that says whose signals these are; no symbol has this name."""
        return self.signals / "marker.json"


def _folders(parent: Path, *, hidden: bool) -> list[Path]:
    """Return the directories in `parent`: those whose name begins with a dot, or the others."""
    with reading(parent):
        if not parent.is_dir():
            return []
        found = [f for f in parent.iterdir() if f.name.startswith(".") == hidden and f.is_dir()]
    return sorted(found)


def file_stem(symbol: str) -> str:
    """Return the file name of a symbol without extension: BTC/USDT -> BTC-USDT."""
    return symbol.replace("/", "-")
