"""Serving reports nothing to anybody: onnxruntime's own builds would."""

import os
import subprocess
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

LOAD = """
import sys
from bot_runtime.serving import version
version.ort.InferenceSession(sys.argv[1])
"""


def test_a_loaded_model_leaves_no_telemetry_behind(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(tmp_path / "model.onnx"))
    home = tmp_path / "home"
    home.mkdir()
    variables = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "model.onnx")],
        env={**variables, "HOME": str(home), "XDG_CACHE_HOME": ""},
        check=True,
    )
    assert not list(home.rglob("*onnxruntime*"))
