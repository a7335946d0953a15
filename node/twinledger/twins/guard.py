"""Which access rules hold for a twin when an operation comes to it."""

from __future__ import annotations

from twinledger.ledger.state import StateView
from twinledger.twins.access import Access
from twinledger.twins.change import Place
from twinledger.twins.policy import load_policy
from twinledger.twins.records import Twin


def guard(state: StateView, twin: Twin, place: Place) -> Access:
    """The twin's owner and policy at the block's time."""
    return Access(twin.owner, load_policy(state, twin.twin_id), place.block_time_us)
