"""Who is in the consortium: members, their nodes, their identities, and the genesis file.

What it is for: reading the genesis file, the consortium's and the identities' leaves of the agreed
state, the operations that admit and revoke identities, and checking what its witnesses certified.
What it never does: I/O, clocks, anything about twins, and checking the
signatures of transactions.

Read in this order: ``nodes``, ``rules`` and ``members`` (the consortium's leaf), ``signed_file``,
``join_file`` and ``genesis`` (where it begins), ``identities`` (who may sign, and how that
changes), ``plan``, ``proposals`` and ``governance`` (what all decide), ``node_changes`` (what a
member does alone), ``operations`` (all of these by kind), ``witnesses`` (who certifies heads).
"""
