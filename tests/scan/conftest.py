"""The scan's control plane and operator are those of the integration tests."""

from tests.integration.conftest import (  # noqa: F401 - fixtures, found by their names
    cluster_name,
    control_plane,
    namespace,
    stage,
)
