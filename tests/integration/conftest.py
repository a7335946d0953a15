"""Tests with real nodes run two at a time: each worker takes its ports from a range of its own."""

import os
from collections.abc import Iterator

import pytest

from twinledger.devnet.creation import PORTS_VARIABLE

PORTS = range(10_000, 32_000)


@pytest.fixture(scope="session", autouse=True)
def own_ports() -> Iterator[None]:
    """For the devnets of this process and of every command that it starts."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = len(PORTS) // count
    first = PORTS.start + number * share
    with pytest.MonkeyPatch.context() as patch:
        if count > 1:
            patch.setenv(PORTS_VARIABLE, f"{first}-{first + share - 1}")
        yield
