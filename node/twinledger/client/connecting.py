"""How to connect to a ledger, and how a client's trust in its nodes moves on with it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from twinledger.client.consortium_records import read_consortium
from twinledger.client.failures import MISTAKEN, RETRYABLE
from twinledger.client.head_file import HeadFile
from twinledger.client.identity import Identity
from twinledger.client.ledger import Ledger
from twinledger.client.light import Light
from twinledger.client.nodes import Endpoint, Nodes, endpoints_of
from twinledger.client.plain_reads import PlainReads
from twinledger.client.profile import Profile
from twinledger.client.proven_records import consortium_of
from twinledger.client.read_tokens import ReadTokens
from twinledger.client.session import TIMEOUT_SECONDS, Session
from twinledger.client.verified_reads import VerifiedReads
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs.standing import Standing

_LOOK_SECONDS: Final = 3.0
"""How long connecting waits for a certified head; reads wait longer."""

_LOOK_EVERY_SECONDS: Final = 15.0
"""How often a client that reads nothing asks for the head, to follow whom to trust."""

_logger = logging.getLogger(__name__)


def connect(
    addresses: str | Sequence[str] = (),
    *,
    profile: Profile | str | Path | None = None,
    identity: Identity | None = None,
    chain_id: str | bytes | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    discover: bool = True,
    insecure: bool = False,
    verify: bool = True,
) -> AbstractAsyncContextManager[Ledger]:
    """Opens a client of a ledger, for use in `async with`.

    Args:
        addresses: Client addresses (host:port) of one or more nodes, in the order they are tried;
            left out, all nodes of the profile.
        profile: The chain and the nodes that are trusted, with their certificates; or its file.
            A file follows: the nodes in it, once a certified head commits to others; and beside it,
            named as the file with `.head` after it, the newest head that was verified.
        identity: Who calls and signs. Without one, nodes answer no call.
        chain_id: The chain that is meant, 32 bytes or 64 hex digits; left out, the profile's.
        timeout_seconds: How long each call tries, unless it says otherwise.
        discover: Also use the other nodes that the profile and the ledger name, when these fail.
        insecure: Without a profile: speak plaintext, to whoever answers at the addresses. Without
            `chain_id` the first node is believed. For a devnet that was made so.
        verify: Have every read proven under a certified head. Without it reads are what a node
            says: for whoever runs that node.

    Raises:
        LedgerError: BAD_REQUEST for arguments that do not go together; CONFIG_INVALID for the
            profile's file; WRONG_CHAIN when the node serves another chain; CONNECTION_LOST when no
            node answers in time; TLS_REQUIRED, TLS_MISSING or CERTIFICATE_MISMATCH when another
            server answers, or not as it should; HEAD_ROLLED_BACK, HEAD_CONFLICT or what
            `twinledger verify` would say of a node's head that is not as it must be.
    """
    addresses = [addresses] if isinstance(addresses, str) else addresses
    tokens = ReadTokens(identity)
    if profile is None:
        nodes = _plain(addresses, tokens, insecure)
        session = Session(nodes, identity, _chain_id(chain_id), timeout_seconds)
        return _connected(Connecting(session, tokens, discover, verify))
    file = None
    if not isinstance(profile, Profile):
        file = Path(profile)
        profile = Profile.load(file)
    if insecure:
        raise LedgerError(Code.BAD_REQUEST, "the profile says whether plaintext is spoken")
    meant = _chain_id(chain_id) or profile.chain_id
    if meant != profile.chain_id:
        raise LedgerError(Code.WRONG_CHAIN, f"the profile is of {profile.chain_id.hex()}")
    nodes = _pinned(addresses, profile, tokens, discover)
    session = Session(nodes, identity, meant, timeout_seconds, profile=profile)
    return _connected(Connecting(session, tokens, discover, verify, file))


def _plain(addresses: Sequence[str], tokens: ReadTokens, insecure: bool) -> Nodes:
    if not insecure:
        said = "name a profile with the nodes' certificates, or say insecure=True"
        raise LedgerError(Code.BAD_REQUEST, said)
    return Nodes((Endpoint(address) for address in addresses), tokens)


def _pinned(
    addresses: Sequence[str], profile: Profile, tokens: ReadTokens, discover: bool
) -> Nodes:
    known = endpoints_of(profile)
    named = [each for address in addresses for each in known if each.address == address]
    for address in addresses:
        if address not in {each.address for each in known}:
            raise LedgerError(Code.BAD_REQUEST, f"the profile has no node at {address}")
    if not named:
        return Nodes(known, tokens)
    return Nodes([*named, *known] if discover else named, tokens)


def _chain_id(chain_id: str | bytes | None) -> bytes:
    if not isinstance(chain_id, str):
        return chain_id or b""
    try:
        return bytes.fromhex(chain_id)
    except ValueError as error:
        raise LedgerError(Code.BAD_REQUEST, f"chain_id is 64 hex digits: {error}") from error


@asynccontextmanager
async def _connected(connecting: "Connecting") -> AsyncIterator[Ledger]:
    try:
        yield await connecting.connected()
    finally:
        await connecting.close()


class Connecting:
    """Opens a client, and keeps its trust as the ledger has it while it is open."""

    def __init__(
        self,
        session: Session,
        tokens: ReadTokens,
        discover: bool,
        verify: bool,
        file: Path | None = None,
    ) -> None:
        """`file` is the profile's, when it has one."""
        self._session = session
        self._tokens = tokens
        self._discover = discover
        self._verify = verify
        self._file = file
        self._named = frozenset(session.nodes.addresses)
        self._looking: asyncio.Task[None] | None = None
        self._light = Light(session.nodes, session.attempts, self._follow)

    async def connected(self) -> Ledger:
        """Finds out which chain is served, and whom to trust.

        Raises:
            LedgerError: as `connect` says.
        """
        session = self._session
        found = await session.attempts(None).run(read_consortium)
        if session.chain_id not in (b"", found.chain_id):
            said = f"{session.nodes.current.address} serves {found.chain_id.hex()}"
            raise LedgerError(Code.WRONG_CHAIN, said)
        session.chain_id = found.chain_id
        self._tokens.learn_chain(found.chain_id)
        self._light.begin(found.chain_id, HeadFile.beside(self._file) if self._file else None)
        if session.profile is None or session.profile.insecure:
            # Nothing is encrypted, so an address is no more trusted than whoever told it.
            if self._discover:
                session.nodes.learn(Endpoint(address) for address in found.client_addresses)
        else:
            await self._look()
            self._looking = asyncio.create_task(self._keep_looking())
        reads = VerifiedReads(session, self._light) if self._verify else PlainReads(session)
        return Ledger(session, reads)

    async def close(self) -> None:
        """Keeps the newest head, where that can be done, and closes the connections."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        try:
            await self._light.close()
        except LedgerError as error:
            # Raised, it would take the place of what the caller has done by now.
            _logger.warning("the newest head was not kept: %s", error.message)
        finally:
            await self._session.nodes.close()

    async def _look(self) -> None:
        """Learns whom to trust by now, where a quorum of the members lets it be known."""
        try:
            await self._light.fresh(timeout_seconds=_LOOK_SECONDS)
        except LedgerError as error:
            if error.code not in RETRYABLE | MISTAKEN:
                raise
            # Writing needs no certified head, and a read will ask again.

    async def _keep_looking(self) -> None:
        """A client that only writes must not miss that its nodes change their certificates."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            try:
                await self._look()
            except LedgerError as error:
                # A read would raise it; nobody reads now, and other nodes may show what is right.
                _logger.warning("a node's head is refused: %s", error.message)

    async def _follow(self, standing: Standing) -> None:
        """Trusts the nodes that a certified head commits to, and no others."""
        profile = self._session.profile
        if profile is None or profile.insecure:
            return
        found = consortium_of(standing.chain_id, standing.consortium, standing.size - 1)
        moved = profile.with_nodes(found.trusted_nodes, found.height)
        if moved.nodes == profile.nodes:
            return
        self._session.profile = moved
        endpoints = endpoints_of(moved)
        if not self._discover:
            endpoints = [each for each in endpoints if each.address in self._named]
        self._session.nodes.follow(endpoints)
        if self._file is not None:
            await asyncio.to_thread(moved.save, self._file)
