"""Whole bundles against the plainest model there is: lists of what was done to each twin."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, set_, update
from tests.unit.proofs.world import World
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.proofs.bundle import encode_claim
from twinledger.proofs.claims import Claim
from twinledger.proofs.history_builder import history_claim
from twinledger.proofs.light import claimed, follow
from twinledger.proofs.read_builder import (
    block_claim,
    block_transactions_claim,
    parts_claim,
    state_claim,
    updates_claim,
)
from twinledger.proofs.verify import verify

TWINS = [TwinId(f"twin-{number}") for number in range(4)]
KEYS = [b"reported/value", b"desired/value", b"relationship/is/there"]

Step = tuple[TwinId, int] | None
"""A twin and the value it gets, in a block of its own; None for an empty block."""
steps = st.lists(st.none() | st.tuples(st.sampled_from(TWINS[:3]), st.integers(0, 9)), max_size=12)


@dataclass
class Model:
    """Height and value of every update of every twin; nothing is hashed."""

    updates: dict[TwinId, list[tuple[int, int]]] = field(default_factory=dict)

    def upto(self, twin: TwinId, height: int) -> list[tuple[int, int]]:
        return [each for each in self.updates.get(twin, []) if each[0] <= height]

    def every(self) -> list[tuple[int, int]]:
        return [each for done in self.updates.values() for each in done]


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


def proven(world: World, claim: Claim) -> dict[str, Any]:
    """What a claim tells in a bundle, which must be what it tells under a head that is known."""
    builder, chain_id = world.builder(), world.genesis.chain_id
    told = verify(builder.bundle(claim), chain_id).told
    known = follow(builder.bundle(builder.head_claim()), chain_id, None)
    assert claimed(encode_claim(claim), known) == (claim, told)
    return told.facts


@settings(max_examples=30, deadline=None)
@given(steps, st.data())
def test_what_a_client_reads_is_what_was_done(script: list[Step], data: st.DataObject) -> None:
    world, model = played(script)
    builder, height = world.builder(), data.draw(st.integers(0, world.size - 1))
    asked = data.draw(st.sets(st.sampled_from(TWINS)))
    shown = proven(world, parts_claim(builder, dict.fromkeys(asked, KEYS), height))["twins"]
    there = {twin: done for twin in sorted(asked) if (done := model.upto(twin, height))}
    assert [(each["id"], each["version"]) for each in shown] == [
        (twin, len(done)) for twin, done in there.items()
    ]
    assert [[leaf["value"] for leaf in each["properties"]] for each in shown] == [
        [float(done[-1][1])] for done in there.values()
    ]
    keys = [f"twin/{twin}".encode() for twin in TWINS]
    values = proven(world, state_claim(builder, keys, height))["values"]
    assert {key for key, value in values.items() if value is not None} == {
        f"'twin/{twin}'" for twin in TWINS if model.upto(twin, height)
    }
    block = proven(world, block_claim(builder, height))["transactions"]
    done_here = [twin for twin in TWINS if height in [h for h, _ in model.updates.get(twin, [])]]
    assert [each["outcome"] for each in block] == ["COMMITTED"] * len(done_here)


@settings(max_examples=30, deadline=None)
@given(steps, st.data())
def test_updates_are_those_that_were_done_and_may_be_shown(
    script: list[Step], data: st.DataObject
) -> None:
    world, model = played(script)
    twin, builder = data.draw(st.sampled_from(TWINS)), world.builder()
    hidden = data.draw(st.sets(st.integers(0, world.size - 1)))
    after, limit = data.draw(st.integers(0, 6)), data.draw(st.integers(1, 6))

    def readable(height: int, _index: int) -> bool:
        return height not in hidden

    heights = [height for height, _ in model.updates.get(twin, [])][after : after + limit]
    claim = updates_claim(builder, twin, after, limit, readable)
    told = proven(world, claim)["transactions"]
    assert [each["height"] for each in told] == [h for h in heights if h not in hidden]
    assert len(claim.blocks) == max(1, len(heights))
    at, every = data.draw(st.integers(0, world.size - 1)), {h for h, _ in model.every()}
    told = proven(world, block_transactions_claim(builder, at, [0, 1, 2], readable))
    assert [each["height"] for each in told["transactions"]] == [at] * (at in every - hidden)
