"""Certificates for tests, of the kind that nodes make for themselves, and channels."""

import grpc

from twinledger.client.certificates import host_names, to_pem
from twinledger.client.channels import Credential
from twinledger.node import certificates


def credential(node_id: str) -> Credential:
    """A new key and certificate for a node."""
    key = certificates.generate_key()
    return Credential(certificates.self_signed(node_id, key), key)


def channel(address: str, certificate: bytes, own: Credential | None = None) -> grpc.Channel:
    """A blocking channel that trusts one certificate (DER) alone."""
    shown = (own.key, to_pem(own.certificate)) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(to_pem(certificate), *shown)
    name = ("grpc.ssl_target_name_override", host_names(certificate)[0])
    return grpc.secure_channel(address, credentials, options=(name,))
