"""A node judges configurations by its own ledger, exactly after the height that warrants them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.benchmark.chain import NODE, Chain
from twinledger.consensus import Configuration, Index, NodeId, Verdict
from twinledger.node.governor import Judge

STRANGER = NodeId("stranger")
NOW = Configuration((NODE,))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    made = Chain.create(tmp_path / "data")
    made.grow(3)
    yield made
    made.close()


def test_a_node_nobody_agreed_on_is_refused(chain: Chain) -> None:
    judge = Judge(chain.stores.chain, b"")
    for target in (
        Configuration((NODE,), learners=(STRANGER,)),
        Configuration((NODE, STRANGER)),
        Configuration((STRANGER,), removed=(NODE,)),
    ):
        assert judge(NOW, target) is Verdict.REFUSE


def test_what_the_ledger_calls_for_is_accepted(chain: Chain) -> None:
    judge = Judge(chain.stores.chain, b"")
    left = Configuration((NODE,), removed=(STRANGER,))
    assert judge(Configuration((NODE, STRANGER)), left) is Verdict.ACCEPT


def test_a_warrant_that_is_not_executed_here_yet_waits(chain: Chain) -> None:
    judge = Judge(chain.stores.chain, b"")
    target = Configuration((NODE,), warrant=Index(chain.height + 1))
    assert judge(NOW, target) is Verdict.WAIT


def test_the_height_of_the_last_change_is_known(chain: Chain) -> None:
    assert chain.stores.chain.consortium_changed_at == 0
