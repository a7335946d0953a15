"""A client from the generated stubs and docs/formats alone: nothing of the SDK or the ledger.

What it repeats of the signing recipe it repeats on purpose: it stands for a stranger's code.
"""

import hashlib
import os
import time
import tomllib
from dataclasses import dataclass

import grpc
import nacl.signing

from twinledger.v1 import (
    ledger_service_pb2,
    ledger_service_pb2_grpc,
    operation_pb2,
    read_token_pb2,
    transaction_pb2,
    twin_service_pb2,
    twin_service_pb2_grpc,
    value_pb2,
)

TRANSACTION = b"twinledger/v1/transaction\0"
SIGN_TRANSACTION = b"twinledger/v1/sign-transaction\0"
READ_TOKEN = b"twinledger/v1/read-token\0"
READ_TOKEN_METADATA = "twinledger-read-token-bin"
TOKEN_LIFETIME_US = 60_000_000
SUITE_ED25519 = 1
LIFETIME_US = 60_000_000
DEADLINE_SECONDS = 30


@dataclass(frozen=True)
class Signed:
    """A transaction as a stranger's code makes it."""

    id: bytes
    signatures: tuple[bytes, ...]
    raw: bytes


def sign(body: bytes, seeds: list[bytes]) -> Signed:
    """Follow docs/formats, "Transaction", steps 2 to 4."""
    message = SIGN_TRANSACTION + body
    signatures = [nacl.signing.SigningKey(seed).sign(message).signature for seed in seeds]
    signed = transaction_pb2.SignedTransaction(body=body, signatures=signatures)
    identifier = hashlib.sha256(TRANSACTION + body).digest()
    return Signed(identifier, tuple(signatures), signed.SerializeToString())


def create_body(chain_id: bytes, identity: str, seed: bytes, twin_id: str) -> bytes:
    """Follow step 1 for a transaction that creates a twin with one property."""
    flow = operation_pb2.PropertyChange(path="flow", set=value_pb2.Value(double_value=12.5))
    create = operation_pb2.CreateTwin(twin_id=twin_id, model="dtmi:example:Pump;1", changes=[flow])
    public_key = bytes(nacl.signing.SigningKey(seed).verify_key)
    author = transaction_pb2.Author(identity=identity, public_key=public_key, suite=SUITE_ED25519)
    body = transaction_pb2.TransactionBody(
        chain_id=chain_id,
        authors=[author],
        expires_at_us=time.time_ns() // 1000 + LIFETIME_US,
        salt=os.urandom(16),
        operations=[operation_pb2.Operation(create_twin=create)],
    )
    return body.SerializeToString()


@dataclass(frozen=True)
class Node:
    """A node of a profile, as its TOML has it."""

    id: str
    client_address: str
    certificates: list[str]


def read_profile(text: str) -> list[Node]:
    """Follow docs/formats, "Profile"."""
    nodes = tomllib.loads(text)["nodes"]
    return [Node(each["id"], each["client_address"], each["certificates"]) for each in nodes]


def open_channel(node: Node) -> grpc.Channel:
    """Trust the node's certificates and no others."""
    lines = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n")
    pem = "".join(f"{lines[0]}\n{der}\n{lines[1]}" for der in node.certificates)
    name = ("grpc.ssl_target_name_override", f"{node.id}.twinledger")
    credentials = grpc.ssl_channel_credentials(pem.encode())
    return grpc.secure_channel(node.client_address, credentials, options=[name])


@dataclass(frozen=True)
class Caller:
    """Who calls, and on which chain."""

    chain_id: bytes
    identity: str
    seed: bytes

    def metadata(self, node: Node, method: str) -> tuple[tuple[str, str | bytes], ...]:
        """What a call of a method at a node carries."""
        now_us = time.time_ns() // 1000
        body = read_token_pb2.ReadTokenBody(
            chain_id=self.chain_id,
            node=node.id,
            method=method,
            identity=self.identity,
            issued_at_us=now_us,
            expires_at_us=now_us + TOKEN_LIFETIME_US,
        )
        return ((READ_TOKEN_METADATA, token(body.SerializeToString(), self.seed)),)


def token(body: bytes, seed: bytes) -> bytes:
    """Follow docs/formats, "Read token", steps 2 and 3."""
    signature = nacl.signing.SigningKey(seed).sign(READ_TOKEN + body).signature
    return read_token_pb2.ReadToken(body=body, signature=signature).SerializeToString()


def submit(node: Node, caller: Caller, signed: Signed) -> ledger_service_pb2.TransactionStatus:
    """Submit and wait until a block holds it."""
    with open_channel(node) as channel:
        stub = ledger_service_pb2_grpc.LedgerServiceStub(channel)
        request = ledger_service_pb2.SubmitRequest(
            transaction=signed.raw, wait_for=ledger_service_pb2.WAIT_FOR_COMMITTED
        )
        metadata = caller.metadata(node, "/twinledger.v1.LedgerService/Submit")
        return stub.Submit(request, timeout=DEADLINE_SECONDS, metadata=metadata).status


def read_twin(node: Node, caller: Caller, twin_id: str, min_height: int) -> twin_service_pb2.Twin:
    """Read a twin as it is at a height or later."""
    with open_channel(node) as channel:
        stub = twin_service_pb2_grpc.TwinServiceStub(channel)
        request = twin_service_pb2.GetTwinRequest(twin_id=twin_id, min_height=min_height)
        metadata = caller.metadata(node, "/twinledger.v1.TwinService/GetTwin")
        return stub.GetTwin(request, timeout=DEADLINE_SECONDS, metadata=metadata).twin
