"""Finds out who calls, and whether they may: by the call's token and the newest agreed state.

Who is refused is told no more than that: not the chain, nor the node, nor whether an identity is
known. A caller that was let in is looked at again for every message of a stream, so that
revocation cuts open streams off.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from twinledger.consortium.identities import IdentityRecord, find_identity
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium, load_consortium
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.read_token import METADATA_KEY, ReadToken
from twinledger.node.services.audiences import Audience, require_audience
from twinledger.node.services.rates import Rates
from twinledger.storage import ChainStore

_TOKENS_KEPT: Final = 4096
"""Tokens whose signatures were checked: a client uses each for a while."""


def _now_us() -> int:
    return time.time_ns() // 1000


@dataclass(slots=True)
class Door:
    """Lets callers of one node in. Used by the event loop only."""

    chain: ChainStore
    chain_id: bytes
    node_id: str
    member: str
    """Whose node this is."""
    now_us: Callable[[], int] = _now_us
    rates: Rates = field(default_factory=Rates)
    _checked: "OrderedDict[bytes, tuple[ReadToken, bytes]]" = field(default_factory=OrderedDict)
    _consortium: tuple[bytes, Consortium] | None = None

    def enter(
        self, method: str, audience: Audience, metadata: Iterable[tuple[str, str | bytes]]
    ) -> "Caller":
        """Return who makes a call, or why it is refused.

        Raises:
            LedgerError: TOKEN_MISSING, TOKEN_REFUSED, TOKEN_EXPIRED, IDENTITY_REVOKED,
                IDENTITY_NOT_VALID, ACCESS_DENIED or RATE_LIMITED.
        """
        record = self._authenticate(_token_in(metadata), method)
        require_audience(audience, record, self.member)
        caller = Caller(self, record, audience)
        caller.take_one()
        return caller

    def look_again(self, caller: "Caller") -> None:
        """Refuse a caller that has been revoked, or has another role or key, since it came in."""
        record = find_identity(self.chain, caller.record.identity)
        if record is None or record.public_key != caller.record.public_key:
            raise LedgerError(Code.TOKEN_REFUSED, "its key was changed")
        self._check_standing(record)
        require_audience(caller.audience, record, self.member)
        caller.record = record

    def consortium(self) -> Consortium:
        """Return the consortium as this node has executed it."""
        raw = self.chain.get(CONSORTIUM_KEY)
        if raw is None or self._consortium is None or self._consortium[0] != raw:
            self._consortium = raw or b"", load_consortium(self.chain)
        return self._consortium[1]

    def _authenticate(self, raw: bytes, method: str) -> IdentityRecord:
        known = self._checked.get(raw)
        token = known[0] if known else ReadToken.parse(raw)
        token.check(self.chain_id, self._names(), method)
        token.check_time(self.now_us())
        record = find_identity(self.chain, token.identity)
        if record is None:
            raise LedgerError(Code.TOKEN_REFUSED, "nobody known has signed it")
        if known is None or known[1] != record.public_key:
            token.check_signature(record.public_key)
            self._keep(raw, token, record.public_key)
        self._check_standing(record)
        return record

    def _check_standing(self, record: IdentityRecord) -> None:
        if record.revoked:
            raise LedgerError(Code.IDENTITY_REVOKED, record.identity)
        if not record.valid_at(self.now_us()):
            raise LedgerError(Code.IDENTITY_NOT_VALID, record.identity)

    def _keep(self, raw: bytes, token: ReadToken, public_key: bytes) -> None:
        self._checked[raw] = token, public_key
        if len(self._checked) > _TOKENS_KEPT:
            self._checked.popitem(last=False)

    def _names(self) -> frozenset[str]:
        """What a token may call this node: its id, and the client address of its record."""
        addresses = [
            node.client_address
            for member in self.consortium().members
            for node in member.nodes
            if node.node_id == self.node_id
        ]
        return frozenset([self.node_id, *addresses])


@dataclass(slots=True)
class Caller:
    """Who makes a call.

    Attributes:
        record: The identity, as the newest state has it.
        audience: What it was let in as.
    """

    _door: Door
    record: IdentityRecord
    audience: Audience

    def look_again(self) -> None:
        """Refuse what was revoked since; see `Door.look_again`."""
        self._door.look_again(self)

    def now_us(self) -> int:
        """Return the node's clock."""
        return self._door.now_us()

    def take(self, count: int) -> int:
        """Let as many of `count` more requests pass as the caller may make now."""
        return self._door.rates.take(self.record.identity, count, self._per_second)

    def refusal(self) -> LedgerError:
        """Say when the caller may make one more request."""
        return self._door.rates.refusal(self.record.identity, self._per_second)

    def take_one(self) -> None:
        """Let one more request pass, or raise RATE_LIMITED."""
        if not self.take(1):
            raise self.refusal()

    @property
    def _per_second(self) -> int:
        return self._door.consortium().limits.max_requests_per_s


def _token_in(metadata: Iterable[tuple[str, str | bytes]]) -> bytes:
    tokens = [value for key, value in metadata if key == METADATA_KEY]
    if not tokens:
        raise LedgerError(Code.TOKEN_MISSING)
    if len(tokens) > 1 or not isinstance(tokens[0], bytes):
        raise LedgerError(Code.TOKEN_REFUSED, "a call carries one token")
    return tokens[0]
