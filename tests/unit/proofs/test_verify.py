"""Every kind of bundle proves what the ledger holds, from genesis and from a trusted head."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import MemoryHistory
from tests.unit.ledger.wire import create, set_, update
from tests.unit.proofs.cases import PUMP, Case, cases, transaction_id, world
from tests.unit.proofs.world import World, witness_key
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_proof import encode_way
from twinledger.ledger.history_tree import inclusion_proof
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.names import TwinId
from twinledger.proofs.bundle import Bundle, GenesisAnchor, ShownChange
from twinledger.proofs.history_builder import history_claim, transaction_claim
from twinledger.proofs.sides import check_leaf, sides_of
from twinledger.proofs.verify import trusted_head, verify


@contextmanager
def refused_as(codes: set[Code]) -> Iterator[None]:
    with pytest.raises(LedgerError) as caught:
        yield
    assert caught.value.code in codes


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_valid_bundle_is_proven_and_has_one_encoding(case: Case):
    proven = verify(case.raw, case.chain_id, case.trusted)
    assert proven.kind in case.name or "property" in proven.kind
    assert proven.sentences
    assert proven.not_proven
    assert json.dumps(proven.as_json())
    assert Bundle.decode(case.raw).encode() == case.raw
    assert len(proven.signers) == 4


CHAIN_ID = world().genesis.chain_id


def test_three_of_four_signatures_are_enough_and_two_are_not():
    builder = world().builder(without=["maker"])
    proven = verify(builder.bundle(builder.head_claim()), CHAIN_ID)
    assert [name for name, _ in proven.signers] == [
        "plant/plant-2",
        "regulator/regulator-2",
        "utility/utility-1",
    ]
    assert (proven.witnesses, proven.quorum) == (4, 3)
    with refused(Code.QUORUM_MISSING):
        world().builder(without=["maker", "plant"])


def without_change(number: int) -> bytes:
    bundle = Bundle.decode(world().builder().bundle(world().builder().head_claim()))
    changes = tuple(each for place, each in enumerate(bundle.changes) if place != number)
    return replace(bundle, changes=changes).encode()


@pytest.mark.parametrize("number", range(4))
def test_a_change_of_the_witnesses_cannot_be_left_out(number: int):
    with refused_as({Code.CERTIFICATE_INVALID, Code.PROOF_MEMBERS, Code.PROOF_CONSISTENCY}):
        verify(without_change(number), CHAIN_ID)


def test_the_head_that_ends_at_a_change_is_certified_by_the_set_before():
    found = World()
    found.append()
    found.replace_voter("maker", "maker-2")
    builder = found.builder()
    raw = builder.bundle(builder.head_claim())
    proven = verify(raw, found.genesis.chain_id)
    assert "maker/maker-1" in [name for name, _ in proven.signers]
    trusted = proven.trusted
    assert trusted is not None
    # While nothing comes after it, it is still the newest, and trusted as it stands.
    again = found.builder()
    verify(again.bundle(again.head_claim(), found.size), trusted=trusted)
    found.append()
    later = found.builder()
    proven = verify(later.bundle(later.head_claim(), trusted.size), trusted=trusted)
    assert "maker/maker-2" in [name for name, _ in proven.signers]


def test_a_head_at_the_last_change_itself_is_not_shown_as_one_after_it():
    found = World()
    found.append()
    found.replace_voter("maker", "maker-2")
    builder = found.builder()
    bundle = Bundle.decode(builder.bundle(builder.head_claim()))
    size = found.size
    change = ShownChange(
        found.header_bytes(size - 1),
        encode_way(found.inclusion(size - 1, size)),
        found.consortium.encode(),
        found.certificate(size),
        b"",
    )
    forged = replace(bundle, changes=(change,)).encode()
    with refused_as({Code.PROOF_MEMBERS, Code.CERTIFICATE_INVALID}):
        verify(forged, found.genesis.chain_id)


def test_a_disqualified_key_may_sign_the_change_that_removes_it_and_nothing_later():
    found = World()
    found.append()
    found.disqualify("plant", "plant-1")
    change = found.builder()
    proven = verify(change.bundle(change.head_claim()), found.genesis.chain_id)
    assert "plant/plant-1" in [name for name, _ in proven.signers]
    found.append()
    later = found.builder()
    raw = later.bundle(later.head_claim())
    proven = verify(raw, found.genesis.chain_id)
    assert [name for name, _ in proven.signers] == [
        "maker/maker-1",
        "regulator/regulator-1",
        "utility/utility-1",
    ]
    assert (proven.quorum, proven.witnesses) == (3, 3)
    bundle = Bundle.decode(raw)
    by_all = replace(bundle.head, certificate=certified_by_all(found))
    with refused(Code.CERTIFICATE_INVALID, "plant/plant-1 is no witness"):
        verify(replace(bundle, head=by_all).encode(), found.genesis.chain_id)


def certified_by_all(found: World) -> bytes:
    """The newest head, cosigned by everybody who was a witness at genesis."""
    founders = witness_set(found.genesis.consortium)
    head = Checkpoint(origin_of(found.genesis.chain_id), found.size, found.history_root(found.size))
    keys = {each.name: witness_key(each.name.partition("/")[2]) for each in founders.witnesses}
    made = [cosign(key, name, head, 1) for name, key in keys.items()]
    return certify(founders, head, made).encode()


def test_a_bundle_of_another_claim_is_no_trusted_head():
    claim = world().builder().twin_claim(PUMP)
    with refused(Code.PROOF_NOT_ANCHORED, "proves no head"):
        trusted_head(world().builder().bundle(claim))


@pytest.mark.parametrize("surplus", [b"\n", b"\nutility c2ln\n"], ids=["a line", "a signature"])
def test_what_is_added_to_the_genesis_body_makes_another_chain(surplus: bytes) -> None:
    """A signed file's chain is told by its body; a bundle shows that body and nothing more."""
    case = next(case for case in cases() if case.name == "twin from genesis")
    bundle = Bundle.decode(case.raw)
    assert isinstance(bundle.anchor, GenesisAnchor)
    longer = replace(bundle, anchor=GenesisAnchor(bundle.anchor.genesis + surplus)).encode()
    with refused(Code.PROOF_WRONG_CHAIN):
        verify(longer, world().genesis.chain_id)
    with pytest.raises(LedgerError) as raised:
        verify(longer)
    assert raised.value.code in (Code.PROOF_MEMBERS, Code.CERTIFICATE_INVALID)


