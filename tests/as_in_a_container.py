"""Run as a script by root: `python as_in_a_container.py COMMAND...` runs a command of Pollwatch as the image and the chart let it run.

User 10001 on a file system that cannot be written, but for an empty folder for temporary files; no capability but the one to read what belongs to others
(this machine's Python may be in root's home), no way to get more. The process keeps its id, so it can be watched and stopped.
"""

import os
import sys

_CONFINE = """
mount --make-rprivate /
mount -o remount,ro,bind / /
mount -t tmpfs -o size=64m,mode=1777 tmpfs /mnt
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
  --bounding-set=-all,+dac_read_search --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search -- "$@"
"""

if __name__ == "__main__":
    command = [sys.executable, "-m", "streams", *sys.argv[1:]]
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # as in the image
    os.environ["TMPDIR"] = "/mnt"  # and not /tmp: the project may be in there
    os.execvp("unshare", ["unshare", "--mount", "sh", "-ec", _CONFINE, "sh", *command])
