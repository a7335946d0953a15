"""Checks that stay on in production.

A broken invariant means that this node's own code or memory is wrong. Nothing may catch it and go
on: the driver stops the node. Bad messages from others are not this: they are dropped and counted.
"""


class InvariantViolation(Exception):  # noqa: N818 - the field's own word
    """The node's own state contradicts itself."""


def invariant(condition: bool, message: str) -> None:
    """Raise InvariantViolation unless the condition holds. The message is a constant."""
    if not condition:
        raise InvariantViolation(message)
