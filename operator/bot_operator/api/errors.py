"""Exceptions of the operator; each docstring says what the program does next.

OperatorError
├── SettingsError
└── ApiError
    ├── NotFound
    ├── AlreadyExists
    ├── Conflict
    ├── Forbidden
    ├── Invalid
    ├── Refused (refusals.py)
    └── Unavailable
"""


class OperatorError(Exception):
    """Base of everything that the operator raises on purpose."""


class SettingsError(OperatorError):
    """A setting is missing or wrong: the operator does not start and names it."""


class ApiError(OperatorError):
    """The API server refused a call: the key is tried again with backoff."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class NotFound(ApiError):
    """The object is not there (any more): readers return None, writers try again."""


class AlreadyExists(ApiError):
    """The object is there already: somebody created it, most likely an earlier run of ours."""


class Conflict(ApiError):
    """The object has changed, or is another one of the same name: observed again at once."""


class Forbidden(ApiError):
    """The Role does not allow the call, or a policy or quota refuses the object."""


class Invalid(ApiError):
    """The API server rejects the object's content: trying again helps only after a change."""


class Unavailable(ApiError):
    """No answer, 410, 429 or 5xx: tried again, not before `retry_after` seconds."""


def error_of(status: int, reason: str, message: str, retry_after: float = 0.0) -> ApiError:
    """Return the exception for an answer of the API server."""
    kind = _KINDS.get(status, Unavailable if status == 0 or status >= 500 else ApiError)
    if status == 409 and reason == "AlreadyExists":
        kind = AlreadyExists
    if status == 404 and reason != "NotFound":
        kind = ApiError  # a proxy's 404, or a kind that is not served, says nothing of the object
    return kind(status, reason, message, retry_after)


_KINDS: dict[int, type[ApiError]] = {
    400: Invalid,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Unavailable,
    422: Invalid,
    429: Unavailable,
}
