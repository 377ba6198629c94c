import os
import subprocess
import sys
from pathlib import Path

from lgsp_connectors.kit.log.holder import Holder, started


def test_a_holder_names_its_process_and_yaml() -> None:
    here = Holder.here(Path("/etc/first.yaml"))
    assert here.words() == f"process {os.getpid()} on {here.host} with /etc/first.yaml"
    assert (here.pid, here.started) == (os.getpid(), started(os.getpid()))
    again = Holder.here(Path("/etc/first.yaml"))
    assert again.id != here.id
    assert again.home == here.home


def test_a_process_that_has_ended_is_not_started_even_while_nobody_has_asked_for_its_end() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert started(child.pid) >= started(os.getpid())
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie
    assert started(child.pid) == -1
    child.wait()
    assert started(child.pid) == -1
