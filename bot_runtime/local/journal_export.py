"""`journal export`: every table of a bot's journal as a file, for a spreadsheet or a notebook."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.showing import Shown, show
from bot_runtime.local.journal_place import JournalAsked, journal_of
from bot_runtime.process.errors import StepError
from bot_runtime.process.output import write_out
from bot_runtime.store.files import new_file


@dataclass(frozen=True, slots=True)
class ExportAsked:
    """What the command line asks for."""

    journal: JournalAsked
    format: str
    to: Path


def export_journal(asked: ExportAsked) -> int:
    """Write a file for each table, say how many rows each has, and return the exit code.

    All files show the journal at one moment, also while the bot runs.
    """
    try:
        with read_journal(journal_of(asked.journal)) as reader:
            for shown in show(reader):
                write_out(sys.stdout, _written(shown, asked))
    except StepError as e:
        print(f"bot-runtime: {e}", file=sys.stderr)
        return int(e.exit_code)
    return 0


def _written(shown: Shown, asked: ExportAsked) -> str:
    """Write a table's file, whole or not at all, and return a line about it."""
    rows = _Counted(shown.rows)
    counted = shown._replace(rows=iter(rows))
    path = asked.to / f"{shown.name}.{asked.format}"
    with new_file(path) as temporary:
        if asked.format == "csv":
            _write_csv(counted, temporary)
        else:
            from bot_runtime.local.journal_parquet import write_parquet

            write_parquet(counted, temporary)
    return f"{shown.name:13} {rows.count:9,} rows  {path}\n"


class _Counted:
    """Rows that are counted as they go by."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self.count += 1
            yield row


def _write_csv(shown: Shown, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(shown.columns)
        writer.writerows(map(_plain, row) for row in shown.rows)


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value