def test_pruned_bodies_leave_count_and_order_provable():
    found = World()
    found.append(found.sign(create("pump-7", set_("flow", 1.0))))
    found.append(found.sign(update("pump-7", set_("flow", 2.0))))
    found.append(found.sign(update("pump-7", set_("flow", 3.0))))
    found.pruned_below = 3
    builder = found.builder()
    proven = verify(builder.bundle(history_claim(builder, PUMP)), found.genesis.chain_id)
    assert [each["pruned"] for each in proven.told.facts["updates"]] == [True, True, False]
    assert "The content of 2 updates is PRUNED." in proven.sentences
    with refused(Code.PRUNED, "3"):
        transaction_claim(builder, transaction_id(found, 1))


def test_silence_is_refused_for_a_twin_that_was_updated():
    builder = world().builder()
    with refused(Code.PROOF_SILENCE, "updated in between"):
        builder.silence_claim(PUMP, 3, 9)
    claim = builder.silence_claim(PUMP, 5, 9)
    earlier = builder.twin_claim(PUMP, 3).twin
    with refused(Code.PROOF_SILENCE, "moved on"):
        verify(builder.bundle(replace(claim, first=earlier)), CHAIN_ID)
    with refused(Code.PROOF_SILENCE, "before the last"):
        verify(builder.bundle(replace(claim, first=claim.last)), CHAIN_ID)


def test_what_is_not_so_is_not_proven_in_the_first_place():
    builder = world().builder()
    with refused(Code.TWIN_EXISTS):
        builder.absent_claim(PUMP)
    with refused(Code.TWIN_NOT_FOUND):
        builder.twin_claim(TwinId("pump-9"))
    with refused(Code.TWIN_NOT_FOUND):
        builder.silence_claim(TwinId("pump-9"), 1, 2)
    with refused(Code.BAD_REQUEST):
        builder.silence_claim(PUMP, 2, 2)
    with refused(Code.HEIGHT_NOT_REACHED):
        builder.twin_claim(PUMP, 99)
    with refused(Code.HEIGHT_NOT_REACHED):
        builder.bundle(builder.head_claim(), 99)
    with refused(Code.TRANSACTION_NOT_FOUND):
        transaction_claim(builder, bytes(32))


def test_one_property_is_disclosed_and_the_others_stay_hidden():
    case = next(case for case in cases() if case.name == "property from genesis")
    assert b"reported/flow" in case.raw
    assert b"motor" not in case.raw
    proven = verify(case.raw, CHAIN_ID)
    assert proven.told.facts["leaf"]["value"] == 13.0


def test_a_name_with_control_characters_reaches_no_terminal():
    builder = world().builder()
    claim = builder.property_claim(PUMP, b"reported/\x1b[2J")
    assert "\x1b" not in "".join(verify(builder.bundle(claim), CHAIN_ID).sentences)


@given(st.integers(1, 300), st.data())
def test_sides_lead_where_the_path_of_rfc_9162_leads(count: int, data: st.DataObject):
    index = data.draw(st.integers(0, count - 1))
    leaves = [b"leaf %d" % n for n in range(count)]
    way = inclusion_proof(MemoryHistory.of(leaves), index, count)
    sides = sides_of(index, count)
    check_leaf(tree_hash(leaves), leaves[index], way, sides)
    for wrong in {0, sides ^ 1, sides | 1 << len(way), -1} - {sides}:
        with refused(Code.PROOF_INVALID):
            check_leaf(tree_hash(leaves), leaves[index], way, wrong)


def test_the_number_of_the_witness_set_goes_up_by_one_at_a_time():
    found = World()
    found.append()
    found.write_consortium(replace(found.consortium, set_number=2))
    found._changes.append((found.size, found.certificate(found.size)))
    found._members.append((found.size - 1, found.consortium.encode()))
    found.append()
    builder = found.builder()
    with refused(Code.PROOF_MEMBERS, "missing"):
        verify(builder.bundle(builder.absent_claim(PUMP)), found.genesis.chain_id)
