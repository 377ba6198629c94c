import resource
import signal
import subprocess
import sys

import pytest
from tests.waiting import read_line

from lgsp.runtime.supervision.process import ForeignProcess, allow_open_files


def test_waits_for_and_ends_a_process_by_its_pid() -> None:
    program = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        read_line(child, child.stdout, "it is up")
        with ForeignProcess(child.pid) as process:
            assert program == process.arguments
            assert not process.wait(0)
            process.send(signal.SIGKILL)
            assert process.wait(30)
            child.wait(30)
            assert [] == process.arguments
            process.send(signal.SIGTERM)


def test_there_is_no_such_process() -> None:
    with pytest.raises(ProcessLookupError):
        ForeignProcess(2**22 + 1)


def test_few_open_files_are_made_as_many_as_the_system_gives() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, before[1]))
        allow_open_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (soft >= 600 or soft == hard, hard) == (True, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
