"""Why a connection fails: looks at what the other side shows, since gRPC says only "Socket closed".

Blocking work on one connection of its own, in a thread and within a few seconds; it trusts nothing
that it sees and sends nothing but a handshake.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from twinledger.client.certificates import host_names, to_pem
from twinledger.client.channels import Credential
from twinledger.ledger.errors import Code, LedgerError

_CONNECT_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 2.0
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""How HTTP/2 begins (RFC 9113, section 3.4), with empty settings."""

Whose = Callable[[bytes], str]
"""Says in words whose certificate (DER) this is, for example "the certificate of utility-1"."""

Expected = Sequence[bytes] | None
"""The certificates (DER) that are trusted there, one or two; None for plaintext."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the other side did.

    Attributes:
        answered: Whether anything was said at all.
        certificate: What it showed (DER); None when what it said is not TLS.
        hung_up: Whether it closed the connection after it had seen what we show.
    """

    answered: bool
    certificate: bytes | None = None
    hung_up: bool = False


def look(address: str, expected: Expected, own: Credential | None) -> Seen:
    """Connects as a channel with the same arguments would, and looks; blocks for some seconds."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS) as raw:
            raw.settimeout(_ANSWER_SECONDS)
            with _context(own).wrap_socket(raw, server_hostname=_name(expected)) as tls:
                return Seen(True, tls.getpeercert(binary_form=True), _hangs_up(tls))
    except ssl.SSLEOFError:
        return Seen(answered=False)
    except ssl.SSLError:
        return Seen(answered=True)
    except OSError:
        return Seen(answered=False)


def explain(
    address: str, expected: Expected, seen: Seen, whose: Whose, own: Credential | None = None
) -> LedgerError | None:
    """Names what differs between what was expected and what was seen; None when nothing does."""
    if not seen.answered:
        return None
    if expected is None:
        return None if seen.certificate is None else _tls_required(address)
    if seen.certificate is None:
        said = f"{address} speaks plaintext, and this side TLS"
        return LedgerError(Code.TLS_MISSING, said)
    if seen.certificate not in expected:
        wanted = " or ".join(whose(each) for each in expected)
        said = f"{address} shows {whose(seen.certificate)} instead of {wanted}"
        return LedgerError(Code.CERTIFICATE_MISMATCH, said)
    if own is not None and seen.hung_up:
        said = f"{address} does not take {whose(own.certificate)}"
        return LedgerError(Code.CERTIFICATE_REFUSED, said)
    return None


async def diagnose(
    address: str, expected: Expected, whose: Whose, own: Credential | None = None
) -> LedgerError | None:
    """Looks and explains; None when TLS is not what keeps the two apart."""
    seen = await asyncio.to_thread(look, address, expected, own)
    return explain(address, expected, seen, whose, own)


def _tls_required(address: str) -> LedgerError:
    return LedgerError(Code.TLS_REQUIRED, f"{address} speaks TLS, and this side plaintext")


def _context(own: Credential | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is trusted: what is shown is only compared.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if own is not None:
        # The module reads files only, and a private key shall not touch a disk.
        memory = os.memfd_create("transport")
        try:
            os.write(memory, own.key + to_pem(own.certificate))
            context.load_cert_chain(f"/proc/self/fd/{memory}")
        finally:
            os.close(memory)
    return context


def _name(expected: Expected) -> str | None:
    if not expected:
        return None
    with suppress(LedgerError):
        return host_names(expected[-1])[0]
    return None


def _hangs_up(tls: ssl.SSLSocket) -> bool:
    # In TLS 1.3 a server judges the client's certificate only after the handshake has ended here.
    try:
        tls.sendall(_PREFACE)
        return not tls.recv(1)
    except TimeoutError:
        return False
    except OSError:
        return True
