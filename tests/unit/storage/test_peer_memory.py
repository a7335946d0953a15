"""What a node has shown it must always show; losing the memory makes nothing unsafe."""

import pytest

from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import PeerMemory, Shown

PEER = NodeId("other-1")


@pytest.fixture
def memory(tmp_path):
    return PeerMemory.open(tmp_path / "peers.json")


def refused(memory: PeerMemory, shown: Shown) -> bool:
    try:
        memory.check(PEER, shown)
    except LedgerError as error:
        return error.code is Code.PEER_REGRESSED
    return False


def test_a_node_never_seen_is_welcome(memory):
    assert not refused(memory, Shown(1, 0))


def test_the_same_start_may_greet_again_and_a_later_one_too(memory):
    memory.check(PEER, Shown(3, 10))
    assert not refused(memory, Shown(3, 10))
    assert not refused(memory, Shown(4, 10))


def test_an_earlier_start_is_refused_after_a_restart_of_ours_too(memory, tmp_path):
    memory.check(PEER, Shown(3, 10))
    assert refused(PeerMemory.open(tmp_path / "peers.json"), Shown(2, 10))


def test_a_log_shorter_than_what_was_acknowledged_is_refused(memory, tmp_path):
    memory.check(PEER, Shown(1, 0))
    memory.acknowledged(PEER, 50)
    assert refused(memory, Shown(2, 49))
    memory.save()
    assert refused(PeerMemory.open(tmp_path / "peers.json"), Shown(2, 49))
    assert not refused(PeerMemory.open(tmp_path / "peers.json"), Shown(2, 50))


def test_a_log_that_was_truncated_above_what_is_committed_is_welcome(memory):
    memory.check(PEER, Shown(1, 80))
    memory.acknowledged(PEER, 50)
    assert not refused(memory, Shown(2, 60))


def test_a_refused_greeting_teaches_nothing(memory):
    memory.check(PEER, Shown(3, 10))
    memory.acknowledged(PEER, 10)
    assert refused(memory, Shown(9, 0))
    assert not refused(memory, Shown(4, 10))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 9}', b'{"format": 1}'])
def test_a_memory_that_does_not_read_is_an_empty_one(tmp_path, content):
    path = tmp_path / "peers.json"
    path.write_bytes(content)
    assert not refused(PeerMemory.open(path), Shown(1, 0))


def signed(size: int | None, root: str = "aa", boot: int = 1) -> Shown:
    return Shown(boot, 0, size, root)


@pytest.mark.parametrize(("later", "refusal"), [(6, True), (7, False), (8, False), (None, False)])
def test_a_node_that_forgot_what_it_signed_is_refused(
    memory, tmp_path, later: int | None, refusal: bool
) -> None:
    memory.check(PEER, signed(7))
    memory.save()
    assert refused(PeerMemory.open(tmp_path / "peers.json"), signed(later)) == refusal
    assert refused(memory, signed(later)) == refusal


def test_a_node_that_shows_another_head_of_the_size_it_signed_is_refused(
    memory: PeerMemory,
) -> None:
    memory.check(PEER, signed(7, "aa"))
    assert refused(memory, signed(7, "bb"))


def test_a_node_that_may_not_sign_for_a_while_forgets_nothing(memory: PeerMemory) -> None:
    memory.check(PEER, signed(7))
    memory.check(PEER, signed(None, "", boot=2))
    assert refused(memory, signed(6, boot=3))
