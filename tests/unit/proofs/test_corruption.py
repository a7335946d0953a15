"""No corrupted bundle verifies, each is refused by name, and the reference verifier agrees."""

import importlib.util
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.proofs.bundles import text
from tests.unit.proofs.cases import Case, cases
from tests.unit.proofs.corruptions import CLASSES
from tests.unit.proofs.world import World
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.names import TwinId
from twinledger.proofs.bundle import Bundle
from twinledger.proofs.claims import (
    AbsentClaim,
    Claim,
    PartsClaim,
    PropertyClaim,
    ShownLeaf,
    ShownOutcomes,
    StateClaim,
    TransactionsClaim,
)
from twinledger.proofs.standing import Standing
from twinledger.proofs.verify import verify
from twinledger.twins.state_keys import twin_key
from twinledger.twins.tree import TwinLeaf

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "verify.py"
NAMES = {
    "PROOF_MALFORMED",
    "PROOF_SURPLUS",
    "PROOF_NOT_ANCHORED",
    "PROOF_WRONG_CHAIN",
    "PROOF_MEMBERS",
    "PROOF_RECOVERY",
    "PROOF_TRUNCATED",
    "PROOF_CONSISTENCY",
    "PROOF_INCLUSION",
    "PROOF_STATE",
    "PROOF_PROPERTY",
    "PROOF_HISTORY",
    "PROOF_SILENCE",
    "PROOF_TRANSACTION",
    "CERTIFICATE_INVALID",
    "QUORUM_MISSING",
}


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_verifier", PAGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = reference()


def verdict(raw: bytes, chain_id: bytes | None, trusted: Standing | None) -> str:
    try:
        verify(raw, chain_id, trusted)
    except LedgerError as error:
        return str(error.code)
    return "PROVEN"


def reference_verdict(raw: bytes, chain_id: bytes | None, head: bytes | None) -> str:
    try:
        trusted = None if head is None else REFERENCE.trusted_head(head)
        REFERENCE.verify(raw, chain_id, trusted)
    except REFERENCE.Refused as refused:
        return str(refused)
    return "PROVEN"


def both(case: Case, raw: bytes) -> tuple[str, str]:
    ours = verdict(raw, case.chain_id, case.trusted)
    return ours, reference_verdict(raw, case.chain_id, case.head)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_reference_verifier_proves_what_ours_proves(case: Case):
    assert both(case, case.raw) == ("PROVEN", "PROVEN")


def test_the_published_bundles_are_up_to_date():
    path = PAGE.with_name("bundles.json")
    assert path.read_text(encoding="ascii") == text(), (
        "write them again: python -m tests.unit.proofs.bundles > docs/formats/bundles.json; but a"
        " bundle that was verified once must be verified for ever"
    )


def is_another_truth(case: Case, raw: bytes) -> bool:
    """Whether only the name of what is absent changed, to something that is absent as well.

    One subtree without leaves shows that many keys have none: such a file is no forgery.
    """
    before, after = Bundle.decode(case.raw), Bundle.decode(raw)
    claim = after.claim
    if isinstance(claim, AbsentClaim) and isinstance(before.claim, AbsentClaim):
        height = BlockHeader.decode(claim.block.header).height
        absent = twin_key(TwinId(claim.id)) not in case.world.states[height]
        return absent and replace(before, claim=replace(before.claim, id=claim.id)) == after
    if isinstance(claim, PropertyClaim) and isinstance(before.claim, PropertyClaim):
        height = BlockHeader.decode(claim.twin.block.header).height
        known = [leaf.key for leaf in case.world.twin(TwinId(claim.id), height).leaves]
        absent = claim.leaf is None and claim.key not in known
        return absent and replace(before, claim=replace(before.claim, key=claim.key)) == after
    if replace(before, claim=claim) != after:
        return False
    return is_true_in_part(claim, case.world)


def is_true_in_part(claim: Claim, found: World) -> bool:
    """Whether a claim of single items says nothing but what is so, though perhaps less or other."""
    match claim:
        case StateClaim():
            state = found.states[BlockHeader.decode(claim.block.header).height]
            return all(state.get(each.key) == each.value for each in claim.values)
        case PartsClaim():
            height = BlockHeader.decode(claim.block.header).height
            wholes = {part.id: found.twin(TwinId(part.id), height) for part in claim.twins}
            return all(
                part.record == wholes[part.id].twin.value
                and {leaf_of(each) for each in part.leaves} <= set(wholes[part.id].leaves)
                for part in claim.twins
            )
        case TransactionsClaim():
            return all(holds(found, each) for each in claim.blocks)
        case _:
            return False


def leaf_of(shown: ShownLeaf) -> TwinLeaf:
    return TwinLeaf(shown.leaf.key, shown.leaf.salt, shown.leaf.record)


def holds(found: World, shown: ShownOutcomes) -> bool:
    block = found.blocks[BlockHeader.decode(shown.block.header).height]
    pairs = list(zip(block.transactions, block.receipts, strict=True))
    return all((each.transaction, each.receipt) in pairs for each in shown.transactions)


def corrupt(way: Callable[[Case, random.Random], bytes | None], count: int) -> Counter[str]:
    chance = random.Random(way.__name__)
    found: Counter[str] = Counter()
    while found.total() < count:
        case = chance.choice(cases())
        raw = way(case, chance)
        if raw is None or raw == case.raw:
            continue
        ours, theirs = both(case, raw)
        if ours == theirs == "PROVEN" and is_another_truth(case, raw):
            continue
        assert ours in NAMES, (case.name, ours)
        assert ours == theirs, case.name
        found[ours] += 1
    return found


@pytest.mark.parametrize("way", CLASSES, ids=lambda way: way.__name__)
def test_no_corrupted_bundle_verifies(way: Callable[[Case, random.Random], bytes | None]):
    print(way.__name__, dict(corrupt(way, 100)))


@pytest.mark.full
@pytest.mark.parametrize("way", CLASSES, ids=lambda way: way.__name__)
def test_no_corrupted_bundle_of_a_thousand_verifies(
    way: Callable[[Case, random.Random], bytes | None],
):
    print(way.__name__, dict(corrupt(way, 1_000)))
