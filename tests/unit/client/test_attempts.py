"""What is said of a request that no node could serve, without a node or a wait."""

import pytest

from tests.unit.client import clock
from tests.unit.client.looped import looped
from twinledger.client import Code, LedgerError, attempts
from twinledger.client.attempts import Attempts, Deadline
from twinledger.client.nodes import Endpoint, Node, Nodes
from twinledger.client.read_tokens import ReadTokens

TIMEOUT_S = 30.0
BEYOND_US = 3_600_000_000


def refusing(*retry_after_us: int) -> list[LedgerError]:
    return [LedgerError(Code.NO_LEADER, f"try {n}", us) for n, us in enumerate(retry_after_us, 1)]


async def outcome(tries: Attempts, failures: list[LedgerError]) -> LedgerError:
    async def attempt(node: Node, seconds: float) -> None:
        raise failures.pop(0)

    with pytest.raises(LedgerError) as raised:
        await tries.run(attempt)
    return raised.value


def tries() -> Attempts:
    nodes = Nodes([Endpoint("127.0.0.1:1")], ReadTokens(None))
    return Attempts(nodes, Deadline(TIMEOUT_S))


@looped
async def test_a_node_that_says_to_come_after_the_deadline_is_not_asked_again() -> None:
    failures = refusing(1, BEYOND_US, 1)
    assert (await outcome(tries(), failures)).detail == "try 2"
    assert len(failures) == 1


@looped
async def test_a_try_that_the_deadline_cut_off_leaves_the_last_answer_standing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = clock.put_into(attempts, monkeypatch)
    made = tries()
    answers = refusing(1)

    async def attempt(node: Node, seconds: float) -> None:
        if answers:
            raise answers.pop()
        now.put_forward(TIMEOUT_S)
        raise LedgerError(Code.CONNECTION_LOST, "Deadline Exceeded")

    with pytest.raises(LedgerError) as raised:
        await made.run(attempt)
    assert raised.value.detail == "try 1"
    assert made.uncertain  # the one that was cut off may have arrived


@looped
async def test_a_first_try_that_the_deadline_cut_off_is_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = clock.put_into(attempts, monkeypatch)
    made = tries()

    async def attempt(node: Node, seconds: float) -> None:
        now.put_forward(TIMEOUT_S)
        raise LedgerError(Code.CONNECTION_LOST, "Deadline Exceeded")

    with pytest.raises(LedgerError) as raised:
        await made.run(attempt)
    assert raised.value.code is Code.CONNECTION_LOST
