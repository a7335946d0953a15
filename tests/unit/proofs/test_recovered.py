"""Proofs across a recovery, and proofs of what a recovery cut off."""

from dataclasses import replace

import pytest

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import set_, update
from tests.unit.proofs.cases import (
    TANK,
    recovered_world,
    transaction_id,
    until_the_second_change,
    world,
)
from tests.unit.proofs.test_corruption import reference_verdict, verdict
from twinledger.ledger.errors import Code
from twinledger.proofs.bundle import Bundle, HeadAnchor, ShownRecovery
from twinledger.proofs.history_builder import transaction_claim
from twinledger.proofs.recovered import check_kept
from twinledger.proofs.verify import check_kept_head, verify, verify_recovery

CHAIN = world().genesis.chain_id


def recovery_of(found) -> bytes:
    (shown,) = [
        change
        for change in Bundle.decode(found.builder().bundle(found.builder().head_claim())).changes
        if isinstance(change, ShownRecovery)
    ]
    return shown.recovery


def test_a_proof_across_a_recovery_says_so_and_what_may_be_lost():
    builder = recovered_world().builder()
    proven = verify(builder.bundle(builder.twin_claim(TANK)), CHAIN)
    assert proven.certificate.checkpoint.origin.endswith("/epoch-1")
    (said,) = [sentence for sentence in proven.sentences if "epoch 1" in sentence]
    assert "goes on from height 6" in said
    assert "maker/admin, plant/admin, regulator/admin" in said
    assert "heights 7 to 8 before may be lost" in said


def test_a_head_of_the_new_epoch_leads_on_within_it():
    found = recovered_world()
    old = found.builder(8)
    trusted = verify(old.bundle(old.head_claim()), CHAIN).trusted
    assert trusted is not None
    builder = found.builder()
    raw = builder.bundle(builder.twin_claim(TANK), 8)
    assert verify(raw, None, trusted).told.header.height == 9


def test_an_old_receipt_verifies_as_before_and_was_not_cut_off():
    found = world()
    builder = found.builder(7)
    proven = verify(builder.bundle(transaction_claim(builder, transaction_id(found, 1))), CHAIN)
    opened = verify_recovery(recovery_of(recovered_world()), CHAIN)
    check_kept(proven.told.header.height, proven.certificate, opened)


def test_a_certified_receipt_beyond_the_fork_convicts_who_signed_the_recovery():
    found = world()
    builder = found.builder()
    proven = verify(builder.bundle(transaction_claim(builder, transaction_id(found, 7))), CHAIN)
    opened = verify_recovery(recovery_of(recovered_world()), CHAIN)
    with refused(Code.PROOF_TRUNCATED, "height 7 was certified") as _:
        check_kept(proven.told.header.height, proven.certificate, opened)
    with refused(Code.PROOF_TRUNCATED, "witnesses of maker/admin, plant/admin, regulator/admin"):
        check_kept(proven.told.header.height, proven.certificate, opened)
    builder = recovered_world().builder()
    later = verify(builder.bundle(builder.twin_claim(TANK)), CHAIN)
    check_kept(later.told.header.height, later.certificate, opened)


def test_who_trusts_a_head_beyond_the_fork_is_told_that_it_was_cut_off():
    old = world().builder(9)
    head = old.bundle(old.head_claim())
    trusted = verify(head, CHAIN).trusted
    assert trusted is not None
    assert trusted.head is not None
    builder = recovered_world().builder()
    bundle = Bundle.decode(builder.bundle(builder.head_claim()))
    anchor = HeadAnchor(trusted.head.size, trusted.head.root)
    raw = replace(bundle, anchor=anchor).encode()
    assert verdict(raw, None, trusted) == "PROOF_TRUNCATED"
    assert reference_verdict(raw, None, head) == "PROOF_TRUNCATED"


@pytest.mark.parametrize(("size", "since"), [(8, 4), (9, 8), (13, 8), (13, 12), (13, 4)])
def test_a_head_that_a_client_kept_convicts_whatever_it_began_at(size: int, since: int):
    """At 11 and 12 the witnesses changed: then those of the fork certified a change before it."""
    builder = world().builder(size)
    raw = builder.bundle(builder.head_claim(), since)
    file = recovery_of(recovered_world())
    if since == 12:
        check_kept_head(raw, file, CHAIN)  # nothing in it was certified by those of the fork
        return
    with refused(Code.PROOF_TRUNCATED, "was certified, and the recovery into epoch 1 goes on from"):
        check_kept_head(raw, file, CHAIN)


def test_a_head_that_was_not_cut_off_convicts_nobody():
    file = recovery_of(recovered_world())
    for found, size in ((world(), 7), (recovered_world(), 9)):
        builder = found.builder(size)
        check_kept_head(builder.bundle(builder.head_claim(), 4), file, CHAIN)
    builder = world().builder()
    check_kept_head(builder.bundle(builder.twin_claim(TANK), 4), file, CHAIN)  # it is no head
    raw = builder.bundle(builder.head_claim(), 4)
    bundle = Bundle.decode(raw)
    shorn = bundle.head.certificate.split(b"\n")[:5]
    forged = replace(
        bundle, changes=(), head=replace(bundle.head, certificate=b"\n".join([*shorn, b""]))
    )
    check_kept_head(forged.encode(), file, CHAIN)


@pytest.mark.parametrize("by", [["maker", "plant"], ["maker", "plant", "regulator", "utility"]])
def test_a_recovery_that_not_exactly_a_quorum_signed_leads_nowhere(by: list[str]):
    """No honest node takes it, so the world has no such epoch: the file alone is shown."""
    found = until_the_second_change()
    file = found.recover(by)
    assert found.consortium.epoch == 0
    with refused(Code.PROOF_RECOVERY):
        verify_recovery(file.raw, CHAIN)


def test_an_epoch_without_its_recovery_is_refused_by_both():
    builder = recovered_world().builder()
    bundle = Bundle.decode(builder.bundle(builder.head_claim()))
    raw = replace(bundle, changes=bundle.changes[1:]).encode()
    assert verdict(raw, CHAIN, None) == reference_verdict(raw, CHAIN, None)
    assert verdict(raw, CHAIN, None) == "CERTIFICATE_INVALID"


def test_two_recoveries_one_after_the_other_are_shown_by_the_newer_alone():
    found = until_the_second_change()
    found.recover()
    found.append(found.sign(update("tank-1", set_("level", 7.0))))
    found.recover(["plant", "regulator", "utility"], lost=0)
    found.append(found.sign(update("tank-1", set_("level", 8.0))))
    builder = found.builder()
    raw = builder.bundle(builder.twin_claim(TANK))
    assert len(Bundle.decode(raw).changes) == 1
    proven = verify(raw, CHAIN)
    assert proven.certificate.checkpoint.origin.endswith("/epoch-2")
    assert "may be lost" not in proven.sentences[-1]
    assert reference_verdict(raw, CHAIN, None) == "PROVEN"


def test_a_recovery_of_another_chain_leads_nowhere():
    with refused(Code.PROOF_RECOVERY, "another chain"):
        verify_recovery(recovery_of(recovered_world()), b"x" * 32)


def test_the_block_that_opens_an_epoch_has_no_transactions_and_the_time_of_its_parent():
    found = recovered_world()
    opening, parent = found.blocks[7], found.blocks[6]
    assert opening.transactions == ()
    assert opening.header.time_us == parent.header.time_us
    assert b"recovery/0000000001" in opening.writes
