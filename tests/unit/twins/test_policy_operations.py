"""Granting, revoking, signing off and handing over, as the ledger executes them."""

import pytest

from tests.unit.execution.chain import MAKER, UTILITY, Chain, signer
from tests.unit.ledger.wire import (
    admit,
    create,
    delete_rule,
    delete_sign_off,
    put_rule,
    put_sign_off,
    relate,
    retire,
    set_,
    transfer,
    unrelate,
    update,
)
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import TwinId
from twinledger.ledger.roles import Role
from twinledger.ledger.transaction import Signer
from twinledger.twins.policy import load_policy, policy_key
from twinledger.twins.reading import load_twin
from twinledger.v1.operation_pb2 import SECTION_DESIRED

WRITE, READ, RELATE = Permission.WRITE, Permission.READ, Permission.RELATE
ADMINISTER, TRANSFER = Permission.ADMINISTER, Permission.TRANSFER
PUMP = TwinId("pump")


def with_roles(chain: Chain) -> Chain:
    """The utility's pump and tank, and for each member an identity of every role."""
    chain.submit(create("pump"), create("tank"))
    for admin in (UTILITY, MAKER):
        member = admin.identity.partition("/")[0]
        for role in Role:
            identity = f"{member}/{role.name}"
            chain.submit(admit(identity, signer(identity).key.public_key, role), by=[admin])
    return chain


@pytest.fixture
def chain() -> Chain:
    return with_roles(Chain())


TECHNICIAN = signer("maker/OPERATOR")


def test_a_grant_lets_a_stranger_write_there_and_nowhere_else(chain: Chain):
    chain.submit(put_rule("pump", "member:maker", WRITE, path="reported/motor"))
    assert chain.outcome(update("pump", set_("motor/hours", 1)), by=[TECHNICIAN]) == "COMMITTED"
    assert chain.outcome(update("pump", set_("flow", 1)), by=[TECHNICIAN]) == "ACCESS_DENIED"
    both = update("pump", set_("motor/hours", 2), set_("flow", 1))
    assert chain.outcome(both, by=[TECHNICIAN]) == "ACCESS_DENIED"


def test_what_one_author_may_and_what_another_may_add_up_path_by_path(chain: Chain):
    chain.submit(put_rule("pump", "member:maker", WRITE, path="reported/motor"))
    both = update("pump", set_("motor/hours", 2), set_("flow", 1))
    assert chain.outcome(both, by=[TECHNICIAN, signer("utility/DEVICE")]) == "COMMITTED"


def test_a_revocation_takes_from_the_owners_devices_what_the_default_gives(chain: Chain):
    revoked = put_rule("pump", "member:utility:device", WRITE, path="desired", effect=Effect.REVOKE)
    chain.submit(revoked)
    device = [signer("utility/DEVICE")]
    assert chain.outcome(update("pump", set_("x", 1)), by=device) == "COMMITTED"
    assert (
        chain.outcome(update("pump", set_("x", 1, SECTION_DESIRED)), by=device) == "ACCESS_DENIED"
    )


def test_a_grant_ends_with_the_block_at_its_expiry(chain: Chain):
    ends = chain.now_us + 1_000_000
    chain.submit(put_rule("pump", "member:maker", WRITE, expires=ends))
    write = update("pump", set_("x", 1))
    (before,) = chain.append(chain.sign(write, by=[TECHNICIAN]), time_us=ends - 1)
    (at,) = chain.append(chain.sign(write, by=[TECHNICIAN]), time_us=ends)
    assert (before.outcome, at.outcome) == ("COMMITTED", "ACCESS_DENIED")


def test_relating_needs_relate_at_that_relationship(chain: Chain):
    chain.submit(put_rule("pump", "member:maker", RELATE, path="relationship/feeds"))
    assert chain.outcome(relate("pump", "feeds", "tank"), by=[TECHNICIAN]) == "COMMITTED"
    assert chain.outcome(relate("pump", "fills", "tank"), by=[TECHNICIAN]) == "ACCESS_DENIED"
    assert chain.outcome(unrelate("pump", "feeds", "tank"), by=[TECHNICIAN]) == "COMMITTED"


