"""All methods of the services, as their descriptors name them: a new one cannot be forgotten."""

from collections.abc import Iterable

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from twinledger.v1 import (
    consortium_service_pb2,
    ledger_service_pb2,
    operator_service_pb2,
    twin_service_pb2,
)

CLIENT_FILES: list[FileDescriptor] = [
    ledger_service_pb2.DESCRIPTOR,
    twin_service_pb2.DESCRIPTOR,
    consortium_service_pb2.DESCRIPTOR,
    operator_service_pb2.DESCRIPTOR,
]
"""What the port for clients serves."""


def methods_of(files: Iterable[FileDescriptor]) -> list[MethodDescriptor]:
    """Every method of every service of these files."""
    return [
        method
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    ]
