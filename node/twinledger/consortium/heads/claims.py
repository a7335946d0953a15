"""The heads that witnesses claim to have signed, unchecked: of each witness the largest.

A node that catches up hears of every head long before it has executed its block, so nothing here
may look at all that is kept for each claim that comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from twinledger.consortium.heads.checks import Claim

MAX_CLAIMS: Final = 1_024
"""Heads of one witness that stay when it claims more than twice as many: the largest."""

Head = tuple[int, bytes]
"""Size and root."""


def head_of(claim: Claim) -> Head:
    """The head that a claim is of."""
    return claim.signed.checkpoint.size, claim.signed.checkpoint.root


class Claims:
    """The claims of all witnesses, found by witness or by size."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, dict[Head, Claim]] = {}
        self._by_size: dict[int, dict[bytes, dict[bytes, Claim]]] = {}
        """Size, root, public key."""

    def add(self, claim: Claim, spared: int | None) -> None:
        """Keeps a claim, instead of an earlier one of the same head.

        Of a witness that claims too many the smallest heads are dropped, but not those of the
        spared size. They are dropped many at a time, so that a claim costs no search.
        """
        size, root = head_of(claim)
        kept = self._by_key.setdefault(claim.public_key, {})
        kept[size, root] = claim
        self._by_size.setdefault(size, {}).setdefault(root, {})[claim.public_key] = claim
        if len(kept) > 2 * MAX_CLAIMS:
            for head in sorted(head for head in kept if head[0] != spared)[:-MAX_CLAIMS]:
                self.drop(kept[head])

    def drop(self, claim: Claim) -> None:
        """Forgets a claim, if it is still the one kept of its head."""
        size, root = head_of(claim)
        kept = self._by_key.get(claim.public_key, {})
        if kept.get((size, root)) != claim:
            return
        del kept[size, root]
        roots = self._by_size[size]
        del roots[root][claim.public_key]
        if not roots[root]:
            del roots[root]
        if not roots:
            del self._by_size[size]

    def forget_below(self, size: int) -> None:
        """Drops all heads of smaller sizes."""
        for below in [each for each in self._by_size if each < size]:
            for root, claims in self._by_size.pop(below).items():
                for key in claims:
                    del self._by_key[key][below, root]

    def get(self, public_key: bytes, head: Head) -> Claim | None:
        """What a witness claimed of a head."""
        return self._by_key.get(public_key, {}).get(head)

    def of_size(self, size: int) -> Mapping[bytes, Mapping[bytes, Claim]]:
        """The claims of one size, by root and by public key."""
        return self._by_size.get(size, {})

    def up_to(self, size: int) -> Iterator[tuple[Head, Mapping[bytes, Claim]]]:
        """The claims by head and public key, of this size at most."""
        for each in [each for each in self._by_size if each <= size]:
            for root, claims in self._by_size[each].items():
                yield (each, root), claims

    def by_witness(self) -> Iterator[tuple[bytes, Mapping[Head, Claim]]]:
        """Public key and claims of every witness that claimed anything."""
        yield from self._by_key.items()
