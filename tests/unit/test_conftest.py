import socket

import pytest


def test_unit_tests_cannot_leave_the_machine() -> None:
    with pytest.raises(RuntimeError, match="asked for the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    with pytest.raises(RuntimeError, match="asked for the network"):
        socket.getaddrinfo("example.invalid", 80)


def test_unit_tests_may_use_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_a_unit_test_has_its_marker(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("unit")
