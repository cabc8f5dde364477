"""Load the run configuration: the one file that goes down to every step."""

import os
from pathlib import Path

from pydantic import ValidationError

from bot_runtime.contract.explanations import explain
from bot_runtime.contract.names import CONFIG_DIR, CONFIG_FILE, ENV_CONFIG
from bot_runtime.contract.runconfig import InferenceRun, RunConfiguration, TrainingRun
from bot_runtime.contract.signal import SUPPORTED_CONTRACT_VERSIONS
from bot_runtime.process.errors import ConfigurationError


def configuration_path() -> Path:
    """Return the file that $BOTCRIPTO_CONFIG names, else the mounted one."""
    return Path(os.environ.get(ENV_CONFIG) or Path(CONFIG_DIR) / CONFIG_FILE)


def load_configuration(path: Path) -> RunConfiguration:
    """Return the run configuration in a JSON file; raises ConfigurationError."""
    try:
        text = path.read_bytes()
    except OSError as e:
        raise ConfigurationError(
            f"{path}: cannot be read: {e.strerror}; set {ENV_CONFIG} to a run configuration"
        ) from e
    try:
        configuration = RunConfiguration.model_validate_json(text)
    except ValidationError as e:
        raise ConfigurationError(f"{path.name}: {explain(e)}") from e
    if configuration.contract_version not in SUPPORTED_CONTRACT_VERSIONS:
        supported = ", ".join(map(str, SUPPORTED_CONTRACT_VERSIONS))
        raise ConfigurationError(
            f"contractVersion: found {configuration.contract_version}; this runtime reads "
            f"{supported}; run the image that belongs to the operator's release"
        )
    return configuration


def training_of(configuration: RunConfiguration) -> TrainingRun:
    """Return the part for a training's steps; raises ConfigurationError where it is missing."""
    if configuration.training is None:
        raise ConfigurationError("training: missing; this run configuration is for inference")
    return configuration.training


def inference_of(configuration: RunConfiguration) -> InferenceRun:
    """Return the part for inference; raises ConfigurationError where it is missing."""
    if configuration.inference is None:
        raise ConfigurationError("inference: missing; this run configuration is for a training")
    return configuration.inference
