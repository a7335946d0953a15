"""What every code means, what to do next, and how it travels over gRPC.

The one table behind ``LedgerError.message``, the services' status codes and ``docs/errors.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from twinledger.ledger.codes import Code


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        sentence: What happened, without a full stop: a detail may follow.
        next_step: What to do, in a sentence.
        status: The name of the gRPC status it travels under.
        waiting_helps: True when the same request may succeed later, unchanged.
    """

    sentence: str
    next_step: str
    status: str
    waiting_helps: bool = False


_INVALID = "INVALID_ARGUMENT"
_STATE = "FAILED_PRECONDITION"
_MISSING = "NOT_FOUND"
_EXISTS = "ALREADY_EXISTS"
_DENIED = "PERMISSION_DENIED"
_UNKNOWN_CALLER = "UNAUTHENTICATED"
_FULL = "RESOURCE_EXHAUSTED"
_DOWN = "UNAVAILABLE"
_RANGE = "OUT_OF_RANGE"
_INTERNAL = "INTERNAL"
_LOST = "DATA_LOSS"

_TRANSACTION: dict[Code, Entry] = {
    Code.MALFORMED: Entry(
        "The bytes are not what they should be",
        "Build the message as docs/formats describes and send it unchanged.",
        _INVALID,
    ),
    Code.UNKNOWN_FIELD: Entry(
        "The message holds a field that this ledger does not know",
        "Leave the field out, or wait until the consortium has upgraded to a version with it.",
        _INVALID,
    ),
    Code.TOO_LARGE: Entry(
        "The message is larger than the consortium allows",
        "Split it into smaller transactions; keep big files elsewhere and record their hash.",
        _INVALID,
    ),
    Code.WRONG_CHAIN: Entry(
        "The transaction is meant for another chain",
        "Sign it again with this chain's id, or send it to a node of the chain it names.",
        _INVALID,
    ),
    Code.EXPIRED: Entry(
        "The transaction's expiry has passed, so it can never have an effect",
        "Sign a new one with a later expiry; check that your clock is right.",
        _STATE,
    ),
    Code.LIFETIME_TOO_LONG: Entry(
        "The transaction's expiry lies too far ahead",
        "Sign it again with an expiry within the consortium's max_lifetime_us of now.",
        _INVALID,
    ),
    Code.UNKNOWN_SIGNER: Entry(
        "No such identity is registered with this key",
        "Ask an admin of the member to admit the identity, or sign with its registered key.",
        _UNKNOWN_CALLER,
    ),
    Code.IDENTITY_REVOKED: Entry(
        "The identity was revoked",
        "Sign with another identity; a revoked one never comes back.",
        _UNKNOWN_CALLER,
    ),
    Code.WRONG_SIGNATURE_COUNT: Entry(
        "The transaction does not carry exactly one signature for each author",
        "Let every author named in the body sign, in the body's order, and nobody else.",
        _INVALID,
    ),
    Code.BAD_SIGNATURE: Entry(
        "A signature is not the author's signature of these bytes",
        "Sign the very bytes that are sent, with the domain prefix of docs/formats.",
        _UNKNOWN_CALLER,
    ),
    Code.UNKNOWN_SUITE: Entry(
        "The signature suite is not known",
        "Use suite 1, Ed25519.",
        _INVALID,
    ),
    Code.DUPLICATE: Entry(
        "This transaction has been executed before and takes no second effect",
        "Ask GetTransaction for its receipt; sign a new one to do the same again.",
        _EXISTS,
    ),
    Code.DUPLICATE_AUTHOR: Entry(
        "The transaction names an author twice",
        "Name each author once.",
        _INVALID,
    ),
    Code.TOO_MANY_AUTHORS: Entry(
        "The transaction has more authors than the consortium allows",
        "Let fewer identities sign; one of a member is enough.",
        _INVALID,
    ),
    Code.NO_OPERATIONS: Entry(
        "The transaction asks for nothing",
        "Put at least one operation into it.",
        _INVALID,
    ),
    Code.TOO_MANY_OPERATIONS: Entry(
        "The transaction has more operations than the consortium allows",
        "Split it into several transactions.",
        _INVALID,
    ),
    Code.UNKNOWN_OPERATION: Entry(
        "The operation is of no kind that this ledger knows",
        "Set exactly one kind of operation of docs/formats' version.",
        _INVALID,
    ),
}

