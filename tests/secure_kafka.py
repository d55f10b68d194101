"""A real broker that asks for a password over TLS and grants nothing by itself, and what its authorizer says of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from certificates import PASSWORD
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)
from live_worker import wait_until

from config import SaslMechanism
from streams.acl_table import User
from streams.broker import EmbeddedKafka

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # who comes over the plain listener: the broker itself, and the test that looks at what the others did
    "super.users": "User:ANONYMOUS",
}
_ALLOWED = re.compile(
    r"Principal = User:(\S+) is Allowed operation = (\w+) from host = \S+ on resource = \w+:LITERAL:(\S+) for request = (\w+)"
)


def secure_properties(port: int, pem: str) -> dict[str, str]:
    """A second listener SECURE with every mechanism that may be set; the user of PLAIN is named in it."""
    jaas = "org.apache.kafka.common.security"
    secure = "listener.name.secure"
    return {
        "listeners": f"SECURE://127.0.0.1:{port}",
        "advertised.listeners": f"SECURE://127.0.0.1:{port}",
        "listener.security.protocol.map": "SECURE:SASL_SSL",
        f"{secure}.ssl.keystore.type": "PEM",
        f"{secure}.ssl.keystore.location": pem,
        f"{secure}.sasl.enabled.mechanisms": ",".join(SaslMechanism),
        f"{secure}.plain.sasl.jaas.config": f'{jaas}.plain.PlainLoginModule required user_watch="{PASSWORD}";',
        f"{secure}.scram-sha-256.sasl.jaas.config": f"{jaas}.scram.ScramLoginModule required;",
        f"{secure}.scram-sha-512.sasl.jaas.config": f"{jaas}.scram.ScramLoginModule required;",
    }


@dataclass(frozen=True)
class SecureKafka:
    """The broker, its port for those who come with a password, and the certificate to trust."""

    broker: EmbeddedKafka
    port: int
    cafile: str
    log: Path

    @property
    def plain(self) -> str:
        """The address at which nobody is asked for anything."""
        return self.broker.bootstrap_servers

    def environ(self, user: str, password_file: Path) -> dict[str, str]:
        """Return what a process of this user is told."""
        return {
            "POLLWATCH_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.port}",
            "POLLWATCH_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "POLLWATCH_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "POLLWATCH_KAFKA_SASL_USERNAME": user,
            "POLLWATCH_KAFKA_SASL_PASSWORD_FILE": str(password_file),
            "POLLWATCH_KAFKA_SSL_CAFILE": self.cafile,
        }

    def add_users(self, passwords: dict[str, str]) -> None:
        """Give users a password for SCRAM-SHA-512."""
        with KafkaAdminClient(bootstrap_servers=self.plain) as admin:
            wanted = [UserScramCredentialUpsertion(user, "SCRAM_SHA_512", password) for user, password in passwords.items()]
            assert admin.alter_user_scram_credentials(wanted) == dict.fromkeys(passwords)

    def grant(self, acls: list[ACL]) -> None:
        """Let users do something more."""
        with KafkaAdminClient(bootstrap_servers=self.plain) as admin:
            assert admin.create_acls(acls) == {"succeeded": acls, "failed": []}
            # the broker hears of it a little after the controller has it
            wait_until(lambda: admin.describe_acls(_exactly(acls[-1]))[0], "a grant in force")

    def take_away(self, acl: ACL) -> None:
        """Take one line of the list away."""
        with KafkaAdminClient(bootstrap_servers=self.plain) as admin:
            [(_, gone, _)] = admin.delete_acls([_exactly(acl)])
            assert gone == [acl]
            wait_until(lambda: not admin.describe_acls(_exactly(acl))[0], "a grant no longer in force")

    def write_down_what_is_allowed(self) -> None:
        """Have the authorizer log every request it lets through."""
        logger = ConfigResource(ConfigResourceType.BROKER_LOGGER, "1", {"kafka.authorizer.logger": "DEBUG"})
        with KafkaAdminClient(bootstrap_servers=self.plain) as admin:
            admin.alter_configs([logger])

    def allowed(self) -> Counter[tuple[str, str, str]]:
        """Return how often each (user, operation, resource) was needed for a request."""
        found = _ALLOWED.findall(self.log.read_text(errors="replace"))
        return Counter((user, operation, name) for user, operation, name, _ in found)


def _exactly(acl: ACL) -> ACLFilter:
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)


def acls_of(script: str, users: dict[User, str]) -> list[ACL]:
    """Run a script with `echo` in the place of `kafka-acls.sh`; return what it would have granted."""
    named = {user.value: f"User:{name}" for user, name in users.items()}
    environ = {**os.environ, **named, "KAFKA_ACLS": "echo"}
    said = subprocess.run(["sh"], input=script, env=environ, capture_output=True, text=True, check=True)
    return [_acl(line.split()) for line in said.stdout.splitlines()]


def _acl(words: list[str]) -> ACL:
    add, allow, principal, operation, does, resource, name = words
    assert (add, allow, operation) == ("--add", "--allow-principal", "--operation")
    kind = {"--topic": ResourceType.TOPIC, "--group": ResourceType.GROUP}[resource]
    operations = {member.name.replace("_", "").lower(): member for member in ACLOperation}
    pattern = ResourcePattern(kind, name)
    return ACL(principal, "*", operations[does.lower()], ACLPermissionType.ALLOW, pattern)
