"""Fault tests: the operator behind a proxy that a test tells what to spoil."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.proxy import Proxy, proxied
from tests.integration.stage import Stage


@pytest.fixture
def proxy(stage: Stage, tmp_path: Path) -> Iterator[Proxy]:
    """Return the proxy that the stage's operator talks to; it spoils nothing yet."""
    with proxied(stage.operator.kubeconfig, tmp_path) as serving:
        stage.operator.kubeconfig = serving.kubeconfig
        yield serving