def test_retiring_needs_transfer(chain: Chain):
    everything_else = (READ, WRITE, RELATE, ADMINISTER)
    chain.submit(put_rule("pump", "member:maker", *everything_else))
    assert chain.outcome(retire("pump"), by=[TECHNICIAN]) == "ACCESS_DENIED"
    chain.submit(put_rule("pump", "member:maker", TRANSFER))
    assert chain.outcome(retire("pump"), by=[TECHNICIAN]) == "COMMITTED"


def test_who_administers_a_path_rules_there_and_nowhere_else(chain: Chain):
    chain.submit(put_rule("pump", "member:maker", ADMINISTER, path="reported/motor"))
    below = put_rule("pump", "everyone", READ, path="reported/motor/hours")
    above = put_rule("pump", "everyone", READ, path="reported")
    assert chain.outcome(below, by=[TECHNICIAN]) == "COMMITTED"
    assert chain.outcome(above, by=[TECHNICIAN]) == "ACCESS_DENIED"
    removed = delete_rule("pump", "everyone", path="reported/motor/hours")
    assert chain.outcome(removed, by=[TECHNICIAN]) == "COMMITTED"


def test_operators_of_the_owner_do_not_administer(chain: Chain):
    rule = put_rule("pump", "everyone", READ)
    assert chain.outcome(rule, by=[signer("utility/OPERATOR")]) == "ACCESS_DENIED"


def test_a_rule_replaces_the_one_of_its_path_subject_and_effect(chain: Chain):
    chain.submit(put_rule("pump", "member:maker", WRITE, expires=chain.now_us + 5_000_000))
    chain.submit(put_rule("pump", "member:maker", READ))
    (rule,) = load_policy(chain.state, PUMP).rules
    assert (rule.permissions, rule.expires_at_us) == (READ, None)


def test_a_policy_without_rules_leaves_nothing_behind(chain: Chain):
    chain.submit(put_rule("pump", "everyone", READ))
    assert chain.state.get(policy_key(PUMP)) is not None
    assert chain.outcome(delete_rule("pump", "everyone")) == "COMMITTED"
    assert chain.state.get(policy_key(PUMP)) is None
    assert chain.outcome(delete_rule("pump", "everyone")) == "RULE_NOT_FOUND"


def test_expired_rules_go_with_the_next_change_and_make_room(chain: Chain):
    chain = with_roles(Chain(Limits(max_policy_rules=2)))
    soon = chain.now_us + 1_000_000
    chain.submit(put_rule("pump", "member:maker", READ, expires=soon))
    chain.submit(put_sign_off("pump", 1, ["member:maker"], RELATE, expires=soon))
    third = put_rule("pump", "everyone", READ)
    assert chain.outcome(third) == "TOO_MANY_RULES"
    (receipt,) = chain.append(chain.sign(third), time_us=soon)
    assert receipt.committed
    assert len(load_policy(chain.state, PUMP)) == 1


def test_a_change_of_policy_is_an_update_of_the_twin(chain: Chain):
    receipt = chain.submit(put_rule("pump", "everyone", READ))
    (event,) = receipt.events
    assert (event.kind, event.subject, event.version) == ("POLICY_CHANGED", "pump", 2)
    assert load_twin(chain.state, PUMP).version == 2


def test_a_retired_twins_policy_may_still_change_and_nothing_else(chain: Chain):
    chain.submit(retire("pump"))
    assert chain.outcome(put_rule("pump", "everyone", READ)) == "COMMITTED"
    assert chain.outcome(update("pump", set_("x", 1))) == "TWIN_RETIRED"
    assert chain.outcome(transfer("pump", "maker"), by=[UTILITY, MAKER]) == "TWIN_RETIRED"


def outcome_of_write(chain: Chain, *authors: Signer) -> str:
    return chain.outcome(update("pump", set_("setpoint", 1)), by=authors)


