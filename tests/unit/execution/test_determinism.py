"""Every node must come to the same bytes, whatever its memory looks like."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.execution.chain import MAKER, UTILITY, Chain, MemoryState
from tests.unit.ledger.wire import (
    create,
    delete,
    increment,
    relate,
    retire,
    set_,
    unrelate,
    update,
)
from tests.unit.twins.naive import naive_whole_root
from twinledger.v1.operation_pb2 import Operation

ROOT = Path(__file__).resolve().parents[3]

twin_ids = st.sampled_from(["a", "b", "c"])
paths = st.sampled_from(["x", "x/y", "x/y/z", "w"])
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
set_values = numbers | st.none() | st.dictionaries(st.sampled_from("pqr"), numbers, max_size=3)
changes = (
    st.builds(set_, paths, set_values)
    | st.builds(delete, paths)
    | st.builds(increment, paths, numbers)
)
operations = (
    st.builds(create, twin_ids)
    | st.builds(update, twin_ids, changes, changes)
    | st.builds(relate, twin_ids, st.just("feeds"), twin_ids)
    | st.builds(unrelate, twin_ids, st.just("feeds"), twin_ids)
    | st.builds(retire, twin_ids)
)
transactions = st.lists(operations, min_size=1, max_size=4)
blocks = st.lists(st.lists(transactions, max_size=4), min_size=1, max_size=3)


class ShuffledState(MemoryState):
    """The same state in a store whose memory is in another order."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        items = list(self.leaves.items())
        random.Random(len(items)).shuffle(items)
        self.leaves = dict(items)
        return super().scan(prefix)


def run(history: list[list[list[Operation]]], state: MemoryState | None = None) -> Chain:
    chain = Chain()
    if state is not None:
        state.leaves = dict(reversed(chain.state.leaves.items()))
        state.pages = chain.state.pages
        chain.state = state
    for block in history:
        authors = [UTILITY, MAKER]
        chain.append(*[chain.sign(*ops, by=[authors[len(ops) % 2]]) for ops in block])
    return chain


@given(blocks)
@settings(max_examples=settings().max_examples // 3)
def test_the_same_blocks_have_the_same_headers_in_any_memory(history: list[list[list[Operation]]]):
    one, other = run(history), run(history, ShuffledState())
    assert one.newest == other.newest
    assert list(one.newest.writes) == list(other.newest.writes)
    assert one.state.leaves == other.state.leaves
    assert one.newest.header.state_root == naive_whole_root(one.state.leaves)


@given(transactions, transactions)
@settings(max_examples=settings().max_examples // 4)
def test_a_rejected_transaction_leaves_no_trace_in_the_state(
    good: list[Operation], bad: list[Operation]
):
    failing = [*bad, update("nobody", set_("x", 1))]
    with_it, without_it = run([[good], [failing]]), run([[good], []])
    assert with_it.state.leaves == without_it.state.leaves
    assert with_it.newest.header.state_root == without_it.newest.header.state_root


SCRIPT = """
from tests.unit.execution.chain import Chain
from tests.unit.ledger.wire import create, increment, relate, set_, update
chain = Chain()
many = [create("a", *[set_(f"p{n}", {"k": n, "j": [n]}) for n in range(9)]), create("b")]
chain.append(chain.sign(*many))
chain.append(chain.sign(relate("a", "feeds", "b"), update("a", increment("n", 1))))
print(chain.newest.header_hash.hex())
"""


def header_hash_with_hash_seed(seed: str) -> str:
    path = os.pathsep.join(str(ROOT / part) for part in ("node", "consensus", "proto", "."))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_hash_seed_of_the_interpreter_does_not_matter():
    found = {header_hash_with_hash_seed(seed) for seed in ("0", "4711")}
    assert len(found) == 1
    assert len(found.pop()) == 64
