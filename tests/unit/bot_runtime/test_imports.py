"""What an inference run imports: nothing that models are trained with, one exchange of ccxt."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]
HEAVY = {
    "torch",
    "lightning",
    "pytorch_forecasting",
    "sklearn",
    "scipy",
    "lightgbm",
    "pandas",
    "pyarrow",
    "onnx",
    "talib",
    "yaml",
}


def told(script: str) -> Any:
    """Return the JSON that a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_inference_imports_no_training_library() -> None:
    script = (
        "import json, sys, bot_runtime.command_line, bot_runtime.steps.infer\n"
        "from bot_runtime.exchange.ccxt_import import exchange_class\n"
        "exchange_class('binance')()\n"
        "print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    )
    modules = set(told(script))
    assert not modules & HEAVY
    assert {"numpy", "onnxruntime", "ccxt"} <= modules


def test_command_line_imports_no_step_before_one_runs() -> None:
    script = "import json, sys, bot_runtime.command_line; print(json.dumps(sorted(sys.modules)))"
    modules = {name for name in told(script) if name.startswith("bot_runtime.")}
    steps = {
        f"bot_runtime.steps.{step}" for step in ("preflight", "fetch", "train", "evaluate", "infer")
    }
    assert not modules & {*steps, "bot_runtime.store.adoption", "bot_runtime.local"}


def test_command_line_imports_no_numpy_before_the_threads_are_set() -> None:
    script = "import json, sys, bot_runtime.command_line; print(json.dumps('numpy' in sys.modules))"
    assert told(script) is False


def test_one_exchange_is_imported_and_others_on_demand() -> None:
    script = (
        "import json, sys\n"
        "from bot_runtime.exchange.ccxt_import import exchange_class\n"
        "own = exchange_class('binance')\n"
        "few = sum(m.startswith('ccxt.') for m in sys.modules)\n"
        "import ccxt\n"
        "unknown = hasattr(ccxt, 'nosuchexchange')\n"
        "ccxt.kraken()\n"
        "print(json.dumps([few, ccxt.kraken().id, ccxt.binance is own, unknown,"
        " issubclass(ccxt.BadSymbol, ccxt.BaseError)]))"
    )
    few, kraken, same, unknown, error = told(script)
    assert few < 20
    assert (kraken, same, unknown, error) == ("kraken", True, False, True)


def test_ccxt_that_is_there_already_is_left_as_it_is() -> None:
    script = (
        "import json, ccxt\n"
        "from bot_runtime.exchange.ccxt_import import exchange_class\n"
        "print(json.dumps(exchange_class('binance') is ccxt.binance and len(ccxt.exchanges) > 50))"
    )
    assert told(script) is True
