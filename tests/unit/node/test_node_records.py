"""Who may connect, by the records that count now."""

import logging
from dataclasses import replace

import pytest

from tests.transport_keys import credential
from twinledger.client.certificates import to_der, to_pem
from twinledger.client.channels import Credential
from twinledger.client.profile import Profile, TrustedNode
from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.node_records import NodeRecords

ME, PEER, OTHER = NodeId("me-1"), NodeId("peer-1"), NodeId("other-1")
NEWER = NodeId("newer-1")
HELD = {node_id: credential(node_id) for node_id in (ME, PEER, OTHER)}
FRESH = credential(PEER)


def record(node_id: NodeId, *shown: Credential) -> Node:
    certificates = tuple(NodeCertificate(each.certificate, 1) for each in shown)
    return Node(node_id, f"{node_id}:2", f"{node_id}:1", True, bytes(32), bytes(32), certificates)


def records_of(*nodes: Node, insecure: bool = False, given: Profile | None = None) -> NodeRecords:
    return NodeRecords(ME, nodes, 10, insecure=insecure, given=given)


def everybody() -> list[Node]:
    return [record(node_id, HELD[node_id]) for node_id in (ME, PEER, OTHER)]


def refusal(records: NodeRecords, node_id: NodeId, certificate: bytes | None) -> LedgerError:
    with pytest.raises(LedgerError) as refused:
        records.check(node_id, certificate)
    return refused.value


def test_a_node_that_shows_a_certificate_of_its_record_is_taken():
    records_of(*everybody()).check(PEER, HELD[PEER].certificate)


def test_a_node_may_show_either_certificate_while_it_has_two():
    records = records_of(record(ME, HELD[ME]), record(PEER, HELD[PEER], FRESH))
    records.check(PEER, HELD[PEER].certificate)
    records.check(PEER, FRESH.certificate)


def test_a_certificate_of_the_right_name_made_by_another_is_refused():
    error = refusal(records_of(*everybody()), PEER, FRESH.certificate)
    assert error.code is Code.PEER_CERTIFICATE
    assert "which the ledger does not know" in error.detail


def test_the_certificate_of_another_node_is_refused_and_named():
    error = refusal(records_of(*everybody()), PEER, HELD[OTHER].certificate)
    assert error.code is Code.PEER_CERTIFICATE
    assert error.detail.startswith("peer-1 shows the certificate")
    assert error.detail.endswith("of other-1")


def test_a_node_that_shows_nothing_is_refused():
    assert "shows none" in refusal(records_of(*everybody()), PEER, None).detail


def test_a_node_outside_the_ledger_is_refused_whatever_it_shows():
    records = records_of(*everybody()[:2])
    assert refusal(records, OTHER, HELD[OTHER].certificate).code is Code.PEER_UNKNOWN


def test_a_node_does_not_take_itself_for_another():
    assert refusal(records_of(*everybody()), ME, HELD[ME].certificate).code is Code.PEER_UNKNOWN


def test_without_encryption_only_the_name_counts():
    records = records_of(*everybody(), insecure=True)
    records.check(PEER, None)
    assert refusal(records, NodeId("nobody"), None).code is Code.PEER_UNKNOWN


def test_a_removed_node_is_refused_and_its_certificate_remembered():
    records = records_of(*everybody())
    records.executed(11, everybody()[:2])
    assert refusal(records, OTHER, HELD[OTHER].certificate).code is Code.PEER_UNKNOWN
    detail = refusal(records, PEER, HELD[OTHER].certificate).detail
    assert "that other-1 does not have any more" in detail


def test_a_change_is_told_and_a_block_that_changes_nothing_is_not():
    told = []
    records = records_of(*everybody())
    records.listen(lambda: told.append(sorted(records.nodes)))
    records.executed(11, None)
    records.executed(12, everybody())
    assert told == []
    records.executed(13, everybody()[:2])
    assert told == [[ME, PEER]]


def test_a_listener_trusts_the_others_and_not_itself():
    records = records_of(*everybody())
    assert records.roots() == to_pem(HELD[PEER].certificate, HELD[OTHER].certificate)


def test_bytes_that_are_no_certificate_hide_no_other(caplog):
    caplog.set_level(logging.WARNING)
    broken = replace(record(PEER), certificates=(NodeCertificate(b"nonsense", 1),))
    records = records_of(record(ME, HELD[ME]), broken, record(OTHER, HELD[OTHER]))
    assert to_der(records.roots()) == HELD[OTHER].certificate
    assert "unusable" in caplog.text


def test_a_node_shows_the_newest_of_its_certificates_that_it_holds():
    new, never_recorded = credential(ME), credential(ME)
    records = records_of(record(ME, HELD[ME], new))
    assert records.shown([HELD[ME], never_recorded, new]) == [new, HELD[ME]]
    assert records.shown([HELD[ME], never_recorded]) == [HELD[ME]]


def test_a_node_whose_record_names_none_that_it_holds_shows_what_it_has():
    assert records_of(record(ME, HELD[ME])).shown([FRESH]) == [FRESH]


def profile(height: int) -> Profile:
    trusted = TrustedNode(PEER, "new:1", "new:2", (FRESH.certificate,))
    newer = TrustedNode(NEWER, "s:1", "s:2", (HELD[OTHER].certificate,))
    return Profile(bytes(32), (trusted, newer), height)


def test_a_node_that_was_away_takes_newer_certificates_from_a_profile():
    records = records_of(*everybody(), given=profile(20))
    records.check(PEER, FRESH.certificate)
    records.check(PEER, HELD[PEER].certificate)
    assert records.nodes[PEER].peer_address == "new:2"


def test_a_node_admitted_after_this_ledgers_height_is_known_by_the_profile_alone():
    """Else a newcomer could not hear a leader that joined after genesis."""
    records, shown = records_of(*everybody()[:2], given=profile(20)), HELD[OTHER].certificate
    records.check(NEWER, shown)
    records.executed(20, None)
    assert set(records.nodes) == {ME, PEER}
    assert refusal(records, NEWER, shown).code is Code.PEER_UNKNOWN


def test_a_profile_counts_only_until_the_ledger_has_reached_its_height():
    records = records_of(*everybody(), given=profile(20))
    records.executed(19, None)
    records.check(PEER, FRESH.certificate)
    records.executed(20, None)
    assert refusal(records, PEER, FRESH.certificate).code is Code.PEER_CERTIFICATE
    assert records.nodes[PEER].peer_address == "peer-1:2"


def test_a_profile_of_the_past_counts_for_nothing():
    records = records_of(*everybody(), given=profile(10))
    assert refusal(records, PEER, FRESH.certificate).code is Code.PEER_CERTIFICATE
