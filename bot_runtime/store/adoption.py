"""Adoption: a store that already holds what is to be trained makes the training needless.

So a bot that was created again beside its volume, by GitOps or from a backup, decides by the
version that it had, and no hour of training is spent on the same model.
"""

import os

from pydantic import ValidationError

from bot_runtime.contract.explanations import explain
from bot_runtime.contract.names import ENV_ADOPT
from bot_runtime.contract.results import EvaluationResult
from bot_runtime.contract.runconfig import RunConfiguration, learned_digest
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.bundle import load_version_manifest
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import EVALUATION_FILE, Store
from bot_runtime.store.promotion import load_promotion


def find_adoptable(
    configuration: RunConfiguration, store: Store, reporter: Reporter
) -> EvaluationResult | None:
    """Return the verdict on the promoted version where it is what this training would learn.

    None where the operator has not asked for it, or the store has no such version, whole.
    """
    if not os.environ.get(ENV_ADOPT):
        return None
    try:
        promotion = load_promotion(store)
        if promotion is None or promotion.training_digest != learned_digest(configuration):
            return None
        folder = store.version(promotion.version)
        load_version_manifest(folder)
        result = EvaluationResult.model_validate(load_json(folder / EVALUATION_FILE).get("result"))
    except (ArtifactInvalidError, ValidationError) as e:
        why = explain(e) if isinstance(e, ValidationError) else str(e)
        reporter.warn(f"the promoted version is not adopted: {why[:120]}")
        return None
    reporter.log("adopted", version=result.version)
    return result
