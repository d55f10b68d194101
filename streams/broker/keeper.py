"""The small parent of the Java process: ends it when whoever started it is gone; imports nothing of the project.

Its standard input is a pipe that only the starter holds. However the starter ends, `kill -9` included, the pipe
closes, and Java gets SIGTERM, then SIGKILL. (A parent-death signal would follow the starting thread, not the process,
and exists on Linux only.)
"""

import os
import shutil
import signal
import subprocess
import sys
import threading

STOP_WITHIN_S = 15.0


def _stop_when_closed(java: subprocess.Popen[bytes], closed: threading.Event) -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes: it returns when the pipe is closed
    closed.set()
    java.terminate()
    try:
        java.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        java.kill()


def main(temporary_dir: str, command: list[str]) -> int:
    """Run the command until it ends by itself or standard input closes; return its exit code.

    `temporary_dir`, unless empty, is removed in the second case; in the first its log is still wanted.
    """
    java = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: java.terminate())
    closed = threading.Event()
    threading.Thread(target=_stop_when_closed, args=(java, closed), daemon=True).start()
    code = java.wait()
    if closed.is_set() and temporary_dir:
        shutil.rmtree(temporary_dir)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
