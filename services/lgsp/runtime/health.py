"""Health and metrics of a worker: a small HTTP server on a thread of its own.

A thread, not the worker's loop: when the loop is stuck, `/healthz` must still be able to say so.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST

from lgsp.runtime.exposed import Checks, Exposed, Shown
from lgsp.runtime.ports import port_refused


class HealthServer:
    """Serves `/healthz` (alive), `/readyz` (every check true, else 503) and `/metrics`."""

    def __init__(
        self, host: str, port: int, *, alive: Checks, ready: Checks, exposed: Exposed
    ) -> None:
        routes = {"/healthz": alive, "/readyz": ready}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path == "/metrics":
                    self._answer(200, exposed.text(), CONTENT_TYPE_LATEST)
                elif path in routes:
                    checks = dict(routes[path]())
                    body = json.dumps({"ok": all(checks.values()), "checks": checks}).encode()
                    self._answer(200 if all(checks.values()) else 503, body, "application/json")
                else:
                    self._answer(404, b"not found\n", "text/plain")

            def _answer(self, code: int, body: bytes, kind: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Probes are not worth a line each."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            settings = "LGSP_METRICS_PORT (of a connector: --port)"
            raise port_refused("metrics and health", host, port, error, settings) from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()


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
