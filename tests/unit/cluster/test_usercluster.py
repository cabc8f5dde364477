import pytest

from tests.cluster import usercluster
from tests.cluster.errors import ClusterError
from tests.cluster.usercluster import ARCHIVE_LOADERS, LOADERS, UserCluster, loader_of


@pytest.mark.parametrize(
    ("context", "command"),
    [
        ("kind-dev", ["kind", "load", "docker-image", "--name=dev"]),
        ("k3d-dev", ["k3d", "image", "import", "--cluster=dev"]),
        ("minikube", ["minikube", "image", "load", "--profile=minikube"]),
        ("prod.example.com", None),
    ],
)
def test_a_local_cluster_has_its_own_loader(context: str, command: list[str] | None) -> None:
    assert loader_of(context, LOADERS) == command


def test_kind_takes_archives_by_another_command() -> None:
    expected = ["kind", "load", "image-archive", "--name=dev"]
    assert loader_of("kind-dev", ARCHIVE_LOADERS) == expected


@pytest.mark.parametrize(("confirmed", "found"), [("", "not set"), ("staging", "`staging`")])
def test_a_context_that_was_not_confirmed_is_refused(confirmed: str, found: str) -> None:
    with pytest.raises(ClusterError) as caught:
        usercluster.confirm("production", confirmed)
    assert f"CONTEXT is {found}" in str(caught.value)
    assert "CONTEXT=production" in str(caught.value)


def test_a_confirmed_context_is_taken() -> None:
    usercluster.confirm("kind-dev", "kind-dev")


def test_a_cluster_that_images_cannot_be_loaded_into_needs_a_registry() -> None:
    with pytest.raises(ClusterError, match="set IMAGE_REPO"):
        UserCluster("prod.example.com", "kubectl", None).ensure_images(print)
