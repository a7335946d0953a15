"""Every class of message has its place in the table of what messages set off."""

from typing import get_args

from twinledger.consensus import Message
from twinledger.consensus.stepping import HANDLERS


def test_every_message_has_a_handler() -> None:
    assert set(HANDLERS) == set(get_args(Message))
