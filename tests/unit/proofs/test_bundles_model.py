"""Whole bundles against the plainest model there is: lists of what was done to each twin."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, set_, update
from tests.unit.proofs.world import World
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.proofs.history_builder import history_claim
from twinledger.proofs.verify import verify

TWINS = [TwinId(f"twin-{number}") for number in range(4)]

Step = tuple[TwinId, int] | None
"""A twin and the value it gets, in a block of its own; None for an empty block."""
steps = st.lists(st.none() | st.tuples(st.sampled_from(TWINS[:3]), st.integers(0, 9)), max_size=12)


@dataclass
class Model:
    """Height and value of every update of every twin; nothing is hashed."""

    updates: dict[TwinId, list[tuple[int, int]]] = field(default_factory=dict)

    def upto(self, twin: TwinId, height: int) -> list[tuple[int, int]]:
        return [each for each in self.updates.get(twin, []) if each[0] <= height]


def played(script: list[Step]) -> tuple[World, Model]:
    world, model = World(), Model()
    for step in script:
        if step is None:
            world.append()
            continue
        twin, value = step
        done = update if twin in model.updates else create
        world.append(world.sign(done(twin, set_("value", float(value)))))
        model.updates.setdefault(twin, []).append((world.size - 1, value))
    return world, model


@settings(max_examples=60, deadline=None)
@given(steps, st.data())
def test_what_verifies_is_what_was_done(script: list[Step], data: st.DataObject) -> None:
    world, model = played(script)
    twin, height = data.draw(st.sampled_from(TWINS)), data.draw(st.integers(0, world.size - 1))
    builder, chain_id = world.builder(), world.genesis.chain_id
    done = model.upto(twin, height)
    if not done:
        verify(builder.bundle(builder.absent_claim(twin, height)), chain_id)
        with refused(Code.TWIN_NOT_FOUND):
            builder.twin_claim(twin, height)
        return
    with refused(Code.TWIN_EXISTS):
        builder.absent_claim(twin, height)
    whole = verify(builder.bundle(builder.twin_claim(twin, height)), chain_id).told.facts["twin"]
    assert whole["version"] == len(done)
    assert [leaf["value"] for leaf in whole["properties"]] == [float(done[-1][1])]
    passport = verify(builder.bundle(history_claim(builder, twin, height)), chain_id)
    assert [each["height"] for each in passport.told.facts["updates"]] == [h for h, _ in done]
    first = data.draw(st.integers(done[0][0], height))
    if first < height and model.upto(twin, first) == done:
        verify(builder.bundle(builder.silence_claim(twin, first, height)), chain_id)
    elif first < height:
        with refused(Code.PROOF_SILENCE):
            builder.silence_claim(twin, first, height)
