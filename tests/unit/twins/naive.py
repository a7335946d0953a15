"""What docs/formats says of the trees of a state, computed from scratch and without our code."""

from collections.abc import Mapping
from hashlib import sha256

from tests.unit.ledger.trees import naive_root, naive_state_root
from twinledger.ledger.canonical import decode, encode

LEAVES = (b"property/", b"relationship/")


def naive_twin_root(leaves: Mapping[bytes, tuple[bytes, bytes]]) -> bytes:
    """The property root of a map of keys to salts and records."""
    return naive_root(
        {
            sha256(b"twinledger/v1/twin-path\0" + key).digest(): sha256(
                b"twinledger/v1/twin-value\0" + salt + record
            ).digest()
            for key, (salt, record) in leaves.items()
        }
    )


def naive_leaves(state: Mapping[bytes, bytes], twin_id: str) -> dict[bytes, tuple[bytes, bytes]]:
    """The leaves of a twin's tree: their salts, and their records without them."""
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for key, raw in state.items():
        kind, _, rest = key.partition(b"/")
        of, _, place = rest.partition(b"/")
        if key.startswith(LEAVES) and of == twin_id.encode():
            value = decode(raw)
            assert isinstance(value, dict)
            salt = value.pop("salt")
            assert isinstance(salt, bytes)
            found[b"relationship/" * (kind == b"relationship") + place] = salt, encode(value)
    return found


def naive_whole_root(state: Mapping[bytes, bytes]) -> bytes:
    """The state root; every twin must have the root of its own tree."""
    for key, raw in state.items():
        if key.startswith(b"twin/"):
            twin = decode(raw)
            assert isinstance(twin, dict)
            leaves = naive_leaves(state, key.removeprefix(b"twin/").decode())
            assert twin["property_root"] == naive_twin_root(leaves)
    return naive_state_root(
        {key: value for key, value in state.items() if not key.startswith(LEAVES)}
    )
