"""The catalogue's part on what the consortium refuses."""

from twinledger.ledger.catalogue.entry import DENIED, EXISTS, INVALID, MISSING, STATE, Entry
from twinledger.ledger.codes import Code

GOVERNANCE: dict[Code, Entry] = {
    Code.NOT_A_VOTER: Entry(
        "Only an admin of a member can propose, vote and withdraw",
        "Sign with the key of an admin of a member; `twinledger consortium show` names them.",
        DENIED,
    ),
    Code.BAD_PROPOSAL: Entry(
        "The proposal or the vote is not well-formed",
        "Build it as proto/twinledger/v1/governance.proto says.",
        INVALID,
    ),
    Code.NO_CHANGE: Entry(
        "Nothing would change",
        "Compare with `twinledger consortium show`: it is so already.",
        STATE,
    ),
    Code.GROUND_MOVED: Entry(
        "The consortium has changed since the plan was made",
        "Make the plan again with `twinledger consortium plan`, look at it, and propose that.",
        STATE,
    ),
    Code.QUORUM_IMPOSSIBLE: Entry(
        "The change would leave a quorum that cannot be, or none",
        "Change certificate_quorum first, keep more members, or let a member whose witness key is "
        "disqualified register another one.",
        STATE,
    ),
    Code.PROTOCOL_NOT_LATER: Entry(
        "The protocol version is not later, its height has passed, or another one is due",
        "Propose a greater version with a height that votes can still be counted before.",
        STATE,
    ),
    Code.PROPOSAL_NOT_FOUND: Entry(
        "There is no such proposal",
        "List them with `twinledger consortium proposals`.",
        MISSING,
    ),
    Code.PROPOSAL_CLOSED: Entry(
        "The proposal was decided or withdrawn before",
        "Nothing is left to do; propose again when it should be decided anew.",
        STATE,
    ),
    Code.PROPOSAL_EXPIRED: Entry(
        "The time to vote on the proposal is over",
        "Propose it again, and vote within proposal_lifetime_us.",
        STATE,
    ),
    Code.PLAN_CHANGED: Entry(
        "The vote is meant for another plan than the one that this proposal has",
        "Read the proposal with `twinledger consortium proposals` and vote on what it says.",
        STATE,
    ),
    Code.VOTED_TWICE: Entry(
        "The member has voted on this proposal before",
        "A vote stands; a proposer may withdraw the proposal.",
        EXISTS,
    ),
    Code.NOT_THE_PROPOSER: Entry(
        "Only the member that made the proposal can withdraw it",
        "Reject it with a vote instead.",
        DENIED,
    ),
    Code.MEMBER_CONFLICT: Entry(
        "Two parts of the consortium would share what only one may have",
        "Use another name, address, key or certificate, as the message says.",
        EXISTS,
    ),
    Code.JOIN_INVALID: Entry(
        "The join file is not one that its member made: it is damaged or was altered",
        "Get the file again from the member; `twinledger consortium join init` makes it.",
        INVALID,
    ),
    Code.NODE_NOT_FOUND: Entry(
        "The member has no such node",
        "Check the id with `twinledger consortium show`.",
        MISSING,
    ),
    Code.SEAT_TAKEN: Entry(
        "The member has a node, and no member has two",
        "Replace it: `twinledger consortium replace-node NODE JOIN_FILE`.",
        EXISTS,
    ),
    Code.NODE_ID_USED: Entry(
        "The node id was used before, and is dead for ever",
        "Choose an id that no node has ever had.",
        EXISTS,
    ),
    Code.BAD_NODE: Entry(
        "The node's record would not be valid",
        "Give addresses as host:port, an id as docs/formats says, and a SHA-256 of 32 bytes.",
        INVALID,
    ),
    Code.KEY_USED: Entry(
        "The key was used by a node before, and is dead for ever",
        "Make new keys; a key never comes back.",
        EXISTS,
    ),
    Code.BAD_CERTIFICATE: Entry(
        "The certificate is not one that a node can show",
        "Use the one that `twinledger consortium join init` makes: self-signed, ECDSA P-256.",
        INVALID,
    ),
    Code.LAST_CERTIFICATE: Entry(
        "The node's record would have no certificate, or more than two",
        "Add the new one, let the node change to it, then remove the old one.",
        STATE,
    ),
    Code.EVIDENCE_INVALID: Entry(
        "This does not show that a witness signed two histories",
        "Accuse nobody because of it.",
        INVALID,
    ),
    Code.WITNESS_UNKNOWN: Entry(
        "No member's witness has this key now",
        "Nothing is left to do: a key that its member replaced is dead for ever.",
        STATE,
    ),
    Code.WITNESS_DISQUALIFIED: Entry(
        "The witness key is disqualified already",
        "Nothing is left to do; its member may register another witness key.",
        EXISTS,
    ),
}
