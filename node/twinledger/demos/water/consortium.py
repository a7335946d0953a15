"""Brings the water network onto the ledger: who takes part, what there is, what feeds what."""

from collections.abc import Mapping, Sequence

from twinledger.client import Identity, Ledger, Operation, Receipt
from twinledger.client.operations import admit_identity
from twinledger.demos.water.gateways import Gateway
from twinledger.demos.water.network import Network
from twinledger.demos.water.scenario import creations, relations, roles
from twinledger.devnet.layout import Layout

Keys = Mapping[str, Identity]
"""Identities with their private keys, by full name."""


def make_keys(layout: Layout, gateways: Sequence[Gateway]) -> Keys:
    """Makes a key for everybody who takes part, and keeps it with the devnet's own."""
    keys = {name: Identity.generate(name) for name in roles(gateways)}
    for name, identity in keys.items():
        identity.save(layout.key_file(name))
    return keys


async def admit(
    ledger: Ledger, layout: Layout, keys: Keys, gateways: Sequence[Gateway]
) -> list[Receipt]:
    """Each member's admin admits the member's own identities, in one transaction a member."""
    receipts = []
    for member in layout.members:
        admissions = [
            admit_identity(name, keys[name].public_key, role)
            for name, role in roles(gateways).items()
            if keys[name].member == member
        ]
        admin = layout.identity(f"{member}/admin")
        receipts.append(await ledger.submit(*admissions, authors=[admin]))
    return receipts


async def write_network(
    ledger: Ledger, keys: Keys, network: Network, gateways: Sequence[Gateway]
) -> list[Receipt]:
    """Each member's operator creates the member's twins, then relates them."""
    created = await _submit_each(ledger, keys, creations(network, gateways))
    return created + await _submit_each(ledger, keys, relations(network, gateways))


async def _submit_each(
    ledger: Ledger, keys: Keys, signed_by: Mapping[str, Sequence[Operation]]
) -> list[Receipt]:
    return [
        await ledger.submit(*operations, authors=[keys[name]])
        for name, operations in signed_by.items()
    ]
