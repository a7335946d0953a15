"""What a node keeps on its disk: the log, the chain with its state, and the folder around them.

What it is for: nothing acknowledged is lost by a crash or a power cut, and whatever the disk lost
or changed is found before the node acts on it. Two LevelDB stores with different duties: the log
is synced before anything is acknowledged; the chain is never synced, because it is derived from
the log and is replayed from it.

What it never does: decide anything, retry a failed write, repair damage by guessing, talk to the
network, wait. Whatever goes wrong is a LedgerError (DATA_DAMAGED, DATA_IN_USE, FORMAT_UNKNOWN) or a
StorageFailure, with a sentence for the operator; either one stops the node.

Read in this order: ``data_folder`` (what lies where), ``failure`` and ``damage`` (how it says no),
``database`` (LevelDB, the only file that touches it), ``log_records``, ``log_store``, ``log_check``
and ``marker`` (the log), ``chain_records``, ``chain_reader`` and ``chain_store`` (the chain),
``chain_tree_records``, ``chain_trees``, ``chain_tree_changes`` and ``chain_proofs`` (its trees),
``head_mark``, ``head_records`` and ``head_book`` (what was signed and certified), ``set_changes``
and ``set_certificates`` (the changes of who certifies).
``folder_copy`` and ``record_names`` serve whoever looks into the folder of a stopped node.
``snapshot_format``, ``snapshot_content``, ``snapshot_files``, ``snapshot_install`` and
``snapshot_switch`` bring whole states from node to node.
``docs/operations/storage.md`` is the operator's side.
"""

from twinledger.storage.chain_proofs import ChainProofs, ProvenLeaf, ProvenTwin, ProvenValue
from twinledger.storage.chain_reader import ChainReader, StoredBlock
from twinledger.storage.chain_records import Location, UpdatePlace
from twinledger.storage.chain_store import ChainSnapshot, ChainStore
from twinledger.storage.data_folder import DataFolder, Stores
from twinledger.storage.disk_room import DiskRoom
from twinledger.storage.failure import StorageFailure
from twinledger.storage.head_book import HeadBook
from twinledger.storage.head_mark import HeadMark, SignedMark
from twinledger.storage.last_exit import LastExit
from twinledger.storage.log_store import LogStore
from twinledger.storage.peer_memory import PeerMemory, Shown

__all__ = [
    "ChainProofs",
    "ChainReader",
    "ChainSnapshot",
    "ChainStore",
    "DataFolder",
    "DiskRoom",
    "HeadBook",
    "HeadMark",
    "LastExit",
    "Location",
    "LogStore",
    "PeerMemory",
    "ProvenLeaf",
    "ProvenTwin",
    "ProvenValue",
    "Shown",
    "SignedMark",
    "StorageFailure",
    "StoredBlock",
    "Stores",
    "UpdatePlace",
]
