"""A devnet's profile follows the ledger: its nodes join, leave and change their certificates."""

from typing import Final

from twinledger.client import connect
from twinledger.devnet.layout import Layout, profile_path

_TIMEOUT_SECONDS: Final = 5.0


async def refresh_profile(layout: Layout) -> bool:
    """Writes profile.toml anew when a certified head commits to other nodes than it names.

    As every client of a devnet does for itself; here it is kept. While no quorum of the members
    signs, and where nothing is encrypted, it stays as it is.

    Returns:
        Whether it was written.

    Raises:
        LedgerError: as `connect` does.
    """
    before = layout.profile
    async with connect(
        profile=before, identity=layout.identity(), timeout_seconds=_TIMEOUT_SECONDS
    ) as ledger:
        now = ledger.profile
    if now is None or now.nodes == before.nodes:
        return False
    now.save(profile_path(layout.path))
    return True
