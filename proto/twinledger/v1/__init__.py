"""The wire contract, version 1: generated stubs beside the .proto files they come from.

Nothing here is written by hand: change a .proto file and run scripts/gen_protos. Read
transaction.proto first, then ledger_service.proto and twin_service.proto.
"""
