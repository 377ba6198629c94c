"""Waiting for an event of the loop with a limit."""

import asyncio


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most `seconds`; tell whether it is set.

    Not asyncio.wait_for: before Python 3.12 it swallows a cancellation that comes together with
    what is waited for, and the task runs on.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