_ADMISSION: dict[Code, Entry] = {
    Code.POOL_FULL: Entry(
        "This node holds as many waiting transactions as it may",
        "Send it again after the delay; submitting again is always safe.",
        _FULL,
        waiting_helps=True,
    ),
    Code.DISK_LOW: Entry(
        "This node is nearly out of disk and only answers reads",
        "Send it to another node; the operator should make room on the disk.",
        _DOWN,
        waiting_helps=True,
    ),
    Code.NO_LEADER: Entry(
        "The nodes have no leader at the moment",
        "Try again after the delay; if it lasts, ask the operators how many nodes are up.",
        _DOWN,
        waiting_helps=True,
    ),
    Code.STOPPING: Entry(
        "This node is stopping",
        "Send it to another node.",
        _DOWN,
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
        _FULL,
        waiting_helps=True,
    ),
}

_TWINS: dict[Code, Entry] = {
    Code.TWIN_NOT_FOUND: Entry(
        "There is no such twin",
        "Check the id, or create the twin first.",
        _MISSING,
    ),
    Code.TWIN_EXISTS: Entry(
        "There is already a twin of this id, or there was one",
        "Choose another id; ids are never used again.",
        _EXISTS,
    ),
    Code.TWIN_RETIRED: Entry(
        "The twin is retired and never changes again",
        "Use its successor, or create a new twin.",
        _STATE,
    ),
    Code.VERSION_MISMATCH: Entry(
        "The twin has another version than the one expected",
        "Read the twin, look at what changed, and sign a new transaction.",
        _STATE,
    ),
    Code.BAD_TWIN_ID: Entry(
        "The twin id is not allowed",
        "Use 1 to 128 of A-Z a-z 0-9 . _ : - beginning with a letter or digit.",
        _INVALID,
    ),
    Code.BAD_MODEL: Entry(
        "The model is not allowed",
        "Use at most 128 printable ASCII characters, for example a DTMI.",
        _INVALID,
    ),
    Code.BAD_CHANGE: Entry(
        "The change of a property is not one that can be made here",
        "Give each change one of set, delete (true) or increment; creating a twin takes only set.",
        _INVALID,
    ),
    Code.BAD_PATH: Entry(
        "The property path is not allowed",
        "Join segments of 1 to 64 of A-Z a-z 0-9 _ . - with '/'.",
        _INVALID,
    ),
    Code.PATH_TOO_DEEP: Entry(
        "The property path has too many segments",
        "Use fewer segments.",
        _INVALID,
    ),
    Code.PATH_CONFLICT: Entry(
        "The path lies above or below another property's path",
        "Choose another path, or delete the other property first.",
        _STATE,
    ),
    Code.WRONG_TYPE: Entry(
        "The value has another type than it must have here",
        "Increment an int by an int and a double by a double.",
        _STATE,
    ),
    Code.NOT_FINITE: Entry(
        "The value is not a finite number",
        "Send no NaN and no infinity; leave the reading out or set it to null.",
        _INVALID,
    ),
    Code.VALUE_TOO_DEEP: Entry(
        "The value nests too many lists and maps",
        "Make it flatter, or use several properties.",
        _INVALID,
    ),
    Code.BAD_VALUE: Entry(
        "The value is not well-formed",
        "Set exactly one kind, and order a map's keys by their bytes, 1 to 128 bytes each.",
        _INVALID,
    ),
    Code.PROPERTY_NOT_FOUND: Entry(
        "The twin has no such property",
        "Read the twin to see its properties.",
        _STATE,
    ),
    Code.TOO_MANY_PROPERTIES: Entry(
        "The twin would have more properties than the consortium allows",
        "Delete properties, or split the thing into several related twins.",
        _STATE,
    ),
    Code.INCREMENT_OVERFLOW: Entry(
        "The sum does not fit",
        "Set the property to a value that leaves room.",
        _STATE,
    ),
    Code.BAD_RELATIONSHIP: Entry(
        "The relationship's name is not allowed",
        "Use 1 to 64 of A-Z a-z 0-9 _ beginning with a letter.",
        _INVALID,
    ),
    Code.RELATIONSHIP_EXISTS: Entry(
        "The twins are already related so",
        "Nothing is left to do.",
        _EXISTS,
    ),
    Code.RELATIONSHIP_NOT_FOUND: Entry(
        "The twins are not related so",
        "Read the source twin to see its relationships.",
        _MISSING,
    ),
    Code.ACCESS_DENIED: Entry(
        "This is not allowed",
        "Sign as an identity that may; `access explain` names the rule that decides.",
        _DENIED,
    ),
    Code.SIGN_OFF_MISSING: Entry(
        "Too few of the parties that must sign this off have signed",
        "Let as many of them as it says sign the same transaction, as its authors.",
        _DENIED,
    ),
    Code.BAD_POLICY_PATH: Entry(
        "The path of the rule is not allowed",
        "Use an empty path for the whole twin, or reported, desired or relationship and what"
        " follows it.",
        _INVALID,
    ),
    Code.BAD_SUBJECT: Entry(
        "The subject of the rule is not allowed",
        "Use everyone, everyone:ROLE, member:NAME, member:NAME:ROLE or identity:MEMBER/NAME.",
        _INVALID,
    ),
    Code.BAD_RULE: Entry(
        "The rule is not one that could ever decide anything",
        "Name an effect and at least one permission, each once, that there can be at the path.",
        _INVALID,
    ),
    Code.BAD_SIGN_OFF: Entry(
        "The sign-off is not one that could be met",
        "Name members or identities as parties, each once, and at most as many signatures.",
        _INVALID,
    ),
    Code.RULE_NOT_FOUND: Entry(
        "The twin's policy has no such rule",
        "List the policy to see its rules; those that expired are dropped with its next change.",
        _MISSING,
    ),
    Code.TOO_MANY_RULES: Entry(
        "The twin's policy would have more rules than the consortium allows",
        "Take rules out, or use one for a member, a role or a shorter path.",
        _STATE,
    ),
    Code.BAD_MEMBER: Entry(
        "The member's name is not allowed",
        "Use 1 to 64 of A-Z a-z 0-9 . _ - .",
        _INVALID,
    ),
    Code.ALREADY_OWNER: Entry(
        "The twin belongs to this member already",
        "Nothing is left to do.",
        _STATE,
    ),
}

