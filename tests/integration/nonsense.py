"""Messages that mean nothing, of every type the wire has: seeded, so that a failure comes again."""

import random
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_DEPTH_MAX: Final = 4
_KINDS = FieldDescriptor

_UNSIGNED: Final = (0, 1, 2, 3, 1000, 1001, 2**31, 2**32 - 1)
_SIGNED: Final = (0, 1, -1, 2**31 - 1, -(2**31))
_BOUNDS: Final[dict[int, tuple[Any, ...]]] = {
    _KINDS.TYPE_UINT32: _UNSIGNED,
    _KINDS.TYPE_FIXED32: _UNSIGNED,
    _KINDS.TYPE_UINT64: (*_UNSIGNED, 2**63, 2**64 - 1),
    _KINDS.TYPE_FIXED64: (*_UNSIGNED, 2**63, 2**64 - 1),
    _KINDS.TYPE_INT32: _SIGNED,
    _KINDS.TYPE_SINT32: _SIGNED,
    _KINDS.TYPE_INT64: (*_SIGNED, 2**63 - 1, -(2**63)),
    _KINDS.TYPE_SINT64: (*_SIGNED, 2**63 - 1, -(2**63)),
    _KINDS.TYPE_DOUBLE: (0.0, -0.0, 1.5, 1e308, float("inf"), float("nan")),
    _KINDS.TYPE_FLOAT: (0.0, 1.5, float("inf"), float("nan")),
    _KINDS.TYPE_BOOL: (False, True),
}
_TEXTS: Final = (
    *("", "pump-1", "utility", "utility/admin", "utility-1", "reported", "a/b", "everyone"),
    *("no spaces", "\0", "ü" * 40, "x" * 5000, "../..", "%s%n", "member:utility:admin", "/" * 300),
)


class Nonsense:
    """Makes messages and bytes from one seed.

    Attributes:
        known: Values of byte fields that mean something here: ids, keys, whole transactions.
    """

    def __init__(self, seed: int, known: tuple[bytes, ...] = ()) -> None:
        self._random = random.Random(seed)
        self.known = known

    def garbage(self) -> bytes:
        """Bytes that are hardly ever a message."""
        return self._random.randbytes(self._random.choice((1, 3, 40, 2000)))

    def bent(self, raw: bytes) -> bytes:
        """A message cut short, or with one byte of it another."""
        if not raw:
            return self.garbage()
        place = self._random.randrange(len(raw))
        if self._random.random() < 0.3:
            return raw[:place]
        return raw[:place] + bytes([self._random.randrange(256)]) + raw[place + 1 :]

    def message(self, kind: Descriptor, depth: int = 0) -> Message:
        """A message of this type, its fields full of values at and beyond their bounds."""
        made = message_factory.GetMessageClass(kind)()
        for field in kind.fields:
            one_of = field.containing_oneof
            # Of a oneof the last one that is set would win, so one is chosen.
            share = 1 / len(one_of.fields) if one_of and len(one_of.fields) > 1 else 0.8
            if self._random.random() < share:
                self._fill(made, field, depth)
        return made

    def _fill(self, into: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and depth >= _DEPTH_MAX:
            return
        many = self._random.choice((0, 1, 3)) if field.is_repeated else 1
        for _ in range(many):
            if field.message_type is not None:
                made = self.message(field.message_type, depth + 1)
                if field.is_repeated:
                    getattr(into, field.name).add().CopyFrom(made)
                else:
                    getattr(into, field.name).CopyFrom(made)
            elif field.is_repeated:
                getattr(into, field.name).append(self._value(field))
            else:
                setattr(into, field.name, self._value(field))

    def _value(self, field: FieldDescriptor) -> Any:
        if field.type == _KINDS.TYPE_STRING:
            return self._random.choice(_TEXTS)
        if field.type == _KINDS.TYPE_BYTES:
            drawn = (b"", bytes(32), self._random.randbytes(32), self.garbage())
            return self._random.choice((*drawn, *self.known))
        if field.type == _KINDS.TYPE_ENUM:
            return self._random.choice((0, 1, 2, 3, 99))
        return self._random.choice(_BOUNDS[field.type])
