"""Errors as Binance answers them: an HTTP status and {"code": -1121, "msg": "..."}."""


class ApiError(Exception):
    """A request that is answered with an error body; the server goes on."""

    def __init__(self, code: int, message: str, status: int = 400, retry_after: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after


def missing(name: str) -> ApiError:
    """Return the error for a mandatory parameter that is absent or empty."""
    return ApiError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def malformed(name: str) -> ApiError:
    """Return the error for a parameter with characters that it cannot have."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'.")


def unacceptable(name: str) -> ApiError:
    """Return the error for a parameter whose value is out of range."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def not_served(method: str, path: str) -> ApiError:
    """Return the error for a path that this exchange does not have."""
    return ApiError(
        -1020,
        f"This operation is not supported: {method} {path} is not served by this test exchange.",
        status=404,
    )


def orders_not_served(method: str, path: str) -> ApiError:
    """Return the error for the trading half of the API."""
    return ApiError(
        -1020,
        f"This operation is not supported: {method} {path}; this test exchange serves market data "
        "and the account, and takes no orders.",
    )


INVALID_SYMBOL = (-1121, "Invalid symbol.")
INVALID_INTERVAL = (-1120, "Invalid interval.")