_IDENTITIES: dict[Code, Entry] = {
    Code.IDENTITY_EXISTS: Entry(
        "There is already an identity of this name, or there was one",
        "Choose another name; names are never used again.",
        _EXISTS,
    ),
    Code.IDENTITY_NOT_FOUND: Entry(
        "There is no such identity",
        "Check the name: member/name.",
        _MISSING,
    ),
    Code.MEMBER_NOT_FOUND: Entry(
        "The consortium has no such member",
        "Check the name; `consortium show` lists the members.",
        _MISSING,
    ),
    Code.BAD_IDENTITY: Entry(
        "The identity's name is not allowed",
        "Use member/name, each 1 to 64 of A-Z a-z 0-9 . _ - .",
        _INVALID,
    ),
    Code.BAD_KEY: Entry(
        "The public key is not an Ed25519 public key",
        "Give the 32 bytes that `twinledger keygen` shows.",
        _INVALID,
    ),
    Code.BAD_ROLE: Entry(
        "The role is not known",
        "Use admin, operator, device or auditor.",
        _INVALID,
    ),
    Code.LAST_ADMIN: Entry(
        "The identity is its member's last admin",
        "Admit another admin first: without one the member could never change anything again.",
        _STATE,
    ),
    Code.BAD_VALIDITY: Entry(
        "The time for which the identity would be valid cannot be",
        "Give a beginning before the end, and none to an admin.",
        _INVALID,
    ),
    Code.IDENTITY_NOT_VALID: Entry(
        "The identity may not sign now: its validity has not begun or is over",
        "Ask an admin of the member for an identity that is valid; check the block time.",
        _UNKNOWN_CALLER,
    ),
}

