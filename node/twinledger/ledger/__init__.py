"""The ledger's values: transactions, blocks, receipts, hashes, and the errors of the whole project.

What it is for: everything that is hashed or signed, byte by byte as ``docs/formats`` says.
What it never does: I/O, clocks, randomness (a caller brings salts and times), and state: nothing
here knows whether a twin exists.

Read in this order: ``errors`` and ``catalogue`` (how anything is refused), ``canonical`` (the one
encoding of agreed state), ``values`` and ``operations`` (what a transaction may say),
``transaction`` (how it is read, signed and named), then ``merkle``, ``header``, ``receipt`` and
``block`` (what becomes of it), ``state`` (what the layers above read and write), and the trees
that prove it: ``state_tree_page``, ``state_tree``, ``state_prover`` and ``state_proof`` (what is
agreed), ``history_tree`` and ``history_proof`` (how it came about). Last what members sign:
``note``, ``checkpoint``, ``cosignature`` and, against who signs two histories, ``evidence``.
"""
