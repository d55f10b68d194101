"""Says which files of the project a wheel lacks. Exit 1 when it lacks any.

python wheel.py WHEEL
"""

import subprocess
import sys
import zipfile

FOLDERS = ("compiled", "config", "detectors", "lab", "streams")
MADE = "compiled/loops.so"  # while the wheel is built


def missing(wheel: str) -> list[str]:
    """Return the files that the wheel does not have, of those under version control in the packages and of what is compiled."""
    tracked = subprocess.run(["git", "ls-files", "--", *FOLDERS], check=True, capture_output=True, text=True).stdout
    return sorted({*tracked.splitlines(), MADE} - set(zipfile.ZipFile(wheel).namelist()))


if __name__ == "__main__":
    lacking = missing(sys.argv[1])
    print("missing:" if lacking else "nothing is missing", *lacking)
    sys.exit(bool(lacking))
