"""Starts a node, runs it until it is told to stop or must, and says why it ended.

Exit codes (sysexits.h): 0 stopped when asked, 65 its data is damaged or it diverged, 70 a fault of
this program, 74 the disk failed, 75 temporary (disk full), 78 configuration.
"""

import asyncio
import faulthandler
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Final

from twinledger.client.key_files import AskPassphrase, passphrase_of_environment
from twinledger.client.profile import Profile
from twinledger.consortium.protocol import KNOWN_VERSIONS
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.configuration import load
from twinledger.node.logs import configure_logs
from twinledger.node.running import Node
from twinledger.storage import DataFolder, LastExit, StorageFailure

EX_DATAERR: Final = 65
EX_SOFTWARE: Final = 70
EX_TEMPFAIL: Final = 75
EX_CONFIG: Final = 78

_EXIT_CODES: Final = {
    Code.DATA_DAMAGED: EX_DATAERR,
    Code.DIVERGED: EX_DATAERR,
    Code.DISK_FULL: EX_TEMPFAIL,
    Code.FORMAT_UNKNOWN: EX_CONFIG,
    Code.PROTOCOL_UNKNOWN: EX_CONFIG,
    Code.CONFIG_INVALID: EX_CONFIG,
    Code.GENESIS_INVALID: EX_CONFIG,
    Code.GENESIS_MISMATCH: EX_CONFIG,
    Code.GENESIS_DOUBLED: EX_CONFIG,
    Code.GENESIS_ALTERED: EX_CONFIG,
    Code.GENESIS_SIGNED_TWICE: EX_CONFIG,
    Code.GENESIS_UNKNOWN_SIGNER: EX_CONFIG,
    Code.KEY_EXPOSED: EX_CONFIG,
    Code.KEY_LOCKED: EX_CONFIG,
    Code.KEY_MISMATCH: EX_CONFIG,
    Code.BAD_CERTIFICATE: EX_CONFIG,
    Code.WRONG_CHAIN: EX_CONFIG,
    Code.DATA_IN_USE: EX_CONFIG,
    Code.ADDRESS_IN_USE: EX_CONFIG,
}

logger = logging.getLogger(__name__)


def run(
    config_path: Path,
    ask: AskPassphrase = passphrase_of_environment,
    peers: Path | None = None,
    knows: Collection[int] = KNOWN_VERSIONS,
) -> int:
    """Run a node in the foreground; return the process's exit code.

    `ask` gets the passphrase of its keys, should they be sealed; `peers` is a profile with newer
    certificates of the other nodes than this node's ledger has; `knows` are the protocol versions
    that it can execute.
    """
    try:
        configuration = load(config_path)
        given = Profile.load(peers) if peers else None
    except LedgerError as error:
        return _say(_last_exit_of(error))
    configure_logs(configuration.node.id, configuration.log.level)
    # A library's crash ends the process without a word of ours: this leaves its stack in the log.
    faulthandler.enable()
    try:
        with DataFolder.open(
            configuration.node.data_dir,
            min_free_bytes=configuration.storage.min_free_mib << 20,
        ) as folder:
            last_exit = _run_in(lambda: Node.start(folder, configuration, ask, given, knows))
            folder.write_last_exit(last_exit)
    except (LedgerError, StorageFailure) as error:
        last_exit = _last_exit_of(error)
    return _say(last_exit)


def _run_in(start: Callable[[], Awaitable[Node]]) -> LastExit:
    try:
        asyncio.run(_run(start))
    except (LedgerError, StorageFailure) as error:
        return _last_exit_of(error)
    except BaseExceptionGroup as group:
        logger.exception("the node fails")
        return _last_exit_of(_first(group))
    except Exception as error:
        logger.exception("the node fails")
        return _last_exit_of(error)
    return LastExit("STOPPED", "The node stopped when it was asked to.", "", 0, _now_us())


async def _run(start: Callable[[], Awaitable[Node]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    again = True
    while again:
        node = await start()
        try:
            again = await node.run_until(stop)
        finally:
            await node.close()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _last_exit_of(error: BaseException) -> LastExit:
    if isinstance(error, StorageFailure):
        return LastExit(
            error.code, error.sentence, error.next_step, int(error.exit_code), _now_us()
        )
    if not isinstance(error, LedgerError):
        error = LedgerError(Code.INTERNAL, f"{type(error).__name__}: {error}")
    exit_code = _EXIT_CODES.get(error.code, EX_SOFTWARE)
    return LastExit(error.code, error.message, error.next_step, exit_code, _now_us())


def _say(last_exit: LastExit) -> int:
    if last_exit.exit_code:
        sys.stderr.write(f"{last_exit.code}: {last_exit.sentence} {last_exit.next_step}\n")
    return int(last_exit.exit_code)


def _now_us() -> int:
    return time.time_ns() // 1000
