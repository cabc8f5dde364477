"""What a database refuses comes out of SQLAlchemy as StoreUnavailableError."""

from collections.abc import Callable

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from bot_runtime.process.errors import StoreUnavailableError

Find = Callable[[BaseException | None], StoreUnavailableError | None]
"""Says a driver's failure in words; None where it is a bug."""


def tell_refusals(engine: Engine, find: Find) -> None:
    """Let an engine raise StoreUnavailableError for what `find` finds."""

    @event.listens_for(engine, "handle_error")
    def _(context: ExceptionContext) -> None:
        refusal = find(context.original_exception)
        if refusal is not None:
            raise refusal from context.original_exception
