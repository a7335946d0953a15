"""The roles of identities."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """What an identity may do; the numbers stand on the wire and in the state."""

    ADMIN = 1
    OPERATOR = 2
    DEVICE = 3
    AUDITOR = 4
