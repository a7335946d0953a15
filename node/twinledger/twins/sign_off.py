"""Counting signatures against a sign-off: each author for one party at most."""

from __future__ import annotations

from collections.abc import Iterable

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger.access import SignOff


def signed_enough(sign_off: SignOff, authors: Iterable[IdentityRecord]) -> bool:
    """Whether as many authors as required each sign for a party of their own.

    A maximum matching by augmenting paths: parties may overlap (a member, and one of its
    identities), so counting the parties that somebody covers would count one author twice.
    """
    may_sign_for = [
        [
            number
            for number, party in enumerate(sign_off.parties)
            if party.covers(author.identity, author.role)
        ]
        for author in authors
    ]
    taken: dict[int, int] = {}
    matched = sum(_place(author, may_sign_for, taken, set()) for author in range(len(may_sign_for)))
    return matched >= sign_off.required


def _place(
    author: int, may_sign_for: list[list[int]], taken: dict[int, int], tried: set[int]
) -> bool:
    """Finds a party for an author, moving others to another of theirs where that makes room."""
    for party in may_sign_for[author]:
        if party in tried:
            continue
        tried.add(party)
        if party not in taken or _place(taken[party], may_sign_for, taken, tried):
            taken[party] = author
            return True
    return False
