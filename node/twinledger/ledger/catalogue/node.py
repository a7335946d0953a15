"""The catalogue's part on what stops or limits a node."""

from twinledger.ledger.catalogue.entry import (
    DENIED,
    EXISTS,
    FULL,
    INTERNAL,
    INVALID,
    LOST,
    MISSING,
    STATE,
    UNKNOWN_CALLER,
    Entry,
)
from twinledger.ledger.codes import Code

NODE: dict[Code, Entry] = {
    Code.PEER_UNKNOWN: Entry(
        "The caller is no node of this consortium",
        "Check the node's id and that its consortium file is this chain's.",
        DENIED,
    ),
    Code.PEER_MISMATCH: Entry(
        "The peer is not who it says it is, or belongs to another chain",
        "Check the addresses and the genesis files of both nodes.",
        DENIED,
    ),
    Code.PEER_REGRESSED: Entry(
        "The peer has lost what it acknowledged: its disk was wiped or put back",
        "Do not let it vote: stop it, and have its member join with a new node id.",
        DENIED,
    ),
    Code.PEER_CERTIFICATE: Entry(
        "The peer does not show a certificate of the node that it claims to be",
        "Compare the node's certificate with its record; `node rotate-key` records a new one.",
        UNKNOWN_CALLER,
    ),
    Code.NOT_LEADING: Entry(
        "This node does not lead",
        "Ask the node that leads; `node status` names it.",
        STATE,
    ),
    Code.TRANSFER_FAILED: Entry(
        "Leadership was not handed over",
        "It stays where it was. See that the other node is up, votes and keeps up; then try again.",
        STATE,
        waiting_helps=True,
    ),
    Code.DATA_DAMAGED: Entry(
        "The node's data is damaged",
        "Do not start it on this data: keep the folder for inquiry and rejoin with an empty one.",
        LOST,
    ),
    Code.DIVERGED: Entry(
        "This node's ledger is not the one that the members certified",
        "Keep the folder for inspection. The node signed what it computed, so its witness key "
        "cannot go on: its member replaces the node, with new keys (docs/operations/replace.md).",
        LOST,
    ),
    Code.DATA_IN_USE: Entry(
        "Another process uses the node's data",
        "Stop the other process, or give this node a data folder of its own.",
        STATE,
    ),
    Code.DISK_FULL: Entry(
        "The disk is full",
        "Make room on the disk and start the node again.",
        FULL,
        waiting_helps=True,
    ),
    Code.DISK_FAILED: Entry(
        "The disk failed",
        "Check the disk before starting the node again.",
        LOST,
    ),
    Code.PROTOCOL_UNKNOWN: Entry(
        "The members agreed on a protocol version that this program does not know",
        "Install a version of twinledger that knows it, and start the node again.",
        STATE,
    ),
    Code.SNAPSHOT_INVALID: Entry(
        "The snapshot is not what it says it is",
        "Nothing of it was installed. Take it from another node or another backup.",
        LOST,
    ),
    Code.BACKUP_INVALID: Entry(
        "The backup is damaged or not the one it should be",
        "Nothing was made of it. Take another backup, or let the node join anew.",
        LOST,
    ),
    Code.SNAPSHOT_GONE: Entry(
        "This node no longer has that snapshot",
        "Ask it for its newest one; a node that catches up does so by itself.",
        MISSING,
    ),
    Code.FORMAT_UNKNOWN: Entry(
        "The data was written in a format this version does not know",
        "Start the version that wrote it, or a newer one.",
        STATE,
    ),
    Code.CONFIG_INVALID: Entry(
        "The configuration is not valid",
        "Correct the setting that the message names.",
        INVALID,
    ),
    Code.GENESIS_INVALID: Entry(
        "The genesis file is not valid",
        "Get the file again from another member; it must not differ by a byte.",
        INVALID,
    ),
    Code.GENESIS_MISMATCH: Entry(
        "The data belongs to another chain than the genesis file",
        "Use the genesis file of this data, or an empty data folder.",
        STATE,
    ),
    Code.GENESIS_DOUBLED: Entry(
        "Two parts of the genesis file share what only one may have",
        "Let one of the two members make another join file, and begin a new genesis file.",
        INVALID,
    ),
    Code.GENESIS_ALTERED: Entry(
        "A signature does not fit the genesis file: it was altered after it was signed",
        "Get the file again from the member who signed it, and compare the chain ids.",
        INVALID,
    ),
    Code.GENESIS_NOT_SIGNED: Entry(
        "The genesis file lacks the signature of a member",
        "Let an admin of that member run `twinledger genesis sign`, and use the file it leaves.",
        STATE,
    ),
    Code.GENESIS_SIGNED_TWICE: Entry(
        "The genesis file has two signatures of one admin",
        "One is enough: remove one of the two lines.",
        EXISTS,
    ),
    Code.GENESIS_UNKNOWN_SIGNER: Entry(
        "The genesis file is signed by somebody who is no admin in it",
        "Sign with the key of an admin whom the file names; remove the other line.",
        INVALID,
    ),
    Code.GENESIS_SEALED: Entry(
        "The genesis file is signed, so nothing can be added to it",
        "Begin a new file with `twinledger genesis create`, add every member, then sign.",
        STATE,
    ),
    Code.KEY_EXPOSED: Entry(
        "Others than its owner can read a key file",
        "Run chmod 600 on it; when others may have read it, use a new key.",
        STATE,
    ),
    Code.KEY_LOCKED: Entry(
        "The key file is sealed with a passphrase, and the right one was not given",
        "Set TWINLEDGER_PASSPHRASE or TWINLEDGER_PASSPHRASE_FILE, or run it at a terminal.",
        STATE,
    ),
    Code.KEY_MISMATCH: Entry(
        "The node's keys are not those of its record",
        "Put back the keys that its record names; of lost ones: node rotate-key --witness --log.",
        STATE,
    ),
    Code.ADDRESS_IN_USE: Entry(
        "Another process listens on the address",
        "Stop it, or choose another address in the configuration.",
        STATE,
    ),
    Code.INTERNAL: Entry(
        "Something happened that must never happen",
        "Keep the node's log and data and report it: this is a fault of the program.",
        INTERNAL,
    ),
}
