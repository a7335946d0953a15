"""The bound that no ledger of this kind can pass: every node checks every signature."""

import os
import time

from twinledger.ledger.keys import SigningKey, verify

_CHECKS = 2_000
_MESSAGE_BYTES = 512
"""About the size of a transaction with a value of 256 bytes."""


def seconds_per_check() -> float:
    """Processor time of one signature check, as execution makes it: the best of five runs."""
    key = SigningKey.generate()
    message = os.urandom(_MESSAGE_BYTES)
    signature = key.sign(message)
    return min(_timed(key.public_key, message, signature) for _ in range(5)) / _CHECKS


def _timed(public_key: bytes, message: bytes, signature: bytes) -> float:
    started = time.process_time()
    for _ in range(_CHECKS):
        verify(public_key, message, signature)
    return time.process_time() - started


def bound(check_seconds: float, nodes: int) -> float:
    """Transactions a second that the machine's cores could at most check on all its nodes."""
    return len(os.sched_getaffinity(0)) / (nodes * check_seconds)
