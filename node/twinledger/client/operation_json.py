"""Operations as JSON: what `tx submit` reads and what history shows, losing nothing.

Every operation is an object with `operation`, which names its kind, and that kind's fields. Changes
of properties stand in `changes`, in order; `set`, `delete`, `increment` and `desired` are short for
the usual ones. docs/cli.md has examples of all.
"""

from collections.abc import Callable
from typing import Any, Final

from twinledger.client import access_operations, operations
from twinledger.client.access_json import (
    effect_name,
    effect_named,
    rule_from_json,
    rule_to_json,
    sign_off_from_json,
    sign_off_to_json,
)
from twinledger.client.json_values import value_from_json, value_to_json
from twinledger.client.message_json import fill_from_json, message_to_json
from twinledger.client.operations import Change, Operation
from twinledger.client.values import from_message
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.operations import Role, Section
from twinledger.v1 import operation_pb2

Fields = dict[str, Any]

_EXPECTED: Final = ("expected_version", int)
_OBSERVED: Final = ("observed_at_us", int)
_RELATIONSHIP: Final[dict[str, type]] = {"source": str, "name": str, "target": str}
_SHORT: Final[dict[str, type]] = {
    "set": dict,
    "delete": list,
    "increment": dict,
    "desired": dict,
    "changes": list,
}

# For each kind: the fields it must have, and those it may have, with their JSON types.
_GRAMMAR: Final[dict[str, tuple[dict[str, type], dict[str, type]]]] = {
    "create": (
        {"twin": str},
        {"model": str, "set": dict, "desired": dict, "changes": list, **dict([_OBSERVED])},
    ),
    "update": ({"twin": str}, {**_SHORT, **dict([_EXPECTED, _OBSERVED])}),
    "relate": (_RELATIONSHIP, dict([_EXPECTED, _OBSERVED])),
    "unrelate": (_RELATIONSHIP, dict([_EXPECTED, _OBSERVED])),
    "retire": ({"twin": str}, {"successor": str, **dict([_EXPECTED, _OBSERVED])}),
    "put_rule": ({"twin": str, "rule": dict}, dict([_EXPECTED])),
    "delete_rule": (
        {"twin": str, "subject": str},
        {"path": str, "effect": str, **dict([_EXPECTED])},
    ),
    "put_sign_off": ({"twin": str, "sign_off": dict}, dict([_EXPECTED])),
    "delete_sign_off": ({"twin": str}, {"path": str, **dict([_EXPECTED])}),
    "transfer": ({"twin": str, "new_owner": str}, dict([_EXPECTED])),
    "admit": (
        {"identity": str, "public_key": str, "role": str},
        {"valid_from_us": int, "valid_until_us": int},
    ),
    "revoke": ({"identity": str}, {}),
}

# These are read and written with the names of the wire.
_WIRE_KINDS: Final = (
    "rotate_key",
    "propose",
    "vote",
    "withdraw",
    "update_node",
    "replace_node",
    "submit_evidence",
)


def operation_from_json(content: Any) -> Operation:
    """The operation that a parsed JSON object stands for.

    Raises:
        LedgerError: UNKNOWN_OPERATION, BAD_REQUEST naming the field, or what its value met.
    """
    if not isinstance(content, dict):
        raise LedgerError(Code.BAD_REQUEST, "an operation is an object")
    fields = dict(content)
    kind = fields.pop("operation", None)
    if kind in _WIRE_KINDS:
        operation = Operation()
        message = getattr(operation, kind)
        message.SetInParent()
        fill_from_json(message, fields)
        return operation
    if not isinstance(kind, str) or kind not in _GRAMMAR:
        kinds = ", ".join((*_GRAMMAR, *_WIRE_KINDS))
        raise LedgerError(Code.UNKNOWN_OPERATION, f"operation is one of {kinds}, not {kind!r}")
    _check_fields(kind, fields)
    return _READERS[kind](fields)


