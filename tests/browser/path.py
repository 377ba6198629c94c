"""A network path that freezes, breaks and delays: a small TCP proxy on threads."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self


class Path:
    """Passes connections on to a port; what is on its way can be held or cut.

    Attributes:
        port: where it listens.
        target: port that it passes on to; may be changed.
        opened: how many connections it has passed on.
        held: tells of the first bytes of a request whether its answer is held back.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.held: Callable[[bytes], bool] = lambda _request: False
        self.opened = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[_Pair] = []
        self._is_open = threading.Event()
        self._is_open.set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._is_open.set()
        self.cut()

    def freeze(self) -> None:
        """Let nothing more pass on the connections that are open; new ones work."""
        with self._lock:
            for pair in self._pairs:
                pair.frozen.set()

    def cut(self) -> None:
        """Break the connections that are open."""
        with self._lock:
            for pair in self._pairs:
                pair.close()
            self._pairs.clear()

    def close(self) -> None:
        """Freeze what is open, and let new connections hang."""
        self._is_open.clear()
        self.freeze()

    def open(self) -> None:
        """Let new connections, and those that hang, pass again."""
        self._is_open.set()

    @property
    def streams(self) -> int:
        """How many streams are open now."""
        with self._lock:
            return sum(
                pair.is_stream and not pair.frozen.is_set() and not pair.closed
                for pair in self._pairs
            )

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._is_open.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            near.close()
            return
        pair = _Pair(near, far, self)
        with self._lock:
            self.opened += 1
            self._pairs.append(pair)
        pair.start()


class _Pair:
    """Both ends of one connection."""

    def __init__(self, near: socket.socket, far: socket.socket, path: Path) -> None:
        self.near, self.far, self.path = near, far, path
        self.frozen = threading.Event()
        self.closed = self.is_stream = self.is_held = False

    def start(self) -> None:
        for source, sink in ((self.near, self.far), (self.far, self.near)):
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        self.closed = True
        for end in (self.near, self.far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source is self.near:
                    self.is_stream = b"/api/v1/stream" in data
                    self.is_held = self.path.held(data)
                if self.frozen.is_set() or (self.is_held and source is self.far):
                    continue
                sink.sendall(data)
        if not self.frozen.is_set():
            self.close()
