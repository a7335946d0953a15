"""Fake nodes for the tests of the SDK; every one is stopped when its test ends."""

from collections.abc import Callable, Iterator

import pytest

from tests.unit.client.fake_node import FakeLedger, FakeNode
from twinledger.client import Identity

Nodes = Callable[[int], list[FakeNode]]


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """Makes so many nodes of one consortium."""
    made: list[FakeNode] = []

    def make(count: int) -> list[FakeNode]:
        ledger = FakeLedger()
        made.extend(FakeNode(ledger) for _ in range(count))
        return made

    yield make
    for node in made:
        node.stop()


@pytest.fixture
def node(nodes: Nodes) -> FakeNode:
    return nodes(1)[0]


@pytest.fixture
def identity() -> Identity:
    return Identity.generate("utility/gateway")
