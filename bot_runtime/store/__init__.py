"""Every file of a bot: where it lies, and how it is written whole or not at all."""
