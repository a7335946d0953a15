"""The overlay against the plainest model there is: a dict."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.execution.chain import MemoryState
from twinledger.execution.overlay import Overlay

keys = st.binary(max_size=3).map(lambda raw: bytes(byte % 3 for byte in raw))
values = st.binary(max_size=2)
leaves = st.dictionaries(keys, values, max_size=12)


class OverlayModel(RuleBasedStateMachine):
    """Two overlays, one on the other, beside two dicts that are simply copied."""

    @initialize(base=leaves)
    def begin(self, base: dict[bytes, bytes]) -> None:
        self.base = dict(base)
        self.block = Overlay(MemoryState(base))
        self.after_block = dict(base)
        self.start_transaction()

    def start_transaction(self) -> None:
        self.transaction = Overlay(self.block)
        self.after_transaction = dict(self.after_block)

    @rule(key=keys, value=values)
    def put(self, key: bytes, value: bytes) -> None:
        self.transaction.put(key, value)
        self.after_transaction[key] = value

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        self.transaction.delete(key)
        self.after_transaction.pop(key, None)

    @rule()
    def commit(self) -> None:
        self.block.take(self.transaction)
        self.after_block = self.after_transaction
        self.start_transaction()

    @rule()
    def drop(self) -> None:
        self.start_transaction()

    @rule(key=keys)
    def get(self, key: bytes) -> None:
        assert self.transaction.get(key) == self.after_transaction.get(key)
        assert self.block.get(key) == self.after_block.get(key)

    @rule(prefix=keys)
    def scan(self, prefix: bytes) -> None:
        assert list(self.transaction.scan(prefix)) == found(self.after_transaction, prefix)
        assert list(self.block.scan(prefix)) == found(self.after_block, prefix)

    @rule(prefix=keys)
    def scan_only_the_first(self, prefix: bytes) -> None:
        first = next(self.transaction.scan(prefix), None)
        assert first == next(iter(found(self.after_transaction, prefix)), None)

    @invariant()
    def the_changes_lead_from_the_base_to_the_state(self) -> None:
        state = dict(self.base)
        for key, value in self.block.changes.items():
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
        assert state == self.after_block


def found(state: dict[bytes, bytes], prefix: bytes) -> list[tuple[bytes, bytes]]:
    return sorted(item for item in state.items() if item[0].startswith(prefix))


TestOverlayAgainstADict = OverlayModel.TestCase
TestOverlayAgainstADict.settings = settings(
    max_examples=settings().max_examples // 4, stateful_step_count=30
)


@given(leaves, leaves, st.sets(keys), keys)
def test_a_scan_merges_the_changes_with_the_base(
    base: dict[bytes, bytes], changed: dict[bytes, bytes], deleted: set[bytes], prefix: bytes
):
    overlay = Overlay(MemoryState(base))
    for key, value in changed.items():
        overlay.put(key, value)
    for key in deleted:
        overlay.delete(key)
    state = {k: v for k, v in (base | changed).items() if k not in deleted}
    assert list(overlay.scan(prefix)) == found(state, prefix)


def test_an_overlay_leaves_its_base_alone():
    base = MemoryState({b"a": b"1"})
    overlay = Overlay(base)
    overlay.delete(b"a")
    overlay.put(b"b", b"2")
    assert base.leaves == {b"a": b"1"}
    assert overlay.get(b"a") is None
