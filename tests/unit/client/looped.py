"""Runs a test that is a coroutine."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

Parameters = ParamSpec("Parameters")

GIVE_UP_SECONDS = 60
POLL_SECONDS = 0.01


def looped(test: Callable[Parameters, Coroutine[Any, Any, None]]) -> Callable[Parameters, None]:
    """The test as a plain function, with a deadline far beyond what it needs."""

    @functools.wraps(test)
    def plain(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), GIVE_UP_SECONDS))

    return plain


async def until(condition: Callable[[], bool]) -> None:
    """Returns once a condition holds; the test's own deadline bounds it."""
    while not condition():  # noqa: ASYNC110 - it is set by threads that know no event loop
        await asyncio.sleep(POLL_SECONDS)
