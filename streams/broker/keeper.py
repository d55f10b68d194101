"""The small parent of the Java process: ends it when whoever started it is gone; imports nothing of the project.

Its standard input is a pipe that only the starter holds. However the starter ends, `kill -9` included, the pipe
closes, and Java gets SIGTERM, then SIGKILL. (A parent-death signal would follow the starting thread, not the process,
and exists on Linux only.)
"""

import signal
import subprocess
import sys
import threading

STOP_WITHIN_S = 15.0


def _stop(java: subprocess.Popen[bytes]) -> None:
    java.terminate()
    try:
        java.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        java.kill()


def _stop_when_orphaned(java: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    _stop(java)


def main(command: list[str]) -> int:
    """Run the command until it ends by itself or standard input closes; return its exit code."""
    java = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: java.terminate())
    threading.Thread(target=_stop_when_orphaned, args=(java,), daemon=True).start()
    return java.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
