"""Health and metrics of a worker: a small HTTP server on a thread and loop of its own.

Not the worker's loop: when that is stuck, `/healthz` must still be able to say so. One thread for
all connections, which are bounded: junk neither grows the process nor keeps a probe out.
"""

import asyncio
import json
import socket
import threading

from prometheus_client import CONTENT_TYPE_LATEST

from lgsp.runtime.exposed import Checks, Exposed, Shown
from lgsp.runtime.ports import listen
from lgsp.runtime.serving.limits import Connections
from lgsp.runtime.serving.probes import Probe, Reply
from lgsp.runtime.supervision.systemd import notify_ready, notify_stopping, prove_life

_MOST = 128  # connections
_MOST_OF_ONE = 64
_CLOSE_WITHIN = 2.0
_SETTINGS = "LGSP_METRICS_HOST, LGSP_METRICS_PORT (of a connector: --port)"


class HealthServer:
    """Serves `/healthz` (alive), `/readyz` (every check true, else 503) and `/metrics`.

    While `/healthz` is well, systemd gets its signs of life.
    """

    def __init__(
        self, host: str, port: int, *, alive: Checks, ready: Checks, exposed: Exposed
    ) -> None:
        self._exposed = exposed
        self._routes = {"/healthz": alive, "/readyz": ready}
        listener = listen("metrics and health", host, port, _SETTINGS)
        self.port: int = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._closed = asyncio.Event()
        self._thread = threading.Thread(
            target=self._serve, args=(listener,), name="health", daemon=True
        )
        self._thread.start()
        notify_ready()

    def close(self) -> None:
        """Stop serving and free the port."""
        notify_stopping()
        self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join(_CLOSE_WITHIN)

    def _serve(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work(listener))

    async def _work(self, listener: socket.socket) -> None:
        connections = Connections(_MOST, _MOST_OF_ONE)
        alive = self._routes["/healthz"]
        server = await self._loop.create_server(
            lambda: Probe(connections, self._answer), sock=listener
        )
        life = asyncio.create_task(prove_life(lambda: all(alive().values())))
        try:
            await self._closed.wait()
        finally:
            life.cancel()
            server.close()

    def _answer(self, path: str) -> Reply:
        if path == "/metrics":
            return Reply(200, self._exposed.text(), CONTENT_TYPE_LATEST)
        if path not in self._routes:
            return Reply(404, b"not found\n")
        checks = dict(self._routes[path]())
        well = all(checks.values())
        body = json.dumps({"ok": well, "checks": checks}).encode()
        return Reply(200 if well else 503, body, "application/json")


def serve_health(
    host: str,
    port: int,
    ready: Checks,
    alive: Checks = lambda: {"process": True},
    shown: Shown = Shown(),
) -> HealthServer:
    """Serve health and metrics until `close()`; ConfigurationError when the port is taken."""
    exposed = Exposed(shown, ready)
    return HealthServer(host, port, alive=alive, ready=ready, exposed=exposed)
