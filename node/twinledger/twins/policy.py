"""A twin's policy as the state keeps it: rules and sign-offs, in one leaf."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from twinledger.ledger.access import (
    Effect,
    Permission,
    PolicyPath,
    Rule,
    SignOff,
    Subject,
    in_force,
)
from twinledger.ledger.canonical import CanonicalValue, MapForm, Timestamp
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.ledger.state import StateDraft, StateView, split_leaf

_POLICY = MapForm(rules=list, sign_offs=list)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is said of a twin beyond the rules that hold for every twin.

    Attributes:
        rules: One for each path, subject and effect, in that order.
        sign_offs: One for each path, in order.
    """

    rules: tuple[Rule, ...] = ()
    sign_offs: tuple[SignOff, ...] = ()

    def __len__(self) -> int:
        return len(self.rules) + len(self.sign_offs)

    def encode(self) -> bytes:
        """The canonical leaf."""
        return _POLICY.encode(
            [_encode_rule(rule) for rule in self.rules],
            [_encode_sign_off(sign_off) for sign_off in self.sign_offs],
        )

    @classmethod
    @lru_cache(maxsize=16_384)  # a hot twin's policy is asked at every update
    def decode(cls, raw: bytes) -> Policy:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        rules, sign_offs = split_leaf(_POLICY, raw)
        try:
            return cls(
                tuple([_read_rule(*fields) for fields in rules]),
                tuple([_read_sign_off(*fields) for fields in sign_offs]),
            )
        except (TypeError, ValueError, LedgerError):
            raise LedgerError(Code.DATA_DAMAGED, "a twin's policy") from None

    def without_expired(self, time_us: int) -> Policy:
        """The policy less what counts no more at a block's time."""
        return Policy(
            tuple([rule for rule in self.rules if in_force(rule, time_us)]),
            tuple([sign_off for sign_off in self.sign_offs if in_force(sign_off, time_us)]),
        )

    def rule(self, path: PolicyPath, subject: Subject, effect: Effect) -> Rule | None:
        """The rule of a path, a subject and an effect."""
        place = (path, subject.text, effect)
        return next((rule for rule in self.rules if _place(rule) == place), None)

    def with_rule(self, rule: Rule) -> Policy:
        """The policy with a rule in place of the one it replaces."""
        others = [each for each in self.rules if _place(each) != _place(rule)]
        return replace(self, rules=tuple(sorted([*others, rule], key=_place)))

    def without_rule(self, rule: Rule) -> Policy:
        """The policy less one of its rules."""
        return replace(self, rules=tuple([each for each in self.rules if each != rule]))

    def sign_off(self, path: PolicyPath) -> SignOff | None:
        """The sign-off of a path."""
        return next((each for each in self.sign_offs if each.path == path), None)

    def with_sign_off(self, sign_off: SignOff) -> Policy:
        """The policy with a sign-off in place of the one it replaces."""
        others = [each for each in self.sign_offs if each.path != sign_off.path]
        kept = sorted([*others, sign_off], key=lambda each: each.path)
        return replace(self, sign_offs=tuple(kept))

    def without_sign_off(self, path: PolicyPath) -> Policy:
        """The policy less the sign-off of a path."""
        kept = [each for each in self.sign_offs if each.path != path]
        return replace(self, sign_offs=tuple(kept))


NO_POLICY: Final = Policy()
"""What most twins have: only the rules that hold for every twin."""


POLICIES = b"policy/"


def policy_key(twin_id: TwinId) -> bytes:
    """Where the state keeps a twin's policy."""
    return POLICIES + twin_id.encode()


def load_policy(state: StateView, twin_id: TwinId) -> Policy:
    """A twin's policy, which is empty when nothing was ever said."""
    raw = state.get(policy_key(twin_id))
    return NO_POLICY if raw is None else Policy.decode(raw)


def store_policy(state: StateDraft, twin_id: TwinId, policy: Policy) -> None:
    """Keeps a policy; an empty one has no leaf."""
    if policy == NO_POLICY:
        state.delete(policy_key(twin_id))
    else:
        state.put(policy_key(twin_id), policy.encode())


def _place(rule: Rule) -> tuple[str, str, Effect]:
    return rule.path, rule.subject.text, rule.effect


def _encode_rule(rule: Rule) -> CanonicalValue:
    return [
        rule.path,
        rule.subject.text,
        int(rule.effect),
        int(rule.permissions),
        _encode_time(rule.expires_at_us),
    ]


def _read_rule(path: Any, subject: Any, effect: Any, permissions: Any, expires: Any) -> Rule:
    return Rule(
        PolicyPath(path),
        Subject.parse(subject),
        Effect(effect),
        Permission(permissions),
        _read_time(expires),
    )


def _encode_sign_off(sign_off: SignOff) -> CanonicalValue:
    return [
        sign_off.path,
        int(sign_off.permissions),
        sign_off.required,
        [party.text for party in sign_off.parties],
        _encode_time(sign_off.expires_at_us),
    ]


def _read_sign_off(
    path: Any, permissions: Any, required: Any, parties: Any, expires: Any
) -> SignOff:
    return SignOff(
        PolicyPath(path),
        Permission(permissions),
        required,
        tuple([Subject.parse(party) for party in parties]),
        _read_time(expires),
    )


def _encode_time(time_us: int | None) -> Timestamp | None:
    return None if time_us is None else Timestamp(time_us)


def _read_time(value: Timestamp | None) -> int | None:
    return None if value is None else value.us
