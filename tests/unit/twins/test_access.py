"""Who may do what: every role, every operation, both members."""

import pytest

from tests.unit.execution.chain import MAKER, UTILITY, Chain, signer
from tests.unit.ledger.wire import admit, create, relate, retire, set_, unrelate, update
from twinledger.ledger.operations import Role
from twinledger.v1.operation_pb2 import Operation

OPERATIONS: dict[str, Operation] = {
    "create": create("new"),
    "update": update("pump", set_("x", 1)),
    "relate": relate("pump", "fills", "tank"),
    "unrelate": unrelate("pump", "feeds", "tank"),
    "retire": retire("pump"),
}
MAY: dict[Role, set[str]] = {
    Role.ADMIN: set(OPERATIONS),
    Role.OPERATOR: set(OPERATIONS),
    Role.DEVICE: {"update"},
    Role.AUDITOR: set(),
}


@pytest.fixture
def chain() -> Chain:
    """The utility's pump feeds the utility's tank, and each member has one of every role."""
    chain = Chain()
    chain.submit(create("pump"), create("tank"), relate("pump", "feeds", "tank"))
    for admin in (UTILITY, MAKER):
        member = admin.identity.partition("/")[0]
        for role in Role:
            identity = f"{member}/{role.name}"
            chain.submit(admit(identity, signer(identity).key.public_key, role), by=[admin])
    return chain


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_owning_members_roles_may_do_what_the_table_says(chain: Chain, role: Role, name: str):
    result = chain.outcome(OPERATIONS[name], by=[signer(f"utility/{role.name}")])
    assert result == ("COMMITTED" if name in MAY[role] else "ACCESS_DENIED")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "create"])
def test_other_members_may_do_nothing(chain: Chain, role: Role, name: str):
    result = chain.outcome(OPERATIONS[name], by=[signer(f"maker/{role.name}")])
    assert result == "ACCESS_DENIED"


def test_any_one_author_is_enough(chain: Chain):
    authors = [signer("maker/AUDITOR"), signer("utility/AUDITOR"), signer("utility/OPERATOR")]
    assert chain.outcome(OPERATIONS["retire"], by=authors) == "COMMITTED"


def test_rights_of_two_authors_do_not_add_up(chain: Chain):
    """The device is of the right member, the admin has the right role: neither has both."""
    authors = [signer("utility/DEVICE"), MAKER]
    assert chain.outcome(OPERATIONS["retire"], by=authors) == "ACCESS_DENIED"


def test_a_twin_is_created_for_the_first_author_by_somebody_of_the_same_member(chain: Chain):
    auditor, operator = signer("utility/AUDITOR"), signer("utility/OPERATOR")
    assert chain.outcome(create("a"), by=[auditor, MAKER]) == "ACCESS_DENIED"
    assert chain.outcome(create("a"), by=[auditor, operator]) == "COMMITTED"


def test_the_target_may_belong_to_anybody(chain: Chain):
    chain.submit(create("valve"), by=[MAKER])
    assert chain.outcome(relate("pump", "feeds", "valve")) == "COMMITTED"
    assert chain.outcome(relate("valve", "feeds", "pump")) == "ACCESS_DENIED"