_GOVERNANCE: dict[Code, Entry] = {
    Code.NOT_A_VOTER: Entry(
        "Only an admin of a member can propose, vote and withdraw",
        "Sign with the key of an admin of a member; `twinledger consortium show` names them.",
        _DENIED,
    ),
    Code.BAD_PROPOSAL: Entry(
        "The proposal or the vote is not well-formed",
        "Build it as proto/twinledger/v1/governance.proto says.",
        _INVALID,
    ),
    Code.NO_CHANGE: Entry(
        "Nothing would change",
        "Compare with `twinledger consortium show`: it is so already.",
        _STATE,
    ),
    Code.GROUND_MOVED: Entry(
        "The consortium has changed since the plan was made",
        "Make the plan again with `twinledger consortium plan`, look at it, and propose that.",
        _STATE,
    ),
    Code.QUORUM_IMPOSSIBLE: Entry(
        "The change would leave a quorum that cannot be, or none",
        "Change certificate_quorum first, or keep more members.",
        _STATE,
    ),
    Code.PROTOCOL_NOT_LATER: Entry(
        "The protocol version is not later, its height has passed, or another one is due",
        "Propose a greater version with a height that votes can still be counted before.",
        _STATE,
    ),
    Code.PROPOSAL_NOT_FOUND: Entry(
        "There is no such proposal",
        "List them with `twinledger consortium proposals`.",
        _MISSING,
    ),
    Code.PROPOSAL_CLOSED: Entry(
        "The proposal was decided or withdrawn before",
        "Nothing is left to do; propose again when it should be decided anew.",
        _STATE,
    ),
    Code.PROPOSAL_EXPIRED: Entry(
        "The time to vote on the proposal is over",
        "Propose it again, and vote within proposal_lifetime_us.",
        _STATE,
    ),
    Code.PLAN_CHANGED: Entry(
        "The vote is meant for another plan than the one that this proposal has",
        "Read the proposal with `twinledger consortium proposals` and vote on what it says.",
        _STATE,
    ),
    Code.VOTED_TWICE: Entry(
        "The member has voted on this proposal before",
        "A vote stands; a proposer may withdraw the proposal.",
        _EXISTS,
    ),
    Code.NOT_THE_PROPOSER: Entry(
        "Only the member that made the proposal can withdraw it",
        "Reject it with a vote instead.",
        _DENIED,
    ),
    Code.MEMBER_CONFLICT: Entry(
        "Two parts of the consortium would share what only one may have",
        "Use another name, address, key or certificate, as the message says.",
        _EXISTS,
    ),
    Code.JOIN_INVALID: Entry(
        "The join file is not one that its member made: it is damaged or was altered",
        "Get the file again from the member; `twinledger consortium join init` makes it.",
        _INVALID,
    ),
    Code.NODE_NOT_FOUND: Entry(
        "The member has no such node",
        "Check the id with `twinledger consortium show`.",
        _MISSING,
    ),
    Code.NODE_ID_USED: Entry(
        "The node id was used before, and is dead for ever",
        "Choose an id that no node has ever had.",
        _EXISTS,
    ),
    Code.BAD_NODE: Entry(
        "The node's record would not be valid",
        "Give addresses as host:port, an id as docs/formats says, and a SHA-256 of 32 bytes.",
        _INVALID,
    ),
    Code.KEY_USED: Entry(
        "The key was used by a node before, and is dead for ever",
        "Make new keys; a key never comes back.",
        _EXISTS,
    ),
    Code.BAD_CERTIFICATE: Entry(
        "The certificate is not one that a node can show",
        "Use the one that `twinledger consortium join init` makes: self-signed, ECDSA P-256.",
        _INVALID,
    ),
    Code.LAST_CERTIFICATE: Entry(
        "The node's record would have no certificate, or more than two",
        "Add the new one, let the node change to it, then remove the old one.",
        _STATE,
    ),
}

