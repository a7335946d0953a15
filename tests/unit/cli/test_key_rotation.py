"""What `node rotate-key` asks the ledger to change."""

from hashlib import sha256

import pytest

from twinledger.cli import key_rotation

OLDER, OLD, NEW = b"older", b"old", b"new"
UNTIL_US = 1_800_000_000_000_000


def changes(*before: bytes, drop_old: bool) -> list[tuple[bytes, bytes]]:
    """Each operation's certificate that comes, and the hash of the one that goes."""
    made = key_rotation._changes("utility-1", before, NEW, UNTIL_US, drop_old=drop_old)
    assert {each.update_node.node_id for each in made} == {"utility-1"}
    assert made[0].update_node.add_certificate.valid_until_us == UNTIL_US
    return [
        (each.update_node.add_certificate.der, each.update_node.remove_certificate) for each in made
    ]


def gone(der: bytes) -> bytes:
    return sha256(der).digest()


@pytest.mark.parametrize(
    ("before", "drop_old", "expected"),
    [
        ((OLD,), False, [(NEW, b"")]),
        ((OLDER, OLD), False, [(NEW, gone(OLDER))]),
        ((OLD,), True, [(NEW, gone(OLD))]),
        ((OLDER, OLD), True, [(NEW, gone(OLDER)), (b"", gone(OLD))]),
    ],
)
def test_the_newest_old_certificate_stays_unless_it_is_dropped(before, drop_old, expected):
    assert changes(*before, drop_old=drop_old) == expected
