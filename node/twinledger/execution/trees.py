"""What a block's changes make of the state tree, and of the trees of the twins they touch.

Both are changed once for a block, when every transaction was judged: a hot twin's tree is not
hashed again for each of its updates. The twins' trees come first, for their roots stand in the
twins' records, which are leaves of the state tree.
"""

from __future__ import annotations

from collections.abc import Mapping

from twinledger.execution.overlay import Overlay
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_tree import PageReader, TreeUpdate, update
from twinledger.ledger.state_tree_page import Branch, Page, PageKey
from twinledger.twins.reading import load_twin
from twinledger.twins.records import twin_leaf
from twinledger.twins.state_keys import is_twin_leaf, leaf_place, twin_key
from twinledger.twins.tree import TwinLeaf, update_tree


def update_trees(
    reader: PageReader, parent: Branch | None, height: int, draft: Overlay
) -> TreeUpdate:
    """Changes the trees as the draft says, and puts the twins' new roots into the draft.

    Args:
        reader: Gives the pages of the parent's trees.
        parent: Root and height of the parent's state tree; None for genesis.
        height: The block's.
        draft: What the block's transactions changed.

    Returns:
        The state tree's root, with the pages of all the trees.

    Raises:
        LedgerError: DATA_DAMAGED, when a page is not what the page above it says.
    """
    pages: dict[PageKey, Page] = {}
    stale: list[PageKey] = []
    for twin_id, changes in sorted(_changed_leaves(draft).items()):
        done = _update_twin(reader, twin_id, height, changes, draft)
        if done is not None:
            pages.update(done.pages)
            stale += done.stale
    own = {key: value for key, value in draft.changes.items() if not is_twin_leaf(key)}
    state = update(reader, parent, height, own)
    return TreeUpdate(state.root, {**pages, **state.pages}, (*stale, *state.stale))


def _changed_leaves(draft: Overlay) -> dict[TwinId, dict[bytes, TwinLeaf | None]]:
    """The leaves of the twins' trees that the draft changes, by twin and by key."""
    found: dict[TwinId, dict[bytes, TwinLeaf | None]] = {}
    for key, raw in draft.changes.items():
        place = leaf_place(key)
        if place is not None:
            leaf = None if raw is None else twin_leaf(place.key, raw)
            found.setdefault(place.twin_id, {})[place.key] = leaf
    return found


def _update_twin(
    reader: PageReader,
    twin_id: TwinId,
    height: int,
    changes: Mapping[bytes, TwinLeaf | None],
    draft: Overlay,
) -> TreeUpdate | None:
    twin = load_twin(draft, twin_id)
    done = update_tree(reader, twin_id, twin.tree, height, changes)
    if done is not None:
        after = twin.with_tree(Branch(done.root, height))
        draft.put(twin_key(twin_id), after.encode())
    return done
