"""The count: one hidden, doubled or diverging transaction is enough to spoil it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.demos.water.tally import BlockContents, NodeChain, count_blocks, tally

IDS = [bytes([number]) * 32 for number in range(1, 7)]
NODES = ["utility-1", "maintenance-1", "sensors-1", "regulator-1"]


def blocks(*contents: list[bytes], fork: bytes = b"") -> list[BlockContents]:
    return [
        BlockContents(height, b"hash %d" % height + fork, tuple(ids), updates=len(ids))
        for height, ids in enumerate(contents)
    ]


def chains(**other: list[BlockContents]) -> dict[str, NodeChain]:
    """Four equal chains, but for those that are named (with _ for -)."""
    same = {node: blocks([], IDS[:3], IDS[3:]) for node in NODES}
    changed = {name.replace("_", "-"): chain for name, chain in other.items()}
    return {node: count_blocks(chain) for node, chain in (same | changed).items()}


def test_a_clean_run_is_clean() -> None:
    result = tally(IDS, chains())
    assert result.clean
    assert (result.acknowledged, result.found, result.updates) == (6, 6, 6)
    assert not result.lost
    assert not result.duplicated


@given(st.sampled_from(IDS), st.sampled_from(NODES))
def test_one_transaction_hidden_on_one_node_is_lost(hidden: bytes, node: str) -> None:
    kept = [[], *([id_ for id_ in half if id_ != hidden] for half in (IDS[:3], IDS[3:]))]
    result = tally(IDS, chains(**{node: blocks(*kept)}))
    assert result.lost == {hidden}
    assert result.found == 5
    assert not result.clean


@given(st.sampled_from(IDS), st.sampled_from(NODES))
def test_one_transaction_with_two_effects_on_one_node_is_duplicated(
    doubled: bytes, node: str
) -> None:
    result = tally(IDS, chains(**{node: blocks([], IDS[:3], [*IDS[3:], doubled])}))
    assert result.duplicated == {doubled}
    assert not result.lost
    assert not result.clean


def test_a_transaction_nobody_acknowledged_may_be_found_but_not_twice() -> None:
    assert tally(IDS[:5], chains()).clean
    twice = {node: blocks([], IDS[:3], [*IDS[3:], IDS[5]]) for node in NODES}
    spoilt = {node: count_blocks(chain) for node, chain in twice.items()}
    assert tally(IDS[:5], spoilt).duplicated == {IDS[5]}


def test_nodes_with_different_heads_are_not_clean() -> None:
    result = tally(IDS, chains(sensors_1=blocks([], IDS[:3], IDS[3:], fork=b"!")))
    assert not result.heads_equal
    assert not result.clean


def test_nodes_at_different_heights_are_not_clean() -> None:
    assert not tally(IDS, chains(sensors_1=blocks([], IDS[:3], IDS[3:], []))).clean


def test_a_missing_block_is_refused() -> None:
    whole = blocks([], IDS[:3], IDS[3:])
    with pytest.raises(ValueError, match="block 1 is missing"):
        count_blocks([whole[0], whole[2]])
    with pytest.raises(ValueError, match="block 0 is missing"):
        count_blocks(whole[1:])
    with pytest.raises(ValueError, match="not even genesis"):
        count_blocks([])
