"""Sends the day's readings to the ledger, as the gateways of a real network would.

A gateway sends its next reading once the last one stands in a block, so every twin's history is in
time order whatever is lost and sent again on the way; the gateways together keep the stream full.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from twinledger.client import Identity, Ledger, Receipt, SignedTransaction
from twinledger.demos.water.scenario import Reading

WINDOW = 256
"""Transactions in flight at most."""

TIMEOUT_SECONDS = 120.0
"""How long one reading is tried: longer than any election, and within its signature's lifetime."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A reading that stands in a block."""

    reading: Reading
    receipt: Receipt


class Delivery:
    """One run of readings through one client."""

    def __init__(self, ledger: Ledger, keys: Mapping[str, Identity]) -> None:
        """`keys` holds every gateway's identity by its full name."""
        self._ledger = ledger
        self._keys = keys
        self._under_way: dict[bytes, Reading] = {}
        self._free: dict[str, asyncio.Event] = {}

    async def run(self, readings: Iterable[Reading]) -> AsyncIterator[Delivered]:
        """Sends readings in their order and yields each with its receipt, in any order.

        Raises:
            LedgerError: A reading had no effect, or its outcome is not known.
        """
        outcomes = self._ledger.submit_many(
            self._signed_in_turn(readings), window=WINDOW, timeout_seconds=TIMEOUT_SECONDS
        )
        async for outcome in outcomes:
            reading = self._under_way.pop(outcome.transaction.id)
            self._turn(reading).set()
            yield Delivered(reading, outcome.receipt)

    async def _signed_in_turn(
        self, readings: Iterable[Reading]
    ) -> AsyncIterator[SignedTransaction]:
        for reading in readings:
            turn = self._turn(reading)
            await turn.wait()
            turn.clear()
            author = self._keys[reading.gateway.identity]
            transaction = self._ledger.sign(*reading.operations, authors=[author])
            self._under_way[transaction.id] = reading
            yield transaction

    def _turn(self, reading: Reading) -> asyncio.Event:
        """Set while the reading's gateway has nothing under way."""
        name = reading.gateway.name
        if name not in self._free:
            self._free[name] = asyncio.Event()
            self._free[name].set()
        return self._free[name]
