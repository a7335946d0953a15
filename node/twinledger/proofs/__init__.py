"""Proof bundles: one file that proves a claim about the ledger to anyone, offline.

What it is for: writing bundles, and verifying them with public keys alone. Everything here works
from the wheel's base: an auditor installs no server.
What it never does: I/O, clocks, and believing anything in a file that it has not checked. Whatever
the bytes are, ``verify`` raises a LedgerError or returns what is proven.

Read in this order: ``claims`` (what can be claimed, and what each claim shows), ``bundle`` (the
file), ``fields`` (how values are read strictly), ``standing`` (from an anchor over every change of
the witnesses to the certified head), ``checks`` (each kind of claim), ``proven`` and ``words``
(what is told), ``verify`` (the entry), ``sources`` and ``builder`` (making bundles from a node's
chain).
"""
