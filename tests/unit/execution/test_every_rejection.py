"""Every code that a transaction can earn by itself, earned in a block."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.unit.consortium.governed import join_of
from tests.unit.consortium.liars import evidence_against
from tests.unit.execution.chain import MAKER, SECOND_US, START_US, UTILITY, Chain, signer
from tests.unit.ledger.test_operations import BAD as BAD_OPERATIONS
from tests.unit.ledger.test_transaction import BAD as BAD_TRANSACTIONS
from tests.unit.ledger.wire import (
    admit,
    create,
    delete,
    delete_rule,
    increment,
    put_rule,
    put_sign_off,
    relate,
    retire,
    revoke,
    set_,
    transfer,
    unrelate,
    update,
)
from twinledger.client.governance_operations import (
    bring_node,
    propose,
    replace_node,
    submit_evidence,
    update_node,
    vote,
    withdraw,
)
from twinledger.client.operations import admit_identity
from twinledger.consensus import Configuration, NodeId
from twinledger.consortium.members import load_consortium
from twinledger.consortium.plan import ground_of
from twinledger.consortium.proposals import find_proposal
from twinledger.consortium.protocol import load_protocol
from twinledger.consortium.rules import DEFAULT_RULES
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.catalogue import REJECTIONS
from twinledger.ledger.errors import Code
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    ChangeProtocol,
    ChangeRules,
)
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.operations import Role
from twinledger.ledger.transaction import Signer, assemble, sign
from twinledger.v1.operation_pb2 import Operation
from twinledger.v1.transaction_pb2 import SignedTransaction

LIMITS = replace(DEFAULT_LIMITS, max_properties=1, max_policy_rules=1)
KEY = UTILITY.key.public_key
LATER = signer("utility/later").key.public_key
CERTIFICATE_HASH = sha256(b"certificate of utility-1").digest()
RULES = ChangeRules((("admit_member_percent", 60),))
LIFETIME_US = LIMITS.max_lifetime_us

OPERATIONS: dict[Code, Operation] = {
    Code.TWIN_NOT_FOUND: retire("ghost"),
    Code.TWIN_EXISTS: create("pump"),
    Code.TWIN_RETIRED: retire("old"),
    Code.VERSION_MISMATCH: retire("pump", expected=9),
    Code.PATH_CONFLICT: update("pump", set_("x/y", 1)),
    Code.WRONG_TYPE: update("pump", increment("x", 1.0)),
    Code.PROPERTY_NOT_FOUND: update("pump", delete("y")),
    Code.TOO_MANY_PROPERTIES: update("pump", set_("y", 1)),
    Code.INCREMENT_OVERFLOW: update("pump", increment("x", 2**63 - 1)),
    Code.RELATIONSHIP_EXISTS: relate("pump", "feeds", "pump"),
    Code.RELATIONSHIP_NOT_FOUND: unrelate("pump", "fills", "pump"),
    Code.ACCESS_DENIED: retire("theirs"),
    Code.SIGN_OFF_MISSING: retire("signed"),
    Code.RULE_NOT_FOUND: delete_rule("pump", "everyone", effect=Effect.REVOKE),
    Code.TOO_MANY_RULES: put_rule("signed", "everyone", Permission.READ),
    Code.MEMBER_NOT_FOUND: transfer("pump", "ghost"),
    Code.ALREADY_OWNER: transfer("pump", "utility"),
    Code.IDENTITY_NOT_FOUND: revoke("utility/ghost"),
    Code.LAST_ADMIN: revoke("utility/admin"),
    Code.NODE_NOT_FOUND: update_node("ghost-1", peer_address="h:1"),
    Code.LAST_CERTIFICATE: update_node("utility-1", remove_certificate=CERTIFICATE_HASH),
    Code.BAD_CERTIFICATE: update_node("utility-1", remove_certificate=bytes(32)),
    Code.SEAT_TAKEN: bring_node(join_of("utility", 5000, "utility-2")),
    Code.NODE_ID_USED: replace_node("utility-1", join_of("utility", 5000, "utility-1")),
    Code.KEY_USED: update_node("utility-1", log_key=signer("old log key").key.public_key),
    Code.PROPOSAL_NOT_FOUND: withdraw(99),
    Code.PROPOSAL_CLOSED: withdraw(2),
    Code.NOT_THE_PROPOSER: withdraw(3),
    Code.GROUND_MOVED: propose(bytes(32), RULES),
}


def expired(chain: Chain) -> bytes:
    """A vote in the block after the last one it could have stood in."""
    chain.append(time_us=START_US + DEFAULT_RULES.proposal_lifetime_us + 1)
    return chain.sign(vote(3, plan_of(chain, 3), approve=True))


def accusing(chain: Chain, member: str, named: str = "") -> bytes:
    evidence = evidence_against(member, chain.genesis.chain_id, named=named)
    return chain.sign(submit_evidence(evidence.encode()))


def accusing_again(chain: Chain) -> bytes:
    """With a third member there is a quorum without the liar's key."""
    chain.append(proposing(chain, AdmitMember(join_of("plant", 5000))))
    (passed,) = chain.append(chain.sign(vote(4, plan_of(chain, 4), approve=True), by=[MAKER]))
    assert passed.committed
    voters = tuple(sorted(map(NodeId, ("maker-1", "plant-1", "utility-1"))))
    chain.configure(Configuration(voters))
    (first,) = chain.append(accusing(chain, "maker"))
    assert first.committed, first.outcome
    return accusing(chain, "maker")


