"""How a client reads: with proofs, or at a node's word. Both have the same calls."""

from typing import TypeAlias

from twinledger.client.plain_reads import PlainReads
from twinledger.client.verified_reads import VerifiedReads

Reads: TypeAlias = VerifiedReads | PlainReads
