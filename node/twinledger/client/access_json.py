"""Rules and sign-offs as JSON, losing nothing."""

from collections.abc import Iterable
from typing import Any

from twinledger.client import access_operations as build
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import access_pb2

Fields = dict[str, Any]


def rule_to_json(rule: access_pb2.AccessRule) -> Fields:
    """The JSON object of a rule."""
    return {
        "path": rule.path,
        "subject": rule.subject,
        "effect": effect_name(rule.effect),
        "permissions": permission_names(rule.permissions),
        **_expiry(rule),
    }


def rule_from_json(content: Any) -> access_pb2.AccessRule:
    """The rule of a JSON object, or BAD_RULE."""
    match content:
        case {"subject": str(subject), "permissions": [*names], **rest} if not (
            rest.keys() - {"path", "effect", "expires_at_us"}
        ):
            return build.rule(
                subject,
                [permission_named(name) for name in names],
                path=_text(rest.get("path", "")),
                effect=effect_named(rest.get("effect", "grant")),
                expires_at=_time(rest.get("expires_at_us")),
            )
    said = "a rule has subject, permissions, and perhaps path, effect and expires_at_us"
    raise LedgerError(Code.BAD_RULE, said)


def sign_off_to_json(sign_off: access_pb2.SignOff) -> Fields:
    """The JSON object of a sign-off."""
    return {
        "path": sign_off.path,
        "permissions": permission_names(sign_off.permissions),
        "required": sign_off.required,
        "parties": list(sign_off.parties),
        **_expiry(sign_off),
    }


def sign_off_from_json(content: Any) -> access_pb2.SignOff:
    """The sign-off of a JSON object, or BAD_SIGN_OFF."""
    match content:
        case {
            "required": int(required),
            "parties": [*parties],
            "permissions": [*names],
            **rest,
        } if not rest.keys() - {"path", "expires_at_us"}:
            return build.sign_off(
                required,
                parties,
                [permission_named(name) for name in names],
                path=_text(rest.get("path", "")),
                expires_at=_time(rest.get("expires_at_us")),
            )
    said = "a sign-off has required, parties, permissions, and perhaps path and expires_at_us"
    raise LedgerError(Code.BAD_SIGN_OFF, said)


def permission_named(text: Any) -> Permission:
    """The permission of this name, in small letters, or BAD_RULE."""
    for permission in Permission:
        if str(permission.name).lower() == text:
            return permission
    raise LedgerError(Code.BAD_RULE, f"{text!r} is no permission")


def effect_named(text: Any) -> Effect:
    """The effect of this name, in small letters, or BAD_RULE."""
    for effect in Effect:
        if effect.name.lower() == text:
            return effect
    raise LedgerError(Code.BAD_RULE, f"{text!r} is no effect")


def effect_name(number: access_pb2.Effect.ValueType) -> str:
    """An effect's name, in small letters."""
    return access_pb2.Effect.Name(number).removeprefix("EFFECT_").lower()


def permission_names(numbers: Iterable[access_pb2.Permission.ValueType]) -> list[str]:
    """The permissions' names, in small letters."""
    return [
        access_pb2.Permission.Name(number).removeprefix("PERMISSION_").lower() for number in numbers
    ]


def _expiry(message: access_pb2.AccessRule | access_pb2.SignOff) -> Fields:
    return {"expires_at_us": message.expires_at_us} if message.HasField("expires_at_us") else {}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise LedgerError(Code.BAD_POLICY_PATH, "a path is text")
    return value


def _time(value: object) -> int | None:
    if value is None or type(value) is int:
        return value
    raise LedgerError(Code.BAD_RULE, "expires_at_us is an int")
