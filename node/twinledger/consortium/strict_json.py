"""Reading JSON that people hand around: every fault is named with the place where it stands."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError

_KEY: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StrictJson:
    """Reads values of one kind of file; what is wrong is refused with that kind's code."""

    code: Code

    def refusal(self, detail: str) -> LedgerError:
        """The refusal of the file."""
        return LedgerError(self.code, detail)

    def load(self, raw: bytes) -> Any:
        """The value of JSON in UTF-8 that names no key twice."""
        try:
            return json.loads(
                raw.decode(), object_pairs_hook=self._no_doubles, parse_constant=self._no_constant
            )
        except UnicodeDecodeError:
            raise self.refusal("the file is not UTF-8") from None
        except RecursionError:
            raise self.refusal("the file nests too deeply") from None
        except ValueError as error:
            raise self.refusal(f"the file is not JSON: {names.shown(str(error))}") from None

    def _no_doubles(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) != len(pairs):
            shown = names.shown(", ".join(key for key, _ in pairs))
            raise self.refusal(f"a key stands twice among {shown}")
        return content

    def _no_constant(self, constant: str) -> None:
        raise self.refusal(f"{constant} is no JSON")

    def fields(
        self, value: Any, where: str, expected: Sequence[str], optional: Sequence[str] = ()
    ) -> dict[str, Any]:
        """An object with exactly these keys."""
        if not isinstance(value, dict):
            raise self.refusal(f"{where} is not an object")
        for key in expected:
            if key not in value:
                raise self.refusal(f"{where} lacks {key}")
        for key in value:
            if key not in expected and key not in optional:
                raise self.refusal(f"{where} holds the unknown key {names.shown(key)}")
        return value

    def items(self, value: Any, where: str) -> list[Any]:
        """A list of at least one."""
        if not isinstance(value, list) or not value:
            raise self.refusal(f"{where} is not a list of at least one")
        return value

    def whole(self, value: Any, where: str, least: int, most: int) -> int:
        """A whole number within bounds."""
        if type(value) is not int or not least <= value <= most:
            raise self.refusal(f"{where} is not a whole number from {least} to {most}")
        return value

    def numbers(
        self, value: Any, where: str, ranges: Mapping[str, tuple[int, int]]
    ) -> dict[str, int]:
        """An object of whole numbers, each with its bounds; any may be left out."""
        content = self.fields(value, where, (), tuple(ranges))
        return {
            key: self.whole(number, f"{where}.{key}", *ranges[key])
            for key, number in content.items()
        }

    def text(self, value: Any, where: str, form: re.Pattern[str], described: str) -> str:
        """A text of a form."""
        if not isinstance(value, str) or not form.fullmatch(value):
            raise self.refusal(f"{where} is not {described}")
        return value

    def name(self, value: Any, where: str) -> str:
        """The name of a member, an admin or a node."""
        if not isinstance(value, str) or not names.is_name(value):
            raise self.refusal(f"{where} is not 1 to 64 of A-Z a-z 0-9 . _ -")
        return value

    def address(self, value: Any, where: str) -> str:
        """host:port."""
        if not isinstance(value, str) or not names.is_address(value):
            raise self.refusal(f"{where} is not host:port")
        return value

    def hex_key(self, value: Any, where: str) -> bytes:
        """32 bytes in hex."""
        return bytes.fromhex(self.text(value, where, _KEY, "64 hex digits in lower case"))

    def base64(self, value: Any, where: str) -> bytes:
        """Bytes in base64, in the one form there is of them."""
        found = None if not isinstance(value, str) else base64_bytes(value.encode())
        if found is None:
            raise self.refusal(f"{where} is not base64")
        return found


def base64_bytes(text: bytes) -> bytes | None:
    """The bytes of a base64 text; None when it is none, or not the one form of these bytes."""
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return found if base64.b64encode(found) == text else None


def doubled(found: Sequence[Any]) -> Any:
    """The first of the values that stands there twice; None when all are distinct."""
    seen: set[Any] = set()
    for item in found:
        if item in seen:
            return item
        seen.add(item)
    return None
