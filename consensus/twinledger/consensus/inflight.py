"""The window of Appends on their way to one follower, limited in messages and in bytes."""

from collections import deque

from twinledger.consensus.types import Index


class Inflight:
    """What was sent and not yet acknowledged, oldest first."""

    __slots__ = ("_bytes", "_max_bytes", "_max_messages", "_sent")

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._sent: deque[tuple[Index, int]] = deque()
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether nothing more may be sent. An empty window always has room for one message."""
        return len(self._sent) >= self._max_messages or self._bytes >= self._max_bytes

    @property
    def messages(self) -> int:
        """How many messages are on their way."""
        return len(self._sent)

    def add(self, last_index: Index, size: int) -> None:
        """Note a message whose last entry is `last_index`."""
        self._sent.append((last_index, size))
        self._bytes += size

    def free_to(self, index: Index) -> None:
        """Forget every message that is covered by an acknowledgement of `index`."""
        while self._sent and self._sent[0][0] <= index:
            self._bytes -= self._sent.popleft()[1]

    def clear(self) -> None:
        """Forget everything."""
        self._sent.clear()
        self._bytes = 0
