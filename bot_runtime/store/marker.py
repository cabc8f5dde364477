"""The marker of an inference run: the last file that it writes, when every signal is whole.

    signals/marker.json

The container beside it trades by these signals once the marker names its own pod and settings.
"""

from pydantic import ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store


class Marker(Model):
    """One run of inference.

    Attributes:
        pod_uid: of the pod that decided, or what else its parent calls the run.
        candle_ms: newest close of a candle of any symbol; None where the run has seen none.
    """

    pod_uid: str
    run_digest: str
    candle_ms: int | None = None


def save_marker(store: Store, marker: Marker) -> None:
    """Write the marker, atomically; raises StoreUnavailableError."""
    save_json(store.marker, marker.to_json())


def load_marker(store: Store, pod_uid: str, run_digest: str) -> Marker | None:
    """Return the marker of this pod's own run; None where there is none, or another's.

    Raises StoreUnavailableError where the volume cannot be read.
    """
    try:
        marker = Marker.model_validate(load_json(store.marker))
    except (ArtifactInvalidError, ValidationError):
        return None
    is_own = (marker.pod_uid, marker.run_digest) == (pod_uid, run_digest)
    return marker if is_own else None
