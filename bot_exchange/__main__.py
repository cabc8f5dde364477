"""The command `bot-exchange`, also `python -m bot_exchange`."""

from bot_exchange.command.cli import main

if __name__ == "__main__":
    main()
