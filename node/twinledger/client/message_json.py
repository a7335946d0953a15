"""Messages as JSON objects with the wire's own names: bytes in hex, numbers as they are."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from twinledger.ledger.errors import Code, LedgerError


def message_to_json(message: Message) -> dict[str, Any]:
    """The object of a message; what is not set is not there."""
    return {
        field.name: [_to_json(each) for each in value] if field.is_repeated else _to_json(value)
        for field, value in message.ListFields()
    }


def fill_from_json(message: Message, content: Any) -> None:
    """Sets the fields of an empty message from such an object.

    Raises:
        LedgerError: BAD_REQUEST, naming the field that is unknown or cannot have its value.
    """
    if not isinstance(content, dict):
        raise LedgerError(Code.BAD_REQUEST, f"a {message.DESCRIPTOR.name} is an object")
    for name, value in content.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise LedgerError(Code.BAD_REQUEST, f"{message.DESCRIPTOR.name} has no field {name}")
        try:
            _fill(message, field, value)
        except (TypeError, ValueError) as error:
            raise LedgerError(Code.BAD_REQUEST, f"{name}: {error}") from error


def _fill(message: Message, field: Any, value: Any) -> None:
    if field.is_repeated:
        for each in value:
            fill_from_json(getattr(message, field.name).add(), each)
    elif field.message_type is not None:
        part = getattr(message, field.name)
        part.SetInParent()
        fill_from_json(part, value)
    else:
        of_bytes = field.type == FieldDescriptor.TYPE_BYTES
        setattr(message, field.name, bytes.fromhex(value) if of_bytes else value)


def _to_json(value: Any) -> Any:
    match value:
        case Message():
            return message_to_json(value)
        case bytes():
            return value.hex()
        case _:
            return value
