"""A listening socket that holds so many connections and no more.

What comes beyond is closed at once: the server behind it has no bound of its own, and whoever opens
connections and says nothing must not take all the descriptors of a node.
"""

import socket
from typing import Any, Final

from twinledger.ledger.errors import Code, LedgerError

MAX_CONNECTIONS: Final = 256
_BACKLOG: Final = 64


class Listener(socket.socket):
    """Counts the connections that it accepted and that are open."""

    def __init__(self, family: int, most: int = MAX_CONNECTIONS) -> None:
        """`most` connections may be open at once."""
        super().__init__(family, socket.SOCK_STREAM)
        self.most = most
        self.open_connections = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection, or close it and say that there is none."""
        found, address = super().accept()
        if self.open_connections >= self.most:
            found.close()
            raise BlockingIOError
        self.open_connections += 1
        return _Counted(found, self), address


class _Counted(socket.socket):
    """A connection that tells its listener when it is closed."""

    def __init__(self, accepted: socket.socket, listener: Listener) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._listener: Listener | None = listener

    def close(self) -> None:
        """Close it; closing twice is harmless."""
        super().close()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.open_connections -= 1


def listen(address: str) -> Listener:
    """Open a port, host:port.

    Raises:
        LedgerError: ADDRESS_IN_USE.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    listener = Listener(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((host, int(port)))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise LedgerError(Code.ADDRESS_IN_USE, f"{address}: {error}") from error
    return listener
