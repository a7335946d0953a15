"""The pages of one twin's tree in a dict."""

from collections.abc import Mapping

from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import StateProof
from twinledger.ledger.state_tree import TreeUpdate
from twinledger.ledger.state_tree_page import EMPTY, Branch, Page, PageKey
from twinledger.twins.tree import TwinLeaf, prove_leaf, update_tree

PUMP = TwinId("pump")


class TwinPages:
    """The pages of one twin's tree, those that are stale taken out, and what was read of them."""

    def __init__(self) -> None:
        self.pages: dict[PageKey, Page] = {}
        self.root = Branch(EMPTY, 0)
        self.height = 0
        self.reads: list[PageKey] = []

    def tree_page(self, key: PageKey) -> Page:
        self.reads.append(key)
        return self.pages[key]

    def change(self, changes: Mapping[bytes, tuple[bytes, bytes] | None]) -> TreeUpdate | None:
        self.height += 1
        leaves = {key: to and TwinLeaf(key, *to) for key, to in changes.items()}
        done = update_tree(self, PUMP, self.root, self.height, leaves)
        if done is not None:
            self.root = Branch(done.root, self.height)
            for key in done.stale:
                del self.pages[key]
            self.pages |= {key: Page.decode(page.encode()) for key, page in done.pages.items()}
        return done

    def proof(self, key: bytes) -> StateProof:
        return prove_leaf(self, PUMP, self.root, key)
