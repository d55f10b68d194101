"""The image: what goes into it, who runs it, and the two scripts it carries."""

import json
import re
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config.schema import Intake
from deploy.keys import make_missing
from streams.broker.ports import free_port
from streams.hash_key import BUILT_IN_KEY, hash_key

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1) for line in re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ").splitlines() if line
]


def instructions(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def last_stage() -> list[str]:
    names = [instruction for instruction, _ in INSTRUCTIONS]
    return names[len(names) - names[::-1].index("FROM") :]


def copied_from_here() -> list[str]:
    sources = [rest.split()[:-1] for rest in instructions("COPY") if not rest.startswith("--from")]
    return [source for each in sources for source in each]


def test_packages_come_from_the_lock_with_their_hashes_and_nothing_is_compiled() -> None:
    installs = [part for rest in instructions("RUN") for part in rest.split("&&") if "pip" in part and " install " in part]
    locked = [part for part in installs if "-r requirements" in part]
    assert [part.split()[-1] for part in locked] == ["requirements.lock", "requirements-build.lock"]
    assert all("--require-hashes" in part and "--only-binary :all:" in part for part in locked)
    assert [part for part in installs if part not in locked and "--no-deps" not in part] == []


def test_it_runs_as_a_numbered_user_without_a_shell() -> None:
    assert instructions("USER") == ["10001:10001"]
    assert "RUN" not in last_stage()
    for started in (*instructions("ENTRYPOINT"), *instructions("CMD"), instructions("HEALTHCHECK")[0].split("CMD")[1]):
        assert all(isinstance(word, str) for word in json.loads(started)), "a list starts no shell"


def test_what_is_copied_exists_and_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert set(copied_from_here()) == let_through
    assert [name for name in let_through if not (ROOT / name).exists()] == []


def test_all_packages_of_the_project_are_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages <= set(copied_from_here())
    assert {project["project"]["readme"], "LICENSE", "pyproject.toml"} <= set(copied_from_here())


class Page(BaseHTTPRequestHandler):
    """Answers /healthz well and everything else not."""

    def do_GET(self) -> None:
        well = self.path == "/healthz"
        self.send_response(200 if well else 503)
        self.end_headers()
        self.wfile.write(b"alive" if well else b"restoring state")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def healthcheck(url: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "deploy" / "healthcheck.py"), url]
    environ = {"http_proxy": "http://127.0.0.1:9"}  # which nobody asks
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_health_check_says_what_the_page_says() -> None:
    with serving() as url:
        assert healthcheck(f"{url}/healthz") == (0, "alive\n")
        assert healthcheck(f"{url}/readyz") == (1, "restoring state\n")


def test_a_container_without_its_page_is_not_well() -> None:
    code, said = healthcheck(f"http://127.0.0.1:{free_port()}/healthz")
    assert code == 1
    assert "refused" in said
    assert len(said.splitlines()) == 1


def test_missing_keys_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    assert make_missing(tmp_path) == ["hash-key", "console-token"]
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make_missing(tmp_path) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == made
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o400}
    assert hash_key(Intake(hash_key_file=str(tmp_path / "hash-key"))) == made["hash-key"] != BUILT_IN_KEY


def test_a_key_that_was_being_written_when_all_ended_is_made_again(tmp_path: Path) -> None:
    (tmp_path / ".hash-key").write_bytes(b"half")
    assert "hash-key" in make_missing(tmp_path)
    assert len((tmp_path / "hash-key").read_bytes()) == 16
    assert not (tmp_path / ".hash-key").exists()


@pytest.mark.parametrize("script", ["healthcheck.py", "keys.py"])
def test_the_scripts_say_how_they_are_called(script: str) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "deploy" / script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert script in done.stderr
