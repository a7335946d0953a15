"""Why a message from a peer came to nothing. Counted, never raised."""

from enum import StrEnum


class Reason(StrEnum):
    """One reason a message was dropped."""

    WRONG_RECIPIENT = "wrong_recipient"
    UNKNOWN_SENDER = "unknown_sender"
    REMOVED_SENDER = "removed_sender"
    PAST_TERM = "past_term"
    IMPOSSIBLE_TERM = "impossible_term"
    IMPOSSIBLE_INDEX = "impossible_index"
    BROKEN_ENTRIES = "broken_entries"
    BAD_CONFIGURATION = "bad_configuration"
    LEADER_ALIVE = "leader_alive"
    SECOND_LEADER = "second_leader"
    REFUSED_LEADER = "refused_leader"
    CONFIGURATION_WAITS = "configuration_waits"
    CONFIGURATION_REFUSED = "configuration_refused"
    CONTENT_DIFFERS = "content_differs"
    NOT_LEADER = "not_leader"
    LATE_VOTE = "late_vote"
    NOT_ASKED = "not_asked"
    READS_FULL = "reads_full"
