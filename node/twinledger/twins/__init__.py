"""Twins: what they are in the agreed state, and what each operation does to them.

What it is for: reading twins from a state, and applying operations to a draft of one.
What it never does: I/O, clocks, signatures, and deciding which operations belong together.

Read in this order: ``records`` (what is kept of a twin), ``tree`` (how it is hashed) and
``tree_proof`` (how that is verified), ``reading`` (from state to records), ``access`` (who may),
``change`` (what every update has in common), ``properties`` and ``operations`` (the rest).
"""
