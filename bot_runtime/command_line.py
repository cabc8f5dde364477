"""The runtime's command line: flags, threads, signals, exit code.

Every step ends with a termination message and an exit code (contract/exitcodes.py); all of them run
on a laptop with the same configuration file as in a pod.

    python -m bot_runtime fetch | train --objective Trend | evaluate | infer | trade | preflight
    python -m bot_runtime run mybot.yaml [--watch]
    python -m bot_runtime candles BTC-USDT-5m.csv
    python -m bot_runtime backtest mybot.yaml
    python -m bot_runtime study mybot.yaml
    python -m bot_runtime journal export | verify | why BTC/USDT 2026-01-31T12:00:00Z
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from bot_runtime.contract.steps import AT_ONCE, COMMANDS
from bot_runtime.process.errors import OutputUnavailableError
from bot_runtime.process.output import drop_output
from bot_runtime.process.threads import limit_threads
from bot_runtime.steps.step import run_step
from bot_runtime.store.layout import Store

_HELP = {
    COMMANDS["Preflight"][0]: "check the exchange, the symbols and the key",
    COMMANDS["Data"][0]: "fetch the training's candles into the store",
    COMMANDS["Trend"][0]: "train, export and publish one objective",
    COMMANDS["Evaluation"][0]: "assemble the version and judge it",
    COMMANDS["Inference"][0]: "decide on the newest closed candles",
    COMMANDS["Trade"][0]: "settle what was ordered on paper, and order what the signals ask for",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    limit_threads()  # nothing above imports numpy; what the steps import reads it once
    command = _command(_parser().parse_args(arguments))
    with _listening_to_signals():
        try:
            return command()
        except OutputUnavailableError as e:
            drop_output()
            with suppress(OSError):  # standard error may be the same file
                print(f"bot-runtime: {e}", file=sys.stderr)
            return int(e.exit_code)
        except KeyboardInterrupt:
            return 128 + signal.SIGINT


def _command(parsed: argparse.Namespace) -> Callable[[], int]:
    """Return what is to be run, imported: an interrupt raised amid imports may get lost."""
    if parsed.command == "run":
        from bot_runtime.local.run import LocalRun, run

        asked = LocalRun(
            parsed.file,
            parsed.store,
            parsed.endpoint,
            parsed.credentials,
            watch=parsed.watch,
            hint=parsed.hint,
        )
        return partial(run, asked)
    if parsed.command == "candles":
        from bot_runtime.local.candle_report import report_candles

        return partial(report_candles, parsed.file)
    if parsed.command == "backtest":
        from bot_runtime.local.backtest_command import BacktestAsked, backtest

        span = parsed.begin, parsed.end
        of_bot = parsed.file, parsed.store, parsed.endpoint
        test = BacktestAsked(*of_bot, *span, parsed.version, offline=parsed.offline)
        return partial(backtest, test)
    if parsed.command == "study":
        from bot_runtime.local.study_command import StudyCommand, study

        wanted = StudyCommand(parsed.file, parsed.store, parsed.endpoint, parsed.budget)
        return partial(study, wanted)
    if parsed.command == "journal":
        return _journal_command(parsed)
    return partial(run_step, parsed.step, Store.from_environment(), at_once=parsed.at_once)


def _journal_command(parsed: argparse.Namespace) -> Callable[[], int]:
    from bot_runtime.local.journal_place import JournalAsked

    journal = JournalAsked(parsed.store, parsed.postgres_url_file, parsed.bot)
    if parsed.what == "export":
        from bot_runtime.local.journal_export import ExportAsked, export_journal

        return partial(export_journal, ExportAsked(journal, parsed.format, parsed.to))
    if parsed.what == "verify":
        from bot_runtime.local.journal_verify import VerifyAsked, verify_journal

        return partial(verify_journal, VerifyAsked(journal, ask=parsed.ask))
    from bot_runtime.local.journal_why import WhyAsked, explain_decision

    return partial(explain_decision, WhyAsked(journal, parsed.symbol, parsed.time))


@contextmanager
def _listening_to_signals() -> Iterator[None]:
    """End with exit code 143 on SIGTERM and 130 on Ctrl-C, from wherever the step is.

    SIGTERM left alone, a container's first process ignores it, and lightning ends a fit with exit
    code 0.
    """
    handlers = {
        signal.SIGTERM: lambda *_: sys.exit(128 + signal.SIGTERM),
        signal.SIGINT: signal.default_int_handler,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bot-runtime", description="Run one step of a bot.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for word, text in _HELP.items():
        _add_options(commands.add_parser(word, help=text), word)
    run = commands.add_parser("run", help="take a TradingBot's YAML through all steps, here")
    run.add_argument("file", type=Path, help="YAML of one TradingBot")
    run.add_argument("--store", type=Path, help="directory of data and models")
    run.add_argument("--endpoint", help="address of a server that speaks the exchange's API")
    run.add_argument("--credentials", type=Path, help="directory with files apiKey and apiSecret")
    text = "decide and trade at every close of a candle, until Ctrl-C"
    run.add_argument("--watch", action="store_true", help=text)
    run.add_argument("--no-hint", dest="hint", action="store_false", help="do not say how to go on")
    _add_backtest(commands.add_parser("backtest", help="say what past decisions would have earned"))
    _add_study(commands.add_parser("study", help="say which settings are worth setting"))
    _add_journal(commands.add_parser("journal", help="read what a bot has seen, decided and done"))
    candles = commands.add_parser("candles", help="say what a file of your own candles holds")
    candles.add_argument("file", type=Path, help="file, or folder of files that follow each other")
    return parser


def _add_bot(parser: argparse.ArgumentParser) -> None:
    """Add what names a bot that was run here: its file, its store, its exchange."""
    parser.add_argument("file", type=Path, help="YAML file with one TradingBot")
    parser.add_argument("--store", type=Path, help="folder of its store")
    parser.add_argument("--endpoint", help="address of the exchange's API that it was run with")


def _add_backtest(parser: argparse.ArgumentParser) -> None:
    _add_bot(parser)
    span = "close of the {} candle, as 2026-01-31 or 2026-01-31T12:00:00Z, in UTC"
    parser.add_argument("--from", dest="begin", metavar="TIME", help=span.format("first"))
    parser.add_argument("--to", dest="end", metavar="TIME", help=span.format("last"))
    parser.add_argument(
        "--offline", action="store_true", help="ask no exchange for candles since the last training"
    )
    parser.add_argument(
        "--version", help="let this version decide on all candles that it has not learned from"
    )


def _add_study(parser: argparse.ArgumentParser) -> None:
    _add_bot(parser)
    text = "minutes that it may take (default: 60); what is finished is kept for the next time"
    parser.add_argument("--budget", metavar="MINUTES", default="60", help=text)


def _add_journal(parser: argparse.ArgumentParser) -> None:
    questions = parser.add_subparsers(dest="what", required=True, metavar="QUESTION")
    export = questions.add_parser("export", help="write every table to a file")
    export.add_argument("--format", choices=("csv", "parquet"), default="csv")
    export.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the files")
    why = questions.add_parser("why", help="say why a decision was taken")
    why.add_argument("symbol", metavar="SYMBOL", help="as in the bot's spec: BTC/USDT")
    text = "close of a candle, or any time within it, as 2026-01-31T12:00:00Z"
    why.add_argument("time", metavar="TIME", help=text)
    verify = questions.add_parser("verify", help="say whether it is what its candles make of it")
    text = "ask the exchange for older candles, so that the first predictions can be checked too"
    verify.add_argument("--ask", action="store_true", help=text)
    for question in (export, why, verify):
        question.add_argument("--store", type=Path, metavar="DIR", help="folder of the bot's store")
        text = "file with the url of the PostgreSQL that has the journal"
        question.add_argument("--postgres-url-file", type=Path, metavar="FILE", help=text)
        text = "whose journal of that PostgreSQL"
        question.add_argument("--bot", metavar="NAMESPACE/NAME", help=text)


def _add_options(parser: argparse.ArgumentParser, word: str) -> None:
    """Add the options of the command `word`; what it parses has `step` and `at_once`."""
    steps = [step for step, command in COMMANDS.items() if command[0] == word]
    parser.set_defaults(step=steps[0], at_once=False)
    if len(steps) > 1:
        parser.add_argument(COMMANDS[steps[0]][1], dest="step", required=True, choices=steps)
    if "Inference" in steps:
        text = "ask the exchange at once"
        parser.add_argument(AT_ONCE, dest="at_once", action="store_true", help=text)
