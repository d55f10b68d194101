"""One self-signed certificate for localhost, made anew for each run, so that no key is ever committed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "geheim"


@dataclass(frozen=True)
class Certificates:
    """PEM files of one certificate; `locked_key` opens with PASSWORD, `together` has certificate and key."""

    certificate: str
    key: str
    locked_key: str
    together: str


def make_certificates(folder: Path) -> Certificates | None:
    """Make the files in `folder`; None where there is no openssl command."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    new = [openssl, "req", "-x509", "-nodes", *curve, *name, "-keyout", "key.pem", "-out", "certificate.pem"]
    lock = [
        openssl,
        "pkey",
        "-in",
        "key.pem",
        "-aes256",
        "-passout",
        f"pass:{PASSWORD}",
        "-out",
        "locked.pem",
    ]
    for command in (new, lock):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    together = (folder / "key.pem").read_text() + (folder / "certificate.pem").read_text()
    (folder / "together.pem").write_text(together)
    names = ("certificate.pem", "key.pem", "locked.pem", "together.pem")
    return Certificates(*(str(folder / name) for name in names))
