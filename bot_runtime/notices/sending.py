"""Messages one after the other, within seconds that nothing can stretch.

Timeouts of a request bound its silences, not a name that DNS does not answer nor a body that
trickles. So a thread sends, and whoever waits for it goes on when the time is over.
"""

import time
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from bot_runtime.notices.messages import Message
from bot_runtime.notices.telegram import Answer, Telegram

SECONDS: Final = 3.0
"""Longest time that all messages of a run may take."""


def send(
    telegram: Telegram, messages: Sequence[Message], seconds: float = SECONDS
) -> Iterator[tuple[Message, Answer]]:
    """Yield what came of each message that was tried; those after one that failed are left."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    deadline = time.monotonic() + seconds
    # A daemon, which the end of the process does not wait for.
    Thread(target=_send_all, args=(telegram, messages, deadline, answers), daemon=True).start()
    for message in messages:
        try:
            answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            answer = Answer(False, f"gave no answer within {seconds:g} s")
        yield message, answer
        if not answer.is_sent:
            return


def _send_all(
    telegram: Telegram, messages: Sequence[Message], deadline: float, answers: SimpleQueue[Answer]
) -> None:
    for message in messages:
        answer = _send(telegram, message, deadline)
        if answer is None:
            return
        answers.put(answer)
        if not answer.is_sent:
            return


def _send(telegram: Telegram, message: Message, deadline: float) -> Answer | None:
    """Send one message, again where there is time to wait as asked; None where there is none."""
    while (left := deadline - time.monotonic()) > 0:
        answer = telegram.post(message.text, left)
        if answer.wait_seconds is None or answer.wait_seconds >= deadline - time.monotonic():
            return answer
        time.sleep(answer.wait_seconds)
    return None
