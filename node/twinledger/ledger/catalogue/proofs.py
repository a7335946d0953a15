"""The catalogue's part on what is not proven."""

from twinledger.ledger.catalogue.entry import INVALID, MISSING, STATE, Entry
from twinledger.ledger.codes import Code

PROOFS: dict[Code, Entry] = {
    Code.PROOF_INVALID: Entry(
        "The proof does not prove this",
        "Believe nothing that it claims; ask another node for a proof under a head you trust.",
        INVALID,
    ),
    Code.CERTIFICATE_INVALID: Entry(
        "The certificate does not certify this head",
        "Believe nothing that rests on it; ask another node for a certificate.",
        INVALID,
    ),
    Code.QUORUM_MISSING: Entry(
        "Fewer witnesses signed this head than the consortium demands",
        "Wait until more members' nodes have signed it, then ask again.",
        STATE,
        waiting_helps=True,
    ),
    Code.PROOF_MALFORMED: Entry(
        "The file is no proof bundle",
        "Check that it is the whole file and the right one; ask for the proof again.",
        INVALID,
    ),
    Code.PROOF_SURPLUS: Entry(
        "Bytes follow the proof bundle",
        "Ask for the proof again; what follows was added by somebody.",
        INVALID,
    ),
    Code.PROOF_NOT_ANCHORED: Entry(
        "The proof is not anchored in anything that you trust",
        "Name the chain id that you expect, or the file of a head that you trust.",
        INVALID,
    ),
    Code.PROOF_WRONG_CHAIN: Entry(
        "The proof is of another chain",
        "Check the chain id; ask a node of that chain.",
        INVALID,
    ),
    Code.PROOF_MEMBERS: Entry(
        "The proof does not show how its witnesses came to be the witnesses",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_RECOVERY: Entry(
        "The proof does not show that a quorum of the members opened the new epoch",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_TRUNCATED: Entry(
        "What was certified here was cut off by a recovery",
        "Keep the proof and the recovery file: together they prove it against whoever signed that."
        " A client's own is FILE.head beside its profile; without it the client begins anew, in the"
        " new epoch (docs/sdk.md). Submit again what is missing.",
        STATE,
    ),
    Code.PROOF_CONSISTENCY: Entry(
        "The proof does not show that its heads are of one growing history",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_INCLUSION: Entry(
        "The proof does not show that the certified history holds the block",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_STATE: Entry(
        "The proof does not show that the block left this in the agreed state",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_PROPERTY: Entry(
        "The proof does not show that the twin has these properties",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_HISTORY: Entry(
        "The proof does not show that these are all updates of the twin",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_SILENCE: Entry(
        "The proof does not show that the twin was not updated in between",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_TRANSACTION: Entry(
        "The proof does not show what became of the transaction",
        "Believe nothing that it claims; ask another node for this proof.",
        INVALID,
    ),
    Code.PROOF_TOO_LARGE: Entry(
        "The proof would be larger than a bundle may be",
        "Ask for less: one property, or the twin without its history.",
        STATE,
    ),
    Code.NOT_CERTIFIED: Entry(
        "This node has no certified head that it can prove anything under yet",
        "Wait until a quorum of the members' nodes is up and has signed one, or ask another node.",
        STATE,
        waiting_helps=True,
    ),
    Code.TRANSACTION_NOT_FOUND: Entry(
        "No block holds this transaction",
        "Check the id; ask `twinledger tx status` whether it still waits.",
        MISSING,
    ),
    Code.HEAD_ROLLED_BACK: Entry(
        "The node shows an older head than one that this client has verified",
        "Ask another node; this one has lost what the members signed, or hides it.",
        INVALID,
    ),
    Code.HEAD_CONFLICT: Entry(
        "The node is on another history than the head that this client has verified",
        "Keep both heads and ask the members: no honest node can show this.",
        INVALID,
    ),
    Code.ANSWER_UNPROVEN: Entry(
        "The node does not prove what it answers",
        "Ask another node; or connect with verify=False to take a node of your own at its word.",
        INVALID,
    ),
}
