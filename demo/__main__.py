"""The demo: `python -m demo` on a cluster, `python -m demo local` as plain processes."""

import signal
import sys


def main() -> int:
    """Run the demo; Ctrl-C ends it without a word while it is still importing."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from demo import command_line

    return command_line.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
