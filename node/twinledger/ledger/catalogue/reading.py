"""The catalogue's part on why a read finds nothing."""

from twinledger.ledger.catalogue.entry import INVALID, MISSING, RANGE, Entry
from twinledger.ledger.codes import Code

READING: dict[Code, Entry] = {
    Code.BLOCK_NOT_FOUND: Entry(
        "This node does not hold the block",
        "Ask for a height it has executed and kept, or ask another node.",
        MISSING,
    ),
    Code.HEIGHT_NOT_REACHED: Entry(
        "This node has not executed the height yet",
        "Wait, or ask another node.",
        RANGE,
        waiting_helps=True,
    ),
    Code.EVIDENCE_NOT_FOUND: Entry(
        "The node has no evidence against this witness",
        "See `twinledger consortium evidence list`, or ask another node.",
        MISSING,
    ),
    Code.BAD_REQUEST: Entry(
        "The request is not well-formed",
        "Correct the field that the message names.",
        INVALID,
    ),
    Code.PRUNED: Entry(
        "This node no longer keeps what was at that height",
        "Ask for the oldest height that the message names or a later one, or ask another node.",
        RANGE,
    ),
    Code.TILE_NOT_FOUND: Entry(
        "The log has nothing at that path",
        "Fetch the checkpoint; ask for tiles and entries of a tree of its size.",
        MISSING,
    ),
}
