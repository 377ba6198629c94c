"""A gateway before the mock: a budget of calls a second, a time when all is down, and counts."""

import asyncio
import time
from typing import Any

from lgsp.mocks.national.calls import App


class Gateway:
    """Refuses calls beyond `per_second` in each second (429), and all while it is `away` (503).

    Calls that go through take `delay` seconds more.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self.per_second = 1_000_000
        self.away = False
        self.delay = 0.0
        self.taken = self.refused = self.turned_away = 0
        self.in_flight = self.most_in_flight = 0
        self._second, self._in_second = 0, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if (second := int(time.monotonic())) != self._second:
            self._second, self._in_second = second, 0
        if self.away:
            self.turned_away += 1
            await _refuse(send, 503)
        elif self._in_second >= self.per_second:
            self.refused += 1
            await _refuse(send, 429)
        else:
            self._in_second += 1
            self.taken += 1
            self.in_flight += 1
            self.most_in_flight = max(self.in_flight, self.most_in_flight)
            await asyncio.sleep(self.delay)
            try:
                await self._app(scope, receive, send)
            finally:
                self.in_flight -= 1


async def _refuse(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})
