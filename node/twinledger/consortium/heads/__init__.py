"""How a node comes to certified heads: what it signs, what it gathers, and whom it suspects.

What it is for: every member's node signs the head of every height, gathers what the others sign,
and makes a certificate of the newest head that a quorum signed. What two signatures of one key
prove against it becomes evidence.

What it never does: read or write, look at a clock, send, wait. It takes executed heads, received
cosignatures, what was found valid, and the time; it returns what to sign, check, ask and keep. The
checks themselves are values that any thread can run.

Read in this order: ``roots`` (the heads this node executed), ``signing`` (the signing rule),
``gathering`` (from cosignatures to certificates), ``suspicions`` (from suspicion to evidence),
``keeper``, which joins them, and ``restoring``, which puts it together after a start. The running
node's ``heads`` is the edge that does what this says.
"""

from twinledger.consortium.heads.checks import Check, Purpose
from twinledger.consortium.heads.keeper import Found, HeadKeeper
from twinledger.consortium.heads.suspicions import Question

__all__ = ["Check", "Found", "HeadKeeper", "Purpose", "Question"]
