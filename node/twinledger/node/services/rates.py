"""How often an identity may call: a token bucket for each, filled as the ledger's limit says."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName

_BURST_SECONDS: Final = 2.0
"""How many seconds' worth may come at once."""
_IDENTITIES_KEPT: Final = 16_384
"""A bucket that is dropped is a full one when it comes back."""


@dataclass(slots=True)
class _Bucket:
    level: float
    filled_at_s: float


@dataclass(slots=True)
class Rates:
    """The buckets of all callers of this node."""

    clock_s: Callable[[], float] = time.monotonic
    _buckets: "OrderedDict[IdentityName, _Bucket]" = field(default_factory=OrderedDict)

    def take(self, identity: IdentityName, count: int, per_second: int) -> int:
        """Let as many of `count` requests pass as there is room for; return how many."""
        bucket = self._filled(identity, per_second)
        passed = min(count, int(bucket.level))
        bucket.level -= passed
        return passed

    def refusal(self, identity: IdentityName, per_second: int) -> LedgerError:
        """Say when there will be room for one more."""
        missing = 1.0 - self._filled(identity, per_second).level
        after_us = max(1, int(missing / per_second * 1e6))
        said = f"at most {per_second} requests a second"
        return LedgerError(Code.RATE_LIMITED, said, retry_after_us=after_us)

    def _filled(self, identity: IdentityName, per_second: int) -> _Bucket:
        now_s, most = self.clock_s(), max(1.0, _BURST_SECONDS * per_second)
        bucket = self._buckets.get(identity)
        if bucket is None:
            bucket = self._buckets[identity] = _Bucket(most, now_s)
            if len(self._buckets) > _IDENTITIES_KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(identity)
        bucket.level = min(most, bucket.level + (now_s - bucket.filled_at_s) * per_second)
        bucket.filled_at_s = now_s
        return bucket
