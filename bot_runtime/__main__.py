"""The command `bot-runtime`, also `python -m bot_runtime`."""

import signal
import sys


def main() -> int:
    """Run the command; Ctrl-C ends it without a word while it is still importing."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bot_runtime import command_line

    return command_line.main()


if __name__ == "__main__":
    sys.exit(main())