# What needs the state it meets, or another signer.
GOVERNANCE: dict[Code, Callable[[Chain], bytes]] = {
    Code.NOT_A_VOTER: lambda chain: chain.sign(withdraw(1), by=[signer("utility/op")]),
    Code.NO_CHANGE: lambda chain: proposing(chain, ChangeRules((("admit_member_percent", 50),))),
    Code.QUORUM_IMPOSSIBLE: lambda chain: proposing(
        chain, ChangeRules((("certificate_quorum", 9),))
    ),
    Code.PROTOCOL_NOT_LATER: lambda chain: proposing(chain, ChangeProtocol(1, 99)),
    Code.MEMBER_CONFLICT: lambda chain: proposing(chain, AdmitMember(join_of("maker", 5000))),
    Code.JOIN_INVALID: lambda chain: proposing(chain, AdmitMember(b"no join file")),
    Code.VOTED_TWICE: lambda chain: chain.sign(vote(1, plan_of(chain, 1), approve=True)),
    Code.PLAN_CHANGED: lambda chain: chain.sign(vote(1, bytes(32), approve=True)),
    Code.PROPOSAL_EXPIRED: expired,
    Code.EVIDENCE_INVALID: lambda chain: accusing(chain, "maker", named="utility/utility-1"),
    Code.WITNESS_UNKNOWN: lambda chain: accusing(chain, "ghost"),
    Code.WITNESS_DISQUALIFIED: accusing_again,
    Code.IDENTITY_EXISTS: lambda chain: chain.sign(admit("utility/admin", KEY, Role.ADMIN)),
}


def proposing(chain: Chain, change: Change, by: Signer = UTILITY) -> bytes:
    ground = ground_of(load_consortium(chain.state), load_protocol(chain.state))
    return chain.sign(propose(ground, change), by=[by])


def plan_of(chain: Chain, number: int) -> bytes:
    found = find_proposal(chain.state, number)
    assert found is not None
    return found.plan


def used(chain: Chain) -> bytes:
    raw = chain.sign(create("once"))
    chain.append(raw)
    return raw


def unsigned(chain: Chain) -> bytes:
    return assemble(SignedTransaction.FromString(chain.sign(create("a"))).body, [bytes(64)])


def elsewhere(_chain: Chain) -> bytes:
    return sign(b"o" * 32, [UTILITY], [create("a")], START_US + SECOND_US, bytes(16))


AROUND: dict[Code, Callable[[Chain], bytes]] = {
    Code.WRONG_CHAIN: elsewhere,
    Code.EXPIRED: lambda chain: chain.sign(create("a"), expires_in_us=-1),
    Code.LIFETIME_TOO_LONG: lambda chain: chain.sign(create("a"), expires_in_us=LIFETIME_US + 1),
    Code.UNKNOWN_SIGNER: lambda chain: chain.sign(create("a"), by=[signer("utility/ghost")]),
    Code.IDENTITY_REVOKED: lambda chain: chain.sign(create("a"), by=[signer("utility/former")]),
    Code.IDENTITY_NOT_VALID: lambda chain: chain.sign(create("a"), by=[signer("utility/later")]),
    Code.BAD_SIGNATURE: unsigned,
    Code.DUPLICATE: used,
}


def rejected_alone(code: Code) -> Callable[[Chain], bytes]:
    """The first case of a code among those that need no state."""
    for raw, found in BAD_TRANSACTIONS.values():
        if found is code:
            return lambda _chain: raw
    message = next(message for message, found in BAD_OPERATIONS.values() if found is code)
    return lambda chain: chain.sign(message)


def case(code: Code) -> Callable[[Chain], bytes]:
    if code in GOVERNANCE:
        return GOVERNANCE[code]
    if code in OPERATIONS:
        return lambda chain: chain.sign(OPERATIONS[code])
    return AROUND[code] if code in AROUND else rejected_alone(code)


def executed(code: Code) -> bool:
    """Whether it is an operation's own: such a transaction has used its id up."""
    return code in OPERATIONS or code in GOVERNANCE


@pytest.fixture
def chain() -> Chain:
    chain = Chain(LIMITS)
    former = signer("utility/former").key.public_key
    made = chain.submit(
        create("pump", set_("x", 1)),
        relate("pump", "feeds", "pump"),
        create("old"),
        create("signed"),
        put_sign_off("signed", 1, ["member:maker"], Permission.TRANSFER),
        retire("old"),
        admit("utility/former", former, Role.OPERATOR),
        revoke("utility/former"),
        admit("utility/op", signer("utility/op").key.public_key, Role.OPERATOR),
        admit_identity("utility/later", LATER, Role.OPERATOR, START_US + 1),
        update_node("utility-1", log_key=signer("old log key").key.public_key),
        update_node("utility-1", log_key=signer("new log key").key.public_key),
    )
    theirs = chain.submit(create("theirs"), by=[MAKER])
    assert (made.outcome, theirs.outcome) == ("COMMITTED", "COMMITTED")
    for by in (UTILITY, UTILITY, MAKER):
        chain.append(proposing(chain, RULES, by))
    assert chain.submit(withdraw(2)).outcome == "COMMITTED"
    return chain


@pytest.mark.parametrize("code", sorted(REJECTIONS))
def test_every_rejection_can_be_earned_and_changes_nothing(chain: Chain, code: Code):
    raw = case(code)(chain)
    state = dict(chain.state.leaves)
    (receipt,) = chain.append(raw)
    assert receipt.outcome == code
    assert receipt.failed_operation == (0 if executed(code) else None)
    assert chain.state.leaves == state
    assert bool(chain.newest.consumed) == executed(code)
