"""The command `bot-exchange`, also `python -m bot_exchange`."""

import signal


def main() -> None:
    """Run the command; Ctrl-C ends it without a word while it is still importing."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bot_exchange.command import cli

    cli.main()


if __name__ == "__main__":
    main()
