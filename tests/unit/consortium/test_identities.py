"""Admitting and revoking identities."""

import pytest

from tests.unit.execution.chain import MAKER, UTILITY, Chain, signer
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import admit, create, revoke
from twinledger.consortium.identities import IdentityRecord, find_identity, identities
from twinledger.consortium.members import Admin, load_consortium
from twinledger.ledger.canonical import decode, encode
from twinledger.ledger.errors import Code
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.operations import Role
from twinledger.ledger.receipt import Event, EventKind

GATEWAY = signer("utility/gateway")
GATEWAY_KEY = GATEWAY.key.public_key


@pytest.fixture
def chain() -> Chain:
    return Chain()


def admins_of(chain: Chain, name: str) -> tuple[Admin, ...]:
    member = load_consortium(chain.state).member(MemberName(name))
    assert member is not None
    return member.admins


@pytest.mark.parametrize("role", Role)
def test_an_admin_admits_identities_of_its_own_member(chain: Chain, role: Role):
    receipt = chain.submit(admit("utility/gateway", GATEWAY_KEY, role))
    assert receipt.events == (Event(EventKind.IDENTITY_ADMITTED, "utility/gateway", 0),)
    record = find_identity(chain.state, GATEWAY.identity)
    assert record == IdentityRecord(GATEWAY.identity, GATEWAY_KEY, role, 1, revoked=False)
    assert (record.member, record.name) == ("utility", "gateway")


def test_the_leaf_is_the_map_of_the_page(chain: Chain):
    chain.submit(admit("utility/gateway", GATEWAY_KEY, Role.DEVICE))
    leaf = {
        "public_key": GATEWAY_KEY,
        "role": 3,
        "suite": 1,
        "revoked": False,
        "valid_from_us": 0,
        "valid_until_us": 0,
    }
    assert decode(chain.state.leaves[b"identity/utility/gateway"]) == leaf


def test_an_admin_admits_nobody_of_another_member(chain: Chain):
    operation = admit("maker/gateway", GATEWAY_KEY, Role.DEVICE)
    assert chain.outcome(operation) == "ACCESS_DENIED"
    assert chain.outcome(operation, by=[UTILITY, MAKER]) == "COMMITTED"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.DEVICE, Role.AUDITOR])
def test_only_admins_admit_and_revoke(chain: Chain, role: Role):
    chain.submit(admit("utility/gateway", GATEWAY_KEY, role))
    more = admit("utility/more", GATEWAY_KEY, Role.AUDITOR)
    assert chain.outcome(more, by=[GATEWAY]) == "ACCESS_DENIED"
    assert chain.outcome(revoke("utility/gateway"), by=[GATEWAY]) == "ACCESS_DENIED"


def test_nobody_is_admitted_to_a_member_that_is_none(chain: Chain):
    assert chain.outcome(admit("stranger/x", GATEWAY_KEY, Role.ADMIN)) == "ACCESS_DENIED"


def test_a_name_is_used_once_even_after_it_was_revoked(chain: Chain):
    operation = admit("utility/gateway", GATEWAY_KEY, Role.DEVICE)
    chain.submit(operation)
    assert chain.outcome(operation) == "IDENTITY_EXISTS"
    receipt = chain.submit(revoke("utility/gateway"))
    assert receipt.events == (Event(EventKind.IDENTITY_REVOKED, "utility/gateway", 0),)
    assert chain.outcome(operation) == "IDENTITY_EXISTS"
    record = find_identity(chain.state, GATEWAY.identity)
    assert record is not None
    assert record.revoked


def test_only_who_is_there_can_be_revoked_and_only_once(chain: Chain):
    assert chain.outcome(revoke("utility/gateway")) == "IDENTITY_NOT_FOUND"
    chain.submit(admit("utility/gateway", GATEWAY_KEY, Role.DEVICE))
    assert chain.outcome(revoke("utility/gateway")) == "COMMITTED"
    assert chain.outcome(revoke("utility/gateway")) == "IDENTITY_REVOKED"


def test_a_member_keeps_its_last_admin(chain: Chain):
    assert chain.outcome(revoke("utility/admin")) == "LAST_ADMIN"
    chain.submit(admit("utility/gateway", GATEWAY_KEY, Role.ADMIN))
    assert chain.outcome(revoke("utility/admin"), by=[GATEWAY]) == "COMMITTED"
    assert chain.outcome(revoke("utility/gateway"), by=[GATEWAY]) == "LAST_ADMIN"


def test_the_consortium_lists_the_admins_that_are_not_revoked(chain: Chain):
    first = Admin("admin", UTILITY.key.public_key)
    second = Admin("gateway", GATEWAY_KEY)
    chain.submit(admit("utility/gateway", GATEWAY_KEY, Role.ADMIN))
    assert admins_of(chain, "utility") == (first, second)
    chain.submit(revoke("utility/admin"))
    assert admins_of(chain, "utility") == (second,)
    assert admins_of(chain, "maker") == (Admin("admin", MAKER.key.public_key),)


def test_identities_are_listed_by_name_and_by_member(chain: Chain):
    chain.submit(admit("utility/a", GATEWAY_KEY, Role.DEVICE))
    chain.submit(admit("maker/z", GATEWAY_KEY, Role.DEVICE), by=[MAKER])
    everybody = [record.identity for record in identities(chain.state)]
    assert everybody == ["maker/admin", "maker/z", "utility/a", "utility/admin"]
    own = [record.identity for record in identities(chain.state, MemberName("maker"))]
    assert own == ["maker/admin", "maker/z"]
    assert list(identities(chain.state, MemberName("make"))) == []


def test_an_identity_that_was_never_admitted_is_not_found(chain: Chain):
    assert find_identity(chain.state, IdentityName("utility/x")) is None
    assert chain.outcome(create("a")) == "COMMITTED"


@pytest.mark.parametrize(
    "leaf",
    [
        None,
        {"public_key": b"", "role": 9, "suite": 1, "revoked": False},
        {"public_key": b"", "role": 1, "suite": 1, "revoked": 0},
        {"public_key": b"", "role": 1, "suite": 1},
    ],
)
def test_a_leaf_that_is_not_well_formed_is_damage(chain: Chain, leaf: dict[str, object] | None):
    chain.state.leaves[b"identity/utility/x"] = encode(leaf)  # type: ignore[arg-type]
    with refused(Code.DATA_DAMAGED):
        find_identity(chain.state, IdentityName("utility/x"))


def test_a_member_missing_from_the_consortium_is_damage(chain: Chain):
    consortium = load_consortium(chain.state)
    others = tuple(member for member in consortium.members if member.name != "utility")
    cut = type(consortium)(consortium.name, others, consortium.limits)
    chain.state.leaves[b"consortium"] = cut.encode()
    with refused(Code.DATA_DAMAGED):
        chain.submit(admit("utility/gateway", GATEWAY_KEY, Role.ADMIN))