_CALLERS: dict[Code, Entry] = {
    Code.TOKEN_MISSING: Entry(
        "The call does not say who makes it",
        "Call with a key: --as or a profile on the command line, identity= in the SDK, a read"
        " token from bare stubs.",
        _UNKNOWN_CALLER,
    ),
    Code.TOKEN_REFUSED: Entry(
        "The call's token is not one that this node accepts",
        "Make it anew for this chain, node and method, with a key that the ledger has now.",
        _UNKNOWN_CALLER,
    ),
    Code.TOKEN_EXPIRED: Entry(
        "The call's token does not hold now",
        "Make it anew, to live for at most a minute; if it is new, set this machine's clock.",
        _UNKNOWN_CALLER,
    ),
    Code.RATE_LIMITED: Entry(
        "This identity calls more often than the consortium allows",
        "Try again after the delay; send many transactions by a stream at a steady rate.",
        _FULL,
        waiting_helps=True,
    ),
}

_READING: dict[Code, Entry] = {
    Code.BLOCK_NOT_FOUND: Entry(
        "This node does not hold the block",
        "Ask for a height it has executed and kept, or ask another node.",
        _MISSING,
    ),
    Code.HEIGHT_NOT_REACHED: Entry(
        "This node has not executed the height yet",
        "Wait, or ask another node.",
        _RANGE,
        waiting_helps=True,
    ),
    Code.BAD_REQUEST: Entry(
        "The request is not well-formed",
        "Correct the field that the message names.",
        _INVALID,
    ),
    Code.PRUNED: Entry(
        "This node no longer keeps what was at that height",
        "Ask for the oldest height that the message names or a later one, or ask another node.",
        _RANGE,
    ),
}

