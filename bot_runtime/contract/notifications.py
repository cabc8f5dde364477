"""Whom a bot tells what it does, beside the cluster."""

from pydantic import Field

from bot_runtime.contract.base import Model, ObjectName


class NotificationsSpec(Model):
    """Whom the bot tells of its trades."""

    secret: ObjectName | None = Field(
        default=None,
        description=(
            "Name of a Secret of type botcripto.io/telegram with the keys token and chatId: the "
            "Telegram bot that sends messages, and the chat that gets them. Unset: none are sent."
        ),
    )
