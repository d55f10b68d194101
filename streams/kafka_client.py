"""How [kafka] becomes the arguments of each Kafka client. The one place where a password is revealed; connects to nothing."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faust import SASLCredentials, SSLCredentials

from config import ConfigError, Kafka, Problem, Secret

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Access:
    """What proves to a broker who we are: a TLS context, a password, or neither."""

    tls: ssl.SSLContext | None
    password: Secret


def check_files(kafka: Kafka) -> list[Problem]:
    """Every file named in [kafka] that cannot be used, for `check-config`."""
    try:
        _access(kafka)
    except ConfigError as error:
        return list(error.problems)
    return []


def kafka_python(kafka: Kafka) -> Arguments:
    """Connection arguments that kafka-python's producer, consumer and admin client take alike.

    Raises ConfigError when a file named in [kafka] cannot be used; so do the other functions here.
    """
    return {"bootstrap_servers": list(kafka.servers), **_security(kafka)}


def aiokafka(kafka: Kafka) -> Arguments:
    """Connection arguments of AIOKafkaProducer, AIOKafkaConsumer and AIOKafkaAdminClient."""
    # aiokafka spells them as kafka-python does, as long as TLS comes as a context
    return kafka_python(kafka)


def address(arguments: Mapping[str, Any]) -> str:
    """Return where clients with these connection arguments look for Kafka."""
    servers = arguments["bootstrap_servers"]
    return servers if isinstance(servers, str) else ",".join(servers)


def no_answer(arguments: Mapping[str, Any]) -> str:
    """Return what to say when clients with these connection arguments cannot connect.

    >>> no_answer({"bootstrap_servers": ["a:1", "b:1"]})
    'no answer from Kafka at a:1,b:1: start it or set kafka.bootstrap_servers'
    """
    user = arguments.get("sasl_plain_username")
    # a client that is not let in tries again until its time is over, and does not say why it got no answer
    refused = f"; or it does not let user {user} in: check name, password and mechanism" if user else ""
    return f"no answer from Kafka at {address(arguments)}: start it or set kafka.bootstrap_servers{refused}"


def faust(kafka: Kafka, scheme: str) -> Arguments:
    """`broker` and `broker_credentials` of a Faust app; `scheme` names the transport ("kafka" is the stock one)."""
    # only the first host's scheme counts, for all of them
    return {"broker": f"{scheme}://" + ";".join(kafka.servers), "broker_credentials": _credentials(kafka)}


def _credentials(kafka: Kafka) -> SASLCredentials | SSLCredentials | None:
    access = _access(kafka)
    if kafka.security_protocol.uses_sasl:
        return SASLCredentials(
            username=kafka.sasl_username,
            password=access.password.reveal(),
            mechanism=kafka.sasl_mechanism.value,
            ssl_context=access.tls,
        )
    return SSLCredentials(context=access.tls) if access.tls else None


def _security(kafka: Kafka) -> Arguments:
    access = _access(kafka)
    arguments: Arguments = {"security_protocol": kafka.security_protocol.value}
    if access.tls:
        arguments["ssl_context"] = access.tls
    if kafka.security_protocol.uses_sasl:
        arguments["sasl_mechanism"] = kafka.sasl_mechanism.value
        arguments["sasl_plain_username"] = kafka.sasl_username
        arguments["sasl_plain_password"] = access.password.reveal()
    return arguments


def _access(kafka: Kafka) -> _Access:
    problems: list[Problem] = []
    password, tls = kafka.sasl_password, None
    if kafka.security_protocol.uses_sasl and kafka.sasl_password_file:
        password = _secret_of("sasl_password_file", kafka.sasl_password_file, problems)
    if kafka.security_protocol.uses_tls:
        tls = _tls_context(kafka, problems)
    if problems:
        raise ConfigError(problems)
    return _Access(tls, password)


def _secret_of(key: str, path: str, problems: list[Problem]) -> Secret:
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(_unusable(key, path, error))
        return Secret("")
    if not text:
        problems.append(Problem(f"kafka.{key}", f"{path} is empty", "put the password in it"))
    return Secret(text)


def _tls_context(kafka: Kafka, problems: list[Problem]) -> ssl.SSLContext:
    """Server certificate and host name are always verified, against the system's authorities without a cafile."""
    password = kafka.ssl_password
    if kafka.ssl_password_file:
        password = _secret_of("ssl_password_file", kafka.ssl_password_file, problems)
    context = ssl.create_default_context()
    if kafka.ssl_cafile:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=kafka.ssl_cafile)
        except OSError as error:
            problems.append(_unusable("ssl_cafile", kafka.ssl_cafile, error))
    if kafka.ssl_certfile:
        _load_client_certificate(context, kafka, password, problems)
    return context


def _load_client_certificate(
    context: ssl.SSLContext, kafka: Kafka, password: Secret, problems: list[Problem]
) -> None:
    files = {"ssl_certfile": kafka.ssl_certfile, "ssl_keyfile": kafka.ssl_keyfile}
    for key, path in files.items():
        if path and not os.path.isfile(path):  # pathlib raises where a name is too long
            problems.append(Problem(f"kafka.{key}", f"{path} is no file", "name a readable file"))
    if problems:
        return
    try:
        # given as a function, since with None OpenSSL would ask for the password on the terminal and wait
        context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile or None, password=password.reveal)
    except OSError as error:
        problems.append(_unusable("ssl_certfile", kafka.ssl_certfile, error))


def _unusable(key: str, path: str, error: OSError | UnicodeDecodeError) -> Problem:
    if isinstance(error, ssl.SSLError):
        reason = error.reason or "wrong password or not PEM"
        return Problem(
            f"kafka.{key}", f"{path} cannot be used ({reason})", "check the file, its key and its password"
        )
    reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
    return Problem(f"kafka.{key}", f"{path} cannot be read ({reason})", "name a readable file")
