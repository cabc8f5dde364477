"""Logs: one JSON object a line, from our code and from the libraries alike, without secrets."""

import logging

import structlog

from bot_runtime.contract.scrub import scrub_fields


def configure_logs(level: int = logging.INFO) -> None:
    """Send every record to standard error as JSON with an ISO time in UTC."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,  # key and reconcile_id, in a reconciliation
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # kopf tells every event of every object.
    logging.getLogger("kopf").setLevel(logging.WARNING)


_to_json = structlog.processors.JSONRenderer()


def _render(
    logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
) -> str:
    """Return the line without secrets: an exception's text may hold what a server has sent."""
    return str(_to_json(logger, method, scrub_fields(event)))
