"""How large proofs are, and how long it takes to verify them, by the number of twins.

    scripts/bench proofs

A chain of four members is executed into LevelDB; a node's code makes the bundles and the verifier
of an auditor checks them. Beside the whole size it tells what the claim itself takes, which is all
but the genesis file and the certificate, and the size of a file that begins at a head instead.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.benchmark.chain import BLOCK_US, TIME_US, Chain, member, witness_key
from twinledger.client import operations as op
from twinledger.consensus import EntryKind
from twinledger.consortium.members import Member
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.block import encode_body
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.names import TwinId
from twinledger.ledger.receipt import Receipt
from twinledger.node.proving import ProvenSnapshot
from twinledger.proofs.builder import Builder
from twinledger.proofs.claims import Claim
from twinledger.proofs.history_builder import history_claim, transaction_claim
from twinledger.proofs.standing import Standing
from twinledger.proofs.verify import verify
from twinledger.v1 import operation_pb2

NAMES = ("utility", "maker", "plant", "regulator")
PER_TRANSACTION = 400
PUMP = TwinId("pump-7")
UPDATES = 10
PROPERTIES = 8


@dataclass(frozen=True, slots=True)
class NoChanges:
    """The book of certificates of a consortium whose witnesses never changed."""

    def changes(self, after_size: int = 0) -> Iterator[tuple[int, bytes]]:
        """No change of the witnesses, above any size."""
        del after_size
        return iter(())

    def members(self) -> Iterator[tuple[int, bytes]]:
        """No change of the consortium."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of proof."""

    twins: int
    kind: str
    whole: int
    claim: int
    from_head: int
    milliseconds: float
    """Of the processor."""


@click.command()
@click.option("--twins", default="1000,10000,100000", show_default=True, help="How many there are.")
@click.option("--times", default=50, show_default=True, help="Verifications of each.")
def main(twins: str, times: int) -> None:
    """Measure proofs."""
    rows: list[Row] = []
    for size in [int(number) for number in twins.split(",")]:
        with tempfile.TemporaryDirectory(prefix="twinledger-bench-") as folder:
            chain = Chain.create(Path(folder) / "chain", members=_members())
            _fill(chain, size)
            rows += _measured(chain, size, times)
            chain.close()
    table = Table(title="Proofs, four members", box=box.SIMPLE_HEAD)
    for name in ("twins", "proof", "bytes", "claim alone", "from a head", "ms to verify"):
        table.add_column(name, justify="left" if name == "proof" else "right")
    for row in rows:
        numbers = [f"{number:,}" for number in (row.whole, row.claim, row.from_head)]
        table.add_row(f"{row.twins:,}", row.kind, *numbers, f"{row.milliseconds:.2f}")
    Console().print(table)


def _members() -> list[Member]:
    return [
        member(name, f"127.0.0.1:{2 * number + 1}", f"127.0.0.1:{2 * number + 2}")
        for number, name in enumerate(NAMES)
    ]


def _fill(chain: Chain, twins: int) -> None:
    names = [f"pump-{number}" for number in range(twins)]
    for start in range(0, twins, PER_TRANSACTION):
        created = [
            op.create_twin(name, op.changes_of({"flow": 1.0}))
            for name in names[start : start + PER_TRANSACTION]
        ]
        _block(chain, *created)
    for number in range(UPDATES):
        values = {f"sensor-{place}": float(number) for place in range(PROPERTIES - 1)}
        _block(chain, op.update_twin(PUMP, op.changes_of(values)))
    for _ in range(5):
        _block(chain)


def _block(chain: Chain, *operations: operation_pb2.Operation) -> None:
    height = chain.height + 1
    transactions = [chain.sign(height, *operations)] if operations else []
    body = encode_body(TIME_US + height * BLOCK_US, transactions)
    chain.extend([(EntryKind.BLOCK, body)])


def _measured(chain: Chain, twins: int, times: int) -> list[Row]:
    with chain.stores.chain.snapshot() as reader:
        view = ProvenSnapshot(reader)
        witnesses = witness_set(chain.genesis.consortium)
        origin = origin_of(chain.genesis.chain_id)
        head = Checkpoint(origin, view.size, view.history_root(view.size))
        signed = [
            cosign(key, each.name, head, TIME_US // 1_000_000)
            for each in witnesses.witnesses
            for key in map(witness_key, NAMES)
            if key.public_key == each.public_key
        ]
        certificate = certify(witnesses, head, signed).encode()
        builder = Builder(view, NoChanges(), certificate, chain.genesis.body)
        updated = Receipt.decode(reader.receipts(head.height - 6)[0]).transaction_id
        makers: dict[str, Callable[[], Claim]] = {
            "head": builder.head_claim,
            f"twin, {PROPERTIES} properties": lambda: builder.twin_claim(PUMP),
            "one property": lambda: builder.property_claim(PUMP, b"reported/flow"),
            "absence": lambda: builder.absent_claim(TwinId("nobody")),
            f"history, {UPDATES + 1} updates": lambda: history_claim(builder, PUMP),
            "silence": lambda: builder.silence_claim(PUMP, head.height - 4, None),
            "transaction": lambda: transaction_claim(builder, updated),
        }
        first = verify(builder.bundle(builder.head_claim()), chain.genesis.chain_id).trusted
        return [_row(builder, twins, kind, make(), first, times) for kind, make in makers.items()]


def _row(
    builder: Builder, twins: int, kind: str, claim: Claim, head: Standing | None, times: int
) -> Row:
    raw = builder.bundle(claim)
    fixed = len(builder.genesis) + len(builder.certificate)
    begun = len(builder.bundle(claim, builder.head.size))
    spent = []
    for _ in range(times):
        started = time.process_time()
        verify(raw, head.chain_id if head else None)
        spent.append(time.process_time() - started)
    return Row(twins, kind, len(raw), len(raw) - fixed, begun, median(spent) * 1e3)


if __name__ == "__main__":
    main()
