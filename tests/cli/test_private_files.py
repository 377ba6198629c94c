"""What a process of ours writes, only its owner reads, whatever the umask of the shell."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import read_line, wait_until

WORLD = 0o077


def open_to_others(folder: Path) -> list[str]:
    return [
        str(entry.relative_to(folder))
        for entry in folder.rglob("*")
        if entry.stat().st_mode & WORLD and not entry.is_symlink()
    ]


def test_state_and_logs_are_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-m", "lgsp.cli", "mock", "national", "--port", "0", "--json"],
        env=os.environ | {"LGSP_DATA": str(data), "LGSP_LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        text=True,
        umask=0,
    ) as mock:
        try:
            read_line(mock, mock.stdout, "it is ready")
            wait_until("it has a file", lambda: any(data.rglob("*.db")))
            assert open_to_others(tmp_path) == []
        finally:
            mock.send_signal(signal.SIGTERM)
            mock.wait(30)
