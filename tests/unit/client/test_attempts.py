"""What is said of a request that no node could serve, without a node or a wait."""

import pytest

from tests.unit.client.clock import Clock, put_into
from tests.unit.client.looped import looped
from twinledger.client import Code, LedgerError, attempts
from twinledger.client.attempts import Attempts, Deadline
from twinledger.client.nodes import Endpoint, Node, Nodes
from twinledger.client.read_tokens import ReadTokens

TIMEOUT_S = 30.0
BEYOND_US = 3_600_000_000


def refusing(*retry_after_us: int) -> list[LedgerError]:
    return [LedgerError(Code.NO_LEADER, f"try {n}", us) for n, us in enumerate(retry_after_us, 1)]


def tries() -> Attempts:
    nodes = Nodes([Endpoint("127.0.0.1:1")], ReadTokens(None))
    return Attempts(nodes, Deadline(TIMEOUT_S))


async def outcome(made: Attempts, failures: list[LedgerError], now: Clock | None) -> LedgerError:
    """What the caller is told when nodes answer so; the deadline cuts off the try after these."""

    async def attempt(node: Node, seconds: float) -> None:
        if failures:
            raise failures.pop(0)
        assert now is not None, "it was tried once more"
        now.put_forward(TIMEOUT_S)
        raise LedgerError(Code.CONNECTION_LOST, "Deadline Exceeded")

    with pytest.raises(LedgerError) as raised:
        await made.run(attempt)
    return raised.value


@looped
async def test_a_node_that_says_to_come_after_the_deadline_is_not_asked_again() -> None:
    failures = refusing(1, BEYOND_US)
    assert (await outcome(tries(), failures, None)).detail == "try 2"


@pytest.mark.parametrize(
    ("answers", "told"),
    [(refusing(1), "try 1"), ([], "Deadline Exceeded")],
    ids=["second", "first"],
)
@looped
async def test_a_try_that_the_deadline_cut_off_leaves_the_last_answer_standing(
    answers: list[LedgerError], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, made = put_into(attempts, monkeypatch), tries()
    assert (await outcome(made, list(answers), now)).detail == told
    assert made.uncertain  # the one that was cut off may have arrived