def _check_fields(kind: str, fields: Fields) -> None:
    required, optional = _GRAMMAR[kind]
    for name in required:
        if name not in fields:
            raise LedgerError(Code.BAD_REQUEST, f"{kind} needs the field {name}")
    for name, value in fields.items():
        expected = required.get(name) or optional.get(name)
        if expected is None:
            raise LedgerError(Code.BAD_REQUEST, f"{kind} has no field {name}")
        if type(value) is not expected:
            raise LedgerError(Code.BAD_REQUEST, f"{name} of {kind} must be {_said(expected)}")


def _said(expected: type) -> str:
    return {str: "text", int: "an int", list: "a list", dict: "an object"}[expected]


def _clocks(fields: Fields) -> Fields:
    return {
        "expected_version": fields.get("expected_version"),
        "observed_at": fields.get("observed_at_us"),
    }


def _read_create(fields: Fields) -> Operation:
    return operations.create_twin(
        fields["twin"],
        _read_changes(fields),
        model=fields.get("model", ""),
        observed_at=fields.get("observed_at_us"),
    )


def _read_update(fields: Fields) -> Operation:
    return operations.update_twin(fields["twin"], _read_changes(fields), **_clocks(fields))


def _read_relate(fields: Fields) -> Operation:
    ends = (fields["source"], fields["name"], fields["target"])
    return operations.relate(*ends, **_clocks(fields))


def _read_unrelate(fields: Fields) -> Operation:
    ends = (fields["source"], fields["name"], fields["target"])
    return operations.unrelate(*ends, **_clocks(fields))


def _read_retire(fields: Fields) -> Operation:
    successor = fields.get("successor", "")
    return operations.retire_twin(fields["twin"], successor=successor, **_clocks(fields))


def _read_put_rule(fields: Fields) -> Operation:
    rule = rule_from_json(fields["rule"])
    return access_operations.put_rule(fields["twin"], rule, **_expected(fields))


def _read_delete_rule(fields: Fields) -> Operation:
    return access_operations.delete_rule(
        fields["twin"],
        fields["subject"],
        path=fields.get("path", ""),
        effect=effect_named(fields.get("effect", "grant")),
        **_expected(fields),
    )


def _read_put_sign_off(fields: Fields) -> Operation:
    sign_off = sign_off_from_json(fields["sign_off"])
    return access_operations.put_sign_off(fields["twin"], sign_off, **_expected(fields))


def _read_delete_sign_off(fields: Fields) -> Operation:
    path = fields.get("path", "")
    return access_operations.delete_sign_off(fields["twin"], path=path, **_expected(fields))


def _read_transfer(fields: Fields) -> Operation:
    owner = fields["new_owner"]
    return access_operations.transfer_twin(fields["twin"], owner, **_expected(fields))


def _expected(fields: Fields) -> Fields:
    return {"expected_version": fields.get("expected_version")}


def _read_admit(fields: Fields) -> Operation:
    try:
        public_key = bytes.fromhex(fields["public_key"])
    except ValueError as error:
        raise LedgerError(Code.BAD_KEY, str(error)) from error
    bounds = fields.get("valid_from_us", 0), fields.get("valid_until_us", 0)
    role = role_named(fields["role"])
    return operations.admit_identity(fields["identity"], public_key, role, *bounds)


def _read_revoke(fields: Fields) -> Operation:
    return operations.revoke_identity(fields["identity"])


def role_named(text: str) -> Role:
    """The role of this name, in small letters.

    Raises:
        LedgerError: BAD_ROLE.
    """
    for role in Role:
        if role.name.lower() == text:
            return role
    raise LedgerError(Code.BAD_ROLE, repr(text))


def _read_changes(fields: Fields) -> list[Change]:
    usual = operations.changes_of(
        reported=_values(fields.get("set", {})),
        desired=_values(fields.get("desired", {})),
        delete=_paths(fields.get("delete", [])),
        increment=_values(fields.get("increment", {})),
    )
    return usual + [_read_change(change) for change in fields.get("changes", [])]


