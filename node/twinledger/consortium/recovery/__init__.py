"""Recovery: how a consortium that lost its quorum for good goes on, in a new epoch.

What it is for: when too many nodes are gone to order or to certify anything, the *members* still
have a quorum: their admins. A certificate quorum of them signs one file, which goes on from the
newest certified head that any survivor has, with fresh nodes and fresh keys. The file becomes the
first block of the new epoch, and every node checks it again from its own state.

What it never does: go on with fewer signatures (that is a new genesis), with a node or a key that
was there before, or without saying what may be lost.

Read in this order: ``statement`` (what a survivor says of itself), ``file`` (what the admins sign),
``judging`` (whether it holds, by the consortium at the fork), ``opening`` (what it makes of the
state), ``conflict`` (who signed two recoveries of one epoch).
"""