_PROOFS: dict[Code, Entry] = {
    Code.PROOF_INVALID: Entry(
        "The proof does not prove this",
        "Believe nothing that it claims; ask another node for a proof under a head you trust.",
        _INVALID,
    ),
    Code.CERTIFICATE_INVALID: Entry(
        "The certificate does not certify this head",
        "Believe nothing that rests on it; ask another node for a certificate.",
        _INVALID,
    ),
    Code.QUORUM_MISSING: Entry(
        "Fewer witnesses signed this head than the consortium demands",
        "Wait until more members' nodes have signed it, then ask again.",
        _STATE,
        waiting_helps=True,
    ),
    Code.EVIDENCE_INVALID: Entry(
        "This does not show that a witness signed two histories",
        "Accuse nobody because of it.",
        _INVALID,
    ),
    Code.PROOF_MALFORMED: Entry(
        "The file is no proof bundle",
        "Check that it is the whole file and the right one; ask for the proof again.",
        _INVALID,
    ),
    Code.PROOF_SURPLUS: Entry(
        "Bytes follow the proof bundle",
        "Ask for the proof again; what follows was added by somebody.",
        _INVALID,
    ),
    Code.PROOF_NOT_ANCHORED: Entry(
        "The proof is not anchored in anything that you trust",
        "Name the chain id that you expect, or the file of a head that you trust.",
        _INVALID,
    ),
    Code.PROOF_WRONG_CHAIN: Entry(
        "The proof is of another chain",
        "Check the chain id; ask a node of that chain.",
        _INVALID,
    ),
    Code.PROOF_MEMBERS: Entry(
        "The proof does not show how its witnesses came to be the witnesses",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_CONSISTENCY: Entry(
        "The proof does not show that its heads are of one growing history",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_INCLUSION: Entry(
        "The proof does not show that the certified history holds the block",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_STATE: Entry(
        "The proof does not show that the block left this in the agreed state",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_PROPERTY: Entry(
        "The proof does not show that the twin has these properties",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_HISTORY: Entry(
        "The proof does not show that these are all updates of the twin",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_SILENCE: Entry(
        "The proof does not show that the twin was not updated in between",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_TRANSACTION: Entry(
        "The proof does not show what became of the transaction",
        "Believe nothing that it claims; ask another node for this proof.",
        _INVALID,
    ),
    Code.PROOF_TOO_LARGE: Entry(
        "The proof would be larger than a bundle may be",
        "Ask for less: one property, or the twin without its history.",
        _STATE,
    ),
    Code.NOT_CERTIFIED: Entry(
        "No head of this ledger is certified yet",
        "Wait until a quorum of the members' nodes is up and has signed one.",
        _STATE,
        waiting_helps=True,
    ),
    Code.TRANSACTION_NOT_FOUND: Entry(
        "No block holds this transaction",
        "Check the id; ask `twinledger tx status` whether it still waits.",
        _MISSING,
    ),
}

_NODE: dict[Code, Entry] = {
    Code.PEER_UNKNOWN: Entry(
        "The caller is no node of this consortium",
        "Check the node's id and that its consortium file is this chain's.",
        _DENIED,
    ),
    Code.PEER_MISMATCH: Entry(
        "The peer is not who it says it is, or belongs to another chain",
        "Check the addresses and the genesis files of both nodes.",
        _DENIED,
    ),
    Code.PEER_REGRESSED: Entry(
        "The peer has lost what it acknowledged: its disk was wiped or put back",
        "Do not let it vote: stop it, and have its member join with a new node id.",
        _DENIED,
    ),
    Code.PEER_CERTIFICATE: Entry(
        "The peer does not show a certificate of the node that it claims to be",
        "Compare the node's certificate with its record; `node rotate-key` records a new one.",
        _UNKNOWN_CALLER,
    ),
    Code.DATA_DAMAGED: Entry(
        "The node's data is damaged",
        "Do not start it on this data: keep the folder for inquiry and rejoin with an empty one.",
        _LOST,
    ),
    Code.DIVERGED: Entry(
        "This node's ledger is not the one that the members certified",
        "Keep the folder for inspection. If the report names a damaged state, move the folder "
        "'chain' away and start the node: it executes its log anew. If the blocks themselves "
        "differ, the node was misled: its member registers a new node with new keys.",
        _LOST,
    ),
    Code.DATA_IN_USE: Entry(
        "Another process uses the node's data",
        "Stop the other process, or give this node a data folder of its own.",
        _STATE,
    ),
    Code.DISK_FULL: Entry(
        "The disk is full",
        "Make room on the disk and start the node again.",
        _FULL,
        waiting_helps=True,
    ),
    Code.DISK_FAILED: Entry(
        "The disk failed",
        "Check the disk before starting the node again.",
        _LOST,
    ),
    Code.PROTOCOL_UNKNOWN: Entry(
        "The members agreed on a protocol version that this program does not know",
        "Install a version of twinledger that knows it, and start the node again.",
        _STATE,
    ),
    Code.SNAPSHOT_INVALID: Entry(
        "The snapshot is not what it says it is",
        "Nothing of it was installed. Take it from another node or another backup.",
        _LOST,
    ),
    Code.BACKUP_INVALID: Entry(
        "The backup is damaged or not the one it should be",
        "Nothing was made of it. Take another backup, or let the node join anew.",
        _LOST,
    ),
    Code.SNAPSHOT_GONE: Entry(
        "This node no longer has that snapshot",
        "Ask it for its newest one; a node that catches up does so by itself.",
        _MISSING,
    ),
    Code.FORMAT_UNKNOWN: Entry(
        "The data was written in a format this version does not know",
        "Start the version that wrote it, or a newer one.",
        _STATE,
    ),
    Code.CONFIG_INVALID: Entry(
        "The configuration is not valid",
        "Correct the setting that the message names.",
        _INVALID,
    ),
    Code.GENESIS_INVALID: Entry(
        "The genesis file is not valid",
        "Get the file again from another member; it must not differ by a byte.",
        _INVALID,
    ),
    Code.GENESIS_MISMATCH: Entry(
        "The data belongs to another chain than the genesis file",
        "Use the genesis file of this data, or an empty data folder.",
        _STATE,
    ),
    Code.GENESIS_DOUBLED: Entry(
        "Two parts of the genesis file share what only one may have",
        "Let one of the two members make another join file, and begin a new genesis file.",
        _INVALID,
    ),
    Code.GENESIS_ALTERED: Entry(
        "A signature does not fit the genesis file: it was altered after it was signed",
        "Get the file again from the member who signed it, and compare the chain ids.",
        _INVALID,
    ),
    Code.GENESIS_NOT_SIGNED: Entry(
        "The genesis file lacks the signature of a member",
        "Let an admin of that member run `twinledger genesis sign`, and use the file it leaves.",
        _STATE,
    ),
    Code.GENESIS_SIGNED_TWICE: Entry(
        "The genesis file has two signatures of one admin",
        "One is enough: remove one of the two lines.",
        _EXISTS,
    ),
    Code.GENESIS_UNKNOWN_SIGNER: Entry(
        "The genesis file is signed by somebody who is no admin in it",
        "Sign with the key of an admin whom the file names; remove the other line.",
        _INVALID,
    ),
    Code.GENESIS_SEALED: Entry(
        "The genesis file is signed, so nothing can be added to it",
        "Begin a new file with `twinledger genesis create`, add every member, then sign.",
        _STATE,
    ),
    Code.KEY_EXPOSED: Entry(
        "Others than its owner can read a key file",
        "Run chmod 600 on it; when others may have read it, use a new key.",
        _STATE,
    ),
    Code.KEY_LOCKED: Entry(
        "The key file is sealed with a passphrase, and the right one was not given",
        "Set TWINLEDGER_PASSPHRASE or TWINLEDGER_PASSPHRASE_FILE, or run it at a terminal.",
        _STATE,
    ),
    Code.KEY_MISMATCH: Entry(
        "The node's keys are not those of its record",
        "Put the keys in place that its join file was made with, or change the record.",
        _STATE,
    ),
    Code.ADDRESS_IN_USE: Entry(
        "Another process listens on the address",
        "Stop it, or choose another address in the configuration.",
        _STATE,
    ),
    Code.INTERNAL: Entry(
        "Something happened that must never happen",
        "Keep the node's log and data and report it: this is a fault of the program.",
        _INTERNAL,
    ),
}

_CLIENT: dict[Code, Entry] = {
    Code.CONNECTION_LOST: Entry(
        "The connection to the node was lost",
        "Try again, or name another node; submitting again is always safe.",
        _DOWN,
        waiting_helps=True,
    ),
    Code.TLS_REQUIRED: Entry(
        "The node speaks TLS, and this side does not",
        "Name a profile with the node's certificate instead of an address alone.",
        _UNKNOWN_CALLER,
    ),
    Code.TLS_MISSING: Entry(
        "The node does not speak TLS",
        "Check the address; a devnet made with --insecure has a profile that says so.",
        _UNKNOWN_CALLER,
    ),
    Code.CERTIFICATE_MISMATCH: Entry(
        "The node shows another certificate than the one that is trusted",
        "Check the address; if the node has a new certificate, get a fresh profile.",
        _UNKNOWN_CALLER,
    ),
    Code.CERTIFICATE_REFUSED: Entry(
        "The node hangs up on this node's certificate",
        "Record the certificate on the ledger, or wait until that node has executed its record.",
        _UNKNOWN_CALLER,
    ),
    Code.MISSING_EXTRA: Entry(
        "A part of twinledger that this needs is not installed",
        "Install it as the message says.",
        _STATE,
    ),
    Code.NO_SUCH_NODE: Entry(
        "There is no such node",
        "Choose one of those that `devnet status` lists.",
        _MISSING,
    ),
}

SECTIONS: dict[str, dict[Code, Entry]] = {
    "The transaction": _TRANSACTION,
    "The node that was asked": _ADMISSION,
    "Twins": _TWINS,
    "Identities": _IDENTITIES,
    "Governance": _GOVERNANCE,
    "Callers": _CALLERS,
    "Reading": _READING,
    "Proofs": _PROOFS,
    "Nodes and their data": _NODE,
    "The client's side": _CLIENT,
}

CATALOGUE: dict[Code, Entry] = {
    code: entry for section in SECTIONS.values() for code, entry in section.items()
}

REJECTIONS: frozenset[Code] = frozenset([*_TRANSACTION, *_TWINS, *_IDENTITIES, *_GOVERNANCE])
"""What a transaction can earn by itself: the outcomes of receipts, besides COMMITTED."""
