"""The catalogue's part on what a twin or its rules refuse."""

from twinledger.ledger.catalogue.entry import DENIED, EXISTS, INVALID, MISSING, STATE, Entry
from twinledger.ledger.codes import Code

TWINS: dict[Code, Entry] = {
    Code.TWIN_NOT_FOUND: Entry(
        "There is no such twin",
        "Check the id, or create the twin first.",
        MISSING,
    ),
    Code.TWIN_EXISTS: Entry(
        "There is already a twin of this id, or there was one",
        "Choose another id; ids are never used again.",
        EXISTS,
    ),
    Code.TWIN_RETIRED: Entry(
        "The twin is retired and never changes again",
        "Use its successor, or create a new twin.",
        STATE,
    ),
    Code.VERSION_MISMATCH: Entry(
        "The twin has another version than the one expected",
        "Read the twin, look at what changed, and sign a new transaction.",
        STATE,
    ),
    Code.BAD_TWIN_ID: Entry(
        "The twin id is not allowed",
        "Use 1 to 128 of A-Z a-z 0-9 . _ : - beginning with a letter or digit.",
        INVALID,
    ),
    Code.BAD_MODEL: Entry(
        "The model is not allowed",
        "Use at most 128 printable ASCII characters, for example a DTMI.",
        INVALID,
    ),
    Code.BAD_CHANGE: Entry(
        "The change of a property is not one that can be made here",
        "Give each change one of set, delete (true) or increment; creating a twin takes only set.",
        INVALID,
    ),
    Code.BAD_PATH: Entry(
        "The property path is not allowed",
        "Join segments of 1 to 64 of A-Z a-z 0-9 _ . - with '/'.",
        INVALID,
    ),
    Code.PATH_TOO_DEEP: Entry(
        "The property path has too many segments",
        "Use fewer segments.",
        INVALID,
    ),
    Code.PATH_CONFLICT: Entry(
        "The path lies above or below another property's path",
        "Choose another path, or delete the other property first.",
        STATE,
    ),
    Code.WRONG_TYPE: Entry(
        "The value has another type than it must have here",
        "Increment an int by an int and a double by a double.",
        STATE,
    ),
    Code.NOT_FINITE: Entry(
        "The value is not a finite number",
        "Send no NaN and no infinity; leave the reading out or set it to null.",
        INVALID,
    ),
    Code.VALUE_TOO_DEEP: Entry(
        "The value nests too many lists and maps",
        "Make it flatter, or use several properties.",
        INVALID,
    ),
    Code.BAD_VALUE: Entry(
        "The value is not well-formed",
        "Set exactly one kind, and order a map's keys by their bytes, 1 to 128 bytes each.",
        INVALID,
    ),
    Code.PROPERTY_NOT_FOUND: Entry(
        "The twin has no such property",
        "Read the twin to see its properties.",
        STATE,
    ),
    Code.TOO_MANY_PROPERTIES: Entry(
        "The twin would have more properties than the consortium allows",
        "Delete properties, or split the thing into several related twins.",
        STATE,
    ),
    Code.INCREMENT_OVERFLOW: Entry(
        "The sum does not fit",
        "Set the property to a value that leaves room.",
        STATE,
    ),
    Code.BAD_RELATIONSHIP: Entry(
        "The relationship's name is not allowed",
        "Use 1 to 64 of A-Z a-z 0-9 _ beginning with a letter.",
        INVALID,
    ),
    Code.RELATIONSHIP_EXISTS: Entry(
        "The twins are already related so",
        "Nothing is left to do.",
        EXISTS,
    ),
    Code.RELATIONSHIP_NOT_FOUND: Entry(
        "The twins are not related so",
        "Read the source twin to see its relationships.",
        MISSING,
    ),
    Code.ACCESS_DENIED: Entry(
        "This is not allowed",
        "Sign as an identity that may; `access explain` names the rule that decides.",
        DENIED,
    ),
    Code.SIGN_OFF_MISSING: Entry(
        "Too few of the parties that must sign this off have signed",
        "Let as many of them as it says sign the same transaction, as its authors.",
        DENIED,
    ),
    Code.BAD_POLICY_PATH: Entry(
        "The path of the rule is not allowed",
        "Use an empty path for the whole twin, or reported, desired or relationship and what"
        " follows it.",
        INVALID,
    ),
    Code.BAD_SUBJECT: Entry(
        "The subject of the rule is not allowed",
        "Use everyone, everyone:ROLE, member:NAME, member:NAME:ROLE or identity:MEMBER/NAME.",
        INVALID,
    ),
    Code.BAD_RULE: Entry(
        "The rule is not one that could ever decide anything",
        "Name an effect and at least one permission, each once, that there can be at the path.",
        INVALID,
    ),
    Code.BAD_SIGN_OFF: Entry(
        "The sign-off is not one that could be met",
        "Name members or identities as parties, each once, and at most as many signatures.",
        INVALID,
    ),
    Code.RULE_NOT_FOUND: Entry(
        "The twin's policy has no such rule",
        "List the policy to see its rules; those that expired are dropped with its next change.",
        MISSING,
    ),
    Code.TOO_MANY_RULES: Entry(
        "The twin's policy would have more rules than the consortium allows",
        "Take rules out, or use one for a member, a role or a shorter path.",
        STATE,
    ),
    Code.BAD_MEMBER: Entry(
        "The member's name is not allowed",
        "Use 1 to 64 of A-Z a-z 0-9 . _ - .",
        INVALID,
    ),
    Code.ALREADY_OWNER: Entry(
        "The twin belongs to this member already",
        "Nothing is left to do.",
        STATE,
    ),
}
