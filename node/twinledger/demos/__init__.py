"""Demonstrations on real input: what the ledger is for, shown with its claims counted.

Each demonstration is a folder with a click command, starts its own local consortium, and ends with
a table computed from what the nodes serve; it exits 0 only when the table says what must hold. No
other part imports this one, and nothing here knows more than the SDK and the devnet offer.

Read water first.
"""
