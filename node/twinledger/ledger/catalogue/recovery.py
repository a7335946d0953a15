"""The catalogue's part on recovering a consortium that lost its quorum for good."""

from twinledger.ledger.catalogue.entry import DENIED, EXISTS, INVALID, STATE, Entry
from twinledger.ledger.codes import Code

RECOVERY: dict[Code, Entry] = {
    Code.STATEMENT_INVALID: Entry(
        "The survivor's statement is damaged, was altered, or is not of whom it says",
        "Make it again on the survivor: `twinledger consortium recover statement`.",
        INVALID,
    ),
    Code.RECOVERY_INVALID: Entry(
        "The recovery file is damaged, was altered, or its parts do not belong together",
        "Get it again from whoever drafted it, or draft it anew: `twinledger consortium recover"
        " draft`.",
        INVALID,
    ),
    Code.RECOVERY_SIGNER: Entry(
        "Somebody signed the recovery who does not speak for a member, or not for one alone",
        "Begin again from the unsigned file; one admin of each member signs that certified heads.",
        DENIED,
    ),
    Code.RECOVERY_QUORUM: Entry(
        "Fewer members stand behind the recovery than a certificate needs",
        "Find more members who sign and bring a node. If there are not so many any more, this"
        " chain cannot go on: begin a new one with `twinledger genesis create`.",
        STATE,
    ),
    Code.RECOVERY_SEALED: Entry(
        "The recovery was signed, and nothing can be added to it any more",
        "Apply a complete one as it is, everywhere the same file: `twinledger consortium recover"
        " apply`. To add to one that is not, draft it anew.",
        STATE,
    ),
    Code.RECOVERY_OTHER_HISTORY: Entry(
        "The recovery does not go on from the history that this folder holds",
        "Check that file and folder are of one chain; apply it with another survivor's folder, or"
        " with none.",
        STATE,
    ),
    Code.RECOVERY_TWICE: Entry(
        "Members signed two recoveries of one epoch",
        "Keep both files: the signatures in them prove it. Settle with the members named which"
        " one stands before any node of either is trusted.",
        EXISTS,
    ),
    Code.EPOCH_OVER: Entry(
        "The node is of an epoch that is over",
        "Stop it for good; its member brings a fresh node with fresh keys, as"
        " docs/operations/quorum-loss.md says.",
        STATE,
    ),
}
