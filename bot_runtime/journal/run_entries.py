"""Whose journal it is, and the runs that write it, as the rest of the runtime speaks of them."""

from typing import NamedTuple


class Owner(NamedTuple):
    """Whose journal it is, and what its money is counted in."""

    namespace: str
    bot: str
    exchange: str
    mode: str
    quote: str


class Identity(NamedTuple):
    """A journal among others: `sequence` is its newest run, 0 before the first."""

    journal_id: str
    sequence: int
    schema: str
    owner: Owner
    created_ms: int


class RunStart(NamedTuple):
    """A run as it begins.

    Attributes:
        pod_uid: a UUID.
        configuration: the run configuration as JSON; kept once for each `run_digest`.
    """

    purpose: str
    pod_uid: str
    run_digest: str
    configuration: str
    model_version: str | None
    git_commit: str
    started_ms: int


class RunEnd(NamedTuple):
    """How a run ended; `reason` says why where the verdict does not."""

    ended_ms: int
    verdict: str
    reason: str | None = None


class RunRow(NamedTuple):
    """A run; one that was killed has no end."""

    run_id: int
    purpose: str
    pod_uid: str
    run_digest: str
    model_version: str | None
    git_commit: str
    started_ms: int
    ended_after_ms: int | None
    ended_verdict: str | None
    ended_reason: str | None