def test_a_sign_off_takes_as_many_parties_as_it_says(chain: Chain):
    parties = ["member:utility", "member:maker:admin", "identity:maker/AUDITOR"]
    chain.submit(put_sign_off("pump", 2, parties, WRITE, path="reported/setpoint"))
    operator, auditor = signer("utility/OPERATOR"), signer("maker/AUDITOR")
    assert outcome_of_write(chain, operator) == "SIGN_OFF_MISSING"
    assert outcome_of_write(chain, operator, UTILITY) == "SIGN_OFF_MISSING"
    assert outcome_of_write(chain, operator, TECHNICIAN) == "SIGN_OFF_MISSING"
    assert outcome_of_write(chain, operator, MAKER) == "COMMITTED"
    assert outcome_of_write(chain, operator, auditor) == "COMMITTED"
    assert outcome_of_write(chain, MAKER, auditor) == "ACCESS_DENIED"
    assert chain.outcome(update("pump", set_("flow", 1)), by=[operator]) == "COMMITTED"


def test_a_deeper_sign_off_adds_to_the_one_above(chain: Chain):
    chain.submit(put_sign_off("pump", 1, ["member:maker"], WRITE))
    chain.submit(
        put_sign_off("pump", 1, ["identity:utility/OPERATOR"], WRITE, path="reported/setpoint")
    )
    operator = signer("utility/OPERATOR")
    assert outcome_of_write(chain, operator) == "SIGN_OFF_MISSING"
    assert outcome_of_write(chain, UTILITY, MAKER) == "SIGN_OFF_MISSING"
    assert outcome_of_write(chain, operator, MAKER) == "COMMITTED"


def test_a_sign_off_is_lifted_or_changed_only_as_it_demands(chain: Chain):
    chain.submit(put_sign_off("pump", 1, ["member:maker:admin"], TRANSFER))
    weaker = put_sign_off("pump", 1, ["member:utility"], TRANSFER)
    assert chain.outcome(weaker) == "SIGN_OFF_MISSING"
    assert chain.outcome(delete_sign_off("pump")) == "SIGN_OFF_MISSING"
    assert chain.outcome(retire("pump")) == "SIGN_OFF_MISSING"
    assert chain.outcome(delete_sign_off("pump"), by=[UTILITY, MAKER]) == "COMMITTED"
    assert chain.outcome(delete_sign_off("pump")) == "RULE_NOT_FOUND"
    assert chain.outcome(retire("pump")) == "COMMITTED"


def test_a_sign_off_that_has_expired_demands_nothing(chain: Chain):
    ends = chain.now_us + 1_000_000
    chain.submit(put_sign_off("pump", 1, ["member:maker:admin"], ADMINISTER, expires=ends))
    assert chain.outcome(put_rule("pump", "everyone", READ)) == "SIGN_OFF_MISSING"
    (receipt,) = chain.append(chain.sign(put_rule("pump", "everyone", READ)), time_us=ends)
    assert receipt.committed


def test_a_twin_is_handed_over_only_with_the_new_owners_signature(chain: Chain):
    handed = transfer("pump", "maker")
    assert chain.outcome(handed) == "ACCESS_DENIED"
    assert chain.outcome(handed, by=[UTILITY, signer("maker/DEVICE")]) == "ACCESS_DENIED"
    assert chain.outcome(handed, by=[TECHNICIAN]) == "ACCESS_DENIED"
    assert chain.outcome(handed, by=[UTILITY, TECHNICIAN]) == "COMMITTED"
    assert load_twin(chain.state, PUMP).owner == "maker"
    assert outcome_of_write(chain, UTILITY) == "ACCESS_DENIED"
    assert outcome_of_write(chain, TECHNICIAN) == "COMMITTED"


def test_a_twin_goes_to_another_member_of_the_consortium(chain: Chain):
    assert chain.outcome(transfer("pump", "utility")) == "ALREADY_OWNER"
    assert chain.outcome(transfer("pump", "nobody"), by=[UTILITY, MAKER]) == "MEMBER_NOT_FOUND"


def test_a_transfer_may_demand_signatures(chain: Chain):
    chain.submit(put_sign_off("pump", 1, ["identity:maker/AUDITOR"], TRANSFER))
    handed, auditor = transfer("pump", "maker"), signer("maker/AUDITOR")
    assert chain.outcome(handed, by=[UTILITY, TECHNICIAN]) == "SIGN_OFF_MISSING"
    assert chain.outcome(handed, by=[UTILITY, TECHNICIAN, auditor]) == "COMMITTED"
