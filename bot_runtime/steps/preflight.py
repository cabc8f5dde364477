"""Preflight: does the exchange answer, has it the markets, does it take the key."""

from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.credentials import Credentials, credentials_directory, load_credentials
from bot_runtime.exchange.retries import PREFLIGHT
from bot_runtime.market.feed_trouble import judge_clock
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.process.reporting import Reporter


def preflight(configuration: RunConfiguration, reporter: Reporter) -> None:
    """Check exchange, symbols, timeframe and, where one is mounted, the key.

    Raises ConfigurationError, CredentialsError or ExchangeUnavailableError. What works but is not
    as it should be is a warning: a key that may withdraw, a clock that is off.
    """
    credentials = _credentials(reporter)
    client = ExchangeClient(
        configuration.exchange, configuration.timeframe, PREFLIGHT, reporter.log, credentials
    )
    client.load_markets(configuration.symbols)
    _, skew_ms = client.server_time_ms()
    trouble = judge_clock(skew_ms, client.interval_ms)
    if trouble is not None:
        reporter.warn(trouble.text)
    if credentials is None:
        reporter.log("no key mounted", checked="exchange, symbols and timeframe")
        return
    account = client.account()
    reporter.log("key accepted")
    if client.may_withdraw(account):
        reporter.warn(
            "the key may withdraw; a bot never does: create a key without that permission"
        )


def _credentials(reporter: Reporter) -> Credentials | None:
    """Return the mounted key, hidden from everything that is reported from now on."""
    directory = credentials_directory()
    if directory is None:
        return None
    if not directory.is_dir():
        raise ConfigurationError(
            f"credentials: {directory} is not a directory; mount one with apiKey and apiSecret"
        )
    credentials = load_credentials(directory)
    reporter.secrets = credentials.values
    return credentials
