"""One bundle of every kind, under four changes of the witnesses, anchored both ways."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.unit.ledger.wire import create, increment, relate, set_, update
from tests.unit.proofs.world import World
from twinledger.ledger.names import TwinId
from twinledger.ledger.transaction import parse
from twinledger.proofs.builder import Builder
from twinledger.proofs.claims import Claim
from twinledger.proofs.history_builder import history_claim, transaction_claim
from twinledger.proofs.read_builder import (
    block_claim,
    block_transactions_claim,
    parts_claim,
    state_claim,
    updates_claim,
)
from twinledger.proofs.standing import Standing
from twinledger.proofs.verify import verify

PUMP, TANK = TwinId("pump-7"), TwinId("tank-1")


def everything(_height: int, _index: int) -> bool:
    return True


@dataclass(frozen=True)
class Case:
    """A valid bundle with what a verifier needs to trust it."""

    name: str
    raw: bytes
    chain_id: bytes | None
    trusted: Standing | None
    head: bytes | None
    recovered: bool = False

    @property
    def world(self) -> World:
        """The chain it is of."""
        return recovered_world() if self.recovered else world()


@cache
def world() -> World:
    """Heights: 1 creates, 2 and 6 replace a witness, others update; 10 disqualifies one.

    At 11 its member has another one.
    """
    found = until_the_second_change()
    chain = found
    chain.append(chain.sign(update("tank-1", set_("level", 5.0))))
    chain.append()
    chain.append(chain.sign(create("pump-8", set_("flow", 1.0))))
    chain.disqualify("regulator", "regulator-1")
    chain.replace_voter("regulator", "regulator-2")
    chain.append()
    return found


@cache
def recovered_world() -> World:
    """Heights up to 6 as there, then: 7 opens epoch 1, 8 changes witnesses, 9 updates."""
    found = until_the_second_change()
    found.recover()
    found.replace_voter("utility", "utility-2")
    found.append(found.sign(update("tank-1", set_("level", 7.0))))
    return found


def until_the_second_change() -> World:
    """Heights 0 to 6."""
    found = World()
    chain = found
    chain.append(
        chain.sign(
            create("tank-1", set_("level", 3.5)),
            create("pump-7", set_("flow", 12.5), set_("motor/starts", 1), model="dtmi:x:Pump;1"),
            relate("pump-7", "feeds", "tank-1"),
        ),
        chain.sign(create("valve-1")),
        b"no transaction",
    )
    chain.replace_voter("maker", "maker-2")
    chain.append(chain.sign(update("pump-7", set_("flow", 13.0))))
    chain.append(
        chain.sign(update("tank-1", set_("level", 4.0))), chain.sign(update("gone", set_("x", 1)))
    )
    chain.append(chain.sign(update("pump-7", increment("motor/starts", 1))))
    chain.replace_voter("plant", "plant-2")
    return found


def transaction_id(found: World, height: int, index: int = 0) -> bytes:
    return parse(found.blocks[height].transactions[index], found.genesis.limits).id


@cache
def cases() -> tuple[Case, ...]:
    """Every kind from genesis and from a head that a verifier trusted after the first change."""
    found = world()
    builder = found.builder()
    claims: dict[str, Claim] = {
        "head": builder.head_claim(),
        "twin": builder.twin_claim(PUMP),
        "old twin": builder.twin_claim(PUMP, 3),
        "property": builder.property_claim(PUMP, b"reported/flow"),
        "relationship": builder.property_claim(PUMP, b"relationship/feeds/tank-1"),
        "no property": builder.property_claim(PUMP, b"desired/flow"),
        "absent": builder.absent_claim(TwinId("pump-9")),
        "absent once": builder.absent_claim(TwinId("pump-8"), 8),
        "history": history_claim(builder, PUMP),
        "old history": history_claim(builder, TANK, 4),
        "silence": builder.silence_claim(PUMP, 5, 9),
        "transaction": transaction_claim(builder, transaction_id(found, 1)),
        "refused transaction": transaction_claim(builder, transaction_id(found, 4, 1)),
        "block": block_claim(builder, 1),
        "empty block": block_claim(builder, 8),
        "state": state_claim(builder, [b"consortium", b"protocol", b"twin/tank-1"]),
        "old state": state_claim(builder, [b"identity/maker/admin", b"policy/pump-7"], 4),
        "parts": parts_claim(
            builder, {PUMP: [b"reported/flow", b"relationship/feeds/tank-1"], TANK: []}
        ),
        "transactions of a twin": updates_claim(builder, PUMP, 0, 100, everything),
        "transactions of a block": block_transactions_claim(builder, 1, [0, 1], everything),
        "transactions, none": block_transactions_claim(builder, 7, [], everything),
    }
    return tuple(_before_recovery(claims, builder)) + tuple(_after_recovery())


def _after_recovery() -> Iterator[Case]:
    """From genesis, from a head of the epoch before, and from one of the epoch that goes on."""
    found = recovered_world()
    builder, chain_id = found.builder(), found.genesis.chain_id
    claims: dict[str, Claim] = {
        "head": builder.head_claim(),
        "twin": builder.twin_claim(TANK),
        "old transaction": transaction_claim(builder, transaction_id(found, 1)),
    }
    for size in (0, 4, 8):
        old = found.builder(size or None)
        head = old.bundle(old.head_claim()) if size else None
        trusted = verify(head, chain_id).trusted if head else None
        where = f"head {size}" if size else "genesis"
        for name, claim in claims.items():
            raw = builder.bundle(claim, size)
            known = None if size else chain_id
            yield Case(f"{name} after a recovery from {where}", raw, known, trusted, head, True)


def _before_recovery(claims: dict[str, Claim], builder: Builder) -> Iterator[Case]:
    found = world()
    old = found.builder(4)
    head = old.bundle(old.head_claim())
    first = verify(head, found.genesis.chain_id)
    return (
        Case(
            f"{name} {where}",
            builder.bundle(claim, size),
            chain_id,
            trusted,
            head if trusted else None,
        )
        for name, claim in claims.items()
        for where, size, chain_id, trusted in (
            ("from genesis", 0, found.genesis.chain_id, None),
            ("from a head", 4, None, first.trusted),
        )
    )
