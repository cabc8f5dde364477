"""Children that the API server does not take, so that their owner can say so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot_operator.api.errors import ApiError
from bot_operator.api.resources import CLAIMS, Ref, Resource
from bot_operator.children.storage import ClaimSeen, ClaimVerdict
from bot_runtime.contract.conditions import Reason

_QUOTA_USED = re.compile(r", used: .*?(?=, limited: )")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One child that was refused: by its schema, a policy, a quota, a Role, or its holder."""

    ref: Ref
    words: str
    """The API server's, without what differs from one try to the next."""

    @classmethod
    def of(cls, ref: Ref, error: ApiError) -> "Refusal":
        """Return what `error` says of the child."""
        return cls(ref, _QUOTA_USED.sub("", error.message))


class Refused(ApiError):
    """Children were refused: the owner's status tells it, and the key is tried again."""

    def __init__(self, refusals: Iterable[Refusal], cause: ApiError) -> None:
        super().__init__(cause.status, cause.reason, cause.message, cause.retry_after)
        self.refusals = tuple(refusals)


def describe(refusals: Iterable[Refusal]) -> str:
    """Return in words which children are refused and why."""
    return "; ".join(
        f"the API server refuses {r.ref.resource.kind} {r.ref.name}: {r.words}" for r in refusals
    )


def refusals_of(refusals: Iterable[Refusal], *resources: Resource) -> tuple[Refusal, ...]:
    """Return the refusals of children of these kinds."""
    return tuple(r for r in refusals if r.ref.resource in resources)


def refuse_claim(
    verdict: ClaimVerdict, seen: ClaimSeen, refused: Iterable[Refusal]
) -> ClaimVerdict:
    """Return what is to be said of a claim that is missing because the API server refuses it."""
    found = refusals_of(refused, CLAIMS)
    if seen.claim is not None or not found:
        return verdict
    text = describe(found)
    return replace(verdict, status="False", reason=Reason.CHILD_REFUSED, message=text, usable=False)
