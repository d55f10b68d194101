"""Asks a page of this container whether all is well: exit 0 for an answer of 200, else 1 with the reason in one line.

python healthcheck.py http://127.0.0.1:9095/healthz
"""

import sys
import urllib.error
import urllib.request

WITHIN_S = 5.0


def answer(url: str) -> tuple[bool, str]:
    """Return whether the page answers 200, and the first 300 characters of what it says."""
    # a proxy of the environment is not for a page of this very container
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=WITHIN_S) as response:
            return response.status == 200, response.read(300).decode(errors="replace").strip()
    except urllib.error.HTTPError as error:
        return False, error.read(300).decode(errors="replace").strip()
    except (OSError, ValueError) as error:
        return False, f"{url}: {error}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("healthcheck.py URL")
    well, said = answer(sys.argv[1])
    print(said)
    sys.exit(not well)
