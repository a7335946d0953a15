"""Execution: a pure function from a state and a block to writes, receipts and a header.

What it is for: judging every transaction of a committed block, the same way on every node.
What it never does: I/O, clocks, randomness, threads, or trusting that somebody checked before:
every signature and every rule is checked again here.

Read in this order: ``results`` (what goes in and comes out), ``prepare`` (what can be checked
without the state, beforehand and in threads), ``overlay`` (changes nobody sees yet), ``checks``
(may this transaction be executed at all), ``judge`` (the transactions), ``trees`` (what becomes of
the Merkle trees) and ``execute`` (the block).
"""
