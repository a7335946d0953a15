"""Who is let in at the door, by validity, revocation, key and rate, and who is looked at again."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.unit.consortium.governed import World
from tests.unit.execution.chain import START_US, signer
from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.members import CONSORTIUM_KEY, load_consortium
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName
from twinledger.ledger.operations import Role
from twinledger.ledger.read_token import METADATA_KEY, make_token
from twinledger.node.services.audiences import Audience
from twinledger.node.services.door import Caller, Door
from twinledger.node.services.rates import Rates

METHOD = "/twinledger.v1.TwinService/GetTwin"
NAME = IdentityName("utility/eve")
HOUR_US = 3_600_000_000


@dataclass
class Town:
    """A state, a clock, and the door of a node."""

    leaves: dict[bytes, bytes] = field(default_factory=dict)
    now_us: int = START_US

    def get(self, key: bytes) -> bytes | None:
        return self.leaves.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError  # the door looks nobody up by prefix

    def door(self) -> Door:
        chain: Any = self
        rates = Rates(lambda: self.now_us / 1e6)
        return Door(chain, bytes(32), "utility-1", "utility", lambda: self.now_us, rates)

    def put(self, **changes: Any) -> IdentityRecord:
        record = replace(IdentityRecord(NAME, signer(NAME).key.public_key, Role.DEVICE), **changes)
        self.leaves[record.key] = record.encode()
        return record

    def enter(self, door: Door, audience: Audience = Audience.JUDGED) -> Caller:
        key = signer(NAME).key
        token = make_token(key, NAME, bytes(32), "utility-1", METHOD, self.now_us)
        return door.enter(METHOD, audience, [(METADATA_KEY, token)])


@pytest.fixture
def town() -> Town:
    return Town(World.of(2).leaves)


def refused(call: Any, *arguments: Any) -> LedgerError:
    with pytest.raises(LedgerError) as error:
        call(*arguments)
    return error.value


def test_an_identity_is_let_in_only_while_it_is_valid(town: Town):
    town.put(valid_from_us=START_US + HOUR_US, valid_until_us=START_US + 2 * HOUR_US)
    door = town.door()
    assert refused(town.enter, door).code is Code.IDENTITY_NOT_VALID
    town.now_us = START_US + HOUR_US
    assert town.enter(door).record.identity == NAME
    town.now_us = START_US + 2 * HOUR_US - 1
    town.enter(door)
    town.now_us += 1
    assert refused(town.enter, door).code is Code.IDENTITY_NOT_VALID


def test_a_stream_ends_when_its_callers_time_is_over(town: Town):
    town.put(valid_until_us=START_US + HOUR_US)
    caller = town.enter(town.door())
    caller.look_again()
    town.now_us += HOUR_US
    assert refused(caller.look_again).code is Code.IDENTITY_NOT_VALID


def test_a_stream_ends_when_its_caller_is_revoked_or_changes_its_key(town: Town):
    town.put()
    caller = town.enter(town.door())
    town.put(public_key=signer("another").key.public_key)
    assert refused(caller.look_again).code is Code.TOKEN_REFUSED
    town.put(revoked=True)
    assert refused(caller.look_again).code is Code.IDENTITY_REVOKED


def test_a_checked_token_counts_no_more_once_the_key_has_changed(town: Town):
    town.put()
    door = town.door()
    town.enter(door)
    town.put(public_key=signer("another").key.public_key)
    assert refused(town.enter, door).code is Code.TOKEN_REFUSED


def test_a_stream_ends_when_its_caller_has_another_role(town: Town):
    town.put(role=Role.AUDITOR)
    caller = town.enter(town.door(), Audience.LEDGER_READERS)
    town.put(role=Role.DEVICE)
    assert refused(caller.look_again).code is Code.ACCESS_DENIED


def test_calls_beyond_the_ledgers_limit_are_refused_with_a_delay(town: Town):
    town.put()
    consortium = load_consortium(town)
    limits = replace(consortium.limits, max_requests_per_s=2)
    town.leaves[CONSORTIUM_KEY] = replace(consortium, limits=limits).encode()
    door = town.door()
    for _ in range(4):
        town.enter(door)
    refusal = refused(town.enter, door)
    assert (refusal.code, refusal.retry_after_us) == (Code.RATE_LIMITED, 500_000)
    town.now_us += 500_000
    town.enter(door)
    assert refused(town.enter, door).code is Code.RATE_LIMITED