def _values(entries: Fields) -> Fields:
    return {path: value_from_json(content) for path, content in entries.items()}


def _paths(entries: list[Any]) -> list[str]:
    if not all(isinstance(path, str) for path in entries):
        raise LedgerError(Code.BAD_REQUEST, "delete is a list of paths")
    return entries


def _read_change(content: Any) -> Change:
    match content:
        case {"path": str(path), "section": ("reported" | "desired") as side, **change}:
            section = Section(side)
        case {"path": str(path), **change} if "section" not in change:
            section = Section.REPORTED
        case _:
            raise LedgerError(Code.BAD_CHANGE, "a change has a path and perhaps a section")
    match change:
        case {"set": value, **rest} if not rest:
            return operations.set_property(path, value_from_json(value), section)
        case {"delete": True, **rest} if not rest:
            return operations.delete_property(path, section)
        case {"increment": int() | float() as amount, **rest} if not rest:
            return operations.increment_property(path, amount, section)
    raise LedgerError(Code.BAD_CHANGE, f"{path}: one of set, delete (true) or increment")


_READERS: Final[dict[str, Callable[[Fields], Operation]]] = {
    "create": _read_create,
    "update": _read_update,
    "relate": _read_relate,
    "unrelate": _read_unrelate,
    "retire": _read_retire,
    "put_rule": _read_put_rule,
    "delete_rule": _read_delete_rule,
    "put_sign_off": _read_put_sign_off,
    "delete_sign_off": _read_delete_sign_off,
    "transfer": _read_transfer,
    "admit": _read_admit,
    "revoke": _read_revoke,
}

# The wire's kinds and fields, and what JSON calls them.
_KINDS: Final = {
    "create_twin": "create",
    "update_twin": "update",
    "relate": "relate",
    "unrelate": "unrelate",
    "retire_twin": "retire",
    "put_access_rule": "put_rule",
    "delete_access_rule": "delete_rule",
    "put_sign_off": "put_sign_off",
    "delete_sign_off": "delete_sign_off",
    "transfer_twin": "transfer",
    "admit_identity": "admit",
    "revoke_identity": "revoke",
}
_NAMES: Final = {
    "twin_id": "twin",
    "source_id": "source",
    "target_id": "target",
    "successor_id": "successor",
}


def operation_to_json(operation: Operation) -> Fields:
    """The JSON object of an operation; `operation_from_json` gives the same operation again.

    Raises:
        LedgerError: UNKNOWN_OPERATION for one that a newer version made.
    """
    kind = operation.WhichOneof("kind")
    if kind is None:
        raise LedgerError(Code.UNKNOWN_OPERATION)
    if kind in _WIRE_KINDS:
        return {"operation": kind, **message_to_json(getattr(operation, kind))}
    fields: Fields = {"operation": _KINDS[kind]}
    for field, value in getattr(operation, kind).ListFields():
        fields[_NAMES.get(field.name, field.name)] = _field_to_json(field.name, value)
    return fields


def _field_to_json(name: str, value: Any) -> Any:
    return _SHOWN[name](value) if name in _SHOWN else value


def _change_to_json(change: Change) -> Fields:
    desired = change.section == operation_pb2.SECTION_DESIRED
    fields: Fields = {"path": change.path, "section": "desired" if desired else "reported"}
    match change.WhichOneof("change"):
        case "set":
            fields["set"] = value_to_json(from_message(change.set))
        case "increment":
            fields["increment"] = value_to_json(from_message(change.increment))
        case _:
            fields["delete"] = True
    return fields


_SHOWN: Final[dict[str, Callable[[Any], Any]]] = {
    "changes": lambda changes: [_change_to_json(change) for change in changes],
    "public_key": lambda key: key.hex(),
    "role": lambda role: Role(role).name.lower(),
    "rule": rule_to_json,
    "sign_off": sign_off_to_json,
    "effect": effect_name,
}
"""Fields that JSON shows otherwise than they are."""
