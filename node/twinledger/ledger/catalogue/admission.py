"""The catalogue's part on why a node does not take a transaction now."""

from twinledger.ledger.catalogue.entry import DOWN, FULL, Entry
from twinledger.ledger.codes import Code

ADMISSION: dict[Code, Entry] = {
    Code.POOL_FULL: Entry(
        "This node holds as many waiting transactions as it may",
        "Send it again after the delay; submitting again is always safe.",
        FULL,
        waiting_helps=True,
    ),
    Code.DISK_LOW: Entry(
        "This node is nearly out of disk and only answers reads",
        "Send it to another node; the operator should make room on the disk.",
        DOWN,
        waiting_helps=True,
    ),
    Code.NO_LEADER: Entry(
        "The nodes have no leader at the moment",
        "Try again after the delay; if it lasts, ask the operators how many nodes are up.",
        DOWN,
        waiting_helps=True,
    ),
    Code.STOPPING: Entry(
        "This node is stopping",
        "Send it to another node.",
        DOWN,
        waiting_helps=True,
    ),
    Code.DRAINING: Entry(
        "This node is being taken out of service and takes no writes",
        "Send it to another node.",
        DOWN,
        waiting_helps=True,
    ),
    Code.OUTCOME_UNKNOWN: Entry(
        "The answer did not come in time, so the outcome is not known",
        "Submit the same bytes again or ask GetTransaction; it never takes effect twice.",
        "DEADLINE_EXCEEDED",
        waiting_helps=True,
    ),
    Code.OVERLOADED: Entry(
        "This node is doing as much as it can",
        "Try again after the delay, or ask another node.",
        FULL,
        waiting_helps=True,
    ),
}
