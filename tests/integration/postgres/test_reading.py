"""The same tests as of a file, in a schema of PostgreSQL."""

from tests.unit.bot_runtime.test_reading import *  # noqa: F403 - by this folder's places for journals
