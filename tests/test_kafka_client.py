import inspect
import ssl
from pathlib import Path

import aiokafka
import faust
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from certificates import PASSWORD, Certificates, make_certificates
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from config import ConfigError, Kafka, SaslMechanism, Secret, SecurityProtocol
from config.secret import UNSET
from streams import kafka_client


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = make_certificates(tmp_path_factory.mktemp("tls"))
    if made is None:
        pytest.skip("needs the openssl command to make certificates")
    return made


def sasl(mechanism: SaslMechanism, protocol: SecurityProtocol = SecurityProtocol.SASL_PLAINTEXT) -> Kafka:
    return Kafka(
        bootstrap_servers="a:9092, b:9093",
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        sasl_username="watch",
        sasl_password=Secret(PASSWORD),
    )


def tls(certificates: Certificates, *, key: str, password: Secret = UNSET) -> Kafka:
    return Kafka(
        security_protocol=SecurityProtocol.SSL,
        ssl_cafile=certificates.certificate,
        ssl_certfile=certificates.certificate,
        ssl_keyfile=key,
        ssl_password=password,
    )


def of_faust(kafka: Kafka) -> dict[str, object]:
    """What Faust's own driver would hand to aiokafka."""
    app = faust.App("test", **kafka_client.faust(kafka, "kafka"))
    servers = server_list(app.conf.broker, 9092)
    security = credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context)
    return {
        "bootstrap_servers": servers,
        **{key: value for key, value in security.items() if value is not None},
    }


def test_plaintext_needs_nothing_but_the_servers() -> None:
    kafka = Kafka(bootstrap_servers="a:9092,b:9093")
    expected = {"bootstrap_servers": ["a:9092", "b:9093"], "security_protocol": "PLAINTEXT"}
    assert kafka_client.kafka_python(kafka) == expected
    assert kafka_client.aiokafka(kafka) == expected
    assert of_faust(kafka) == expected


@pytest.mark.parametrize("mechanism", list(SaslMechanism))
def test_sasl_reaches_every_client(mechanism: SaslMechanism) -> None:
    kafka = sasl(mechanism)
    expected = {
        "bootstrap_servers": ["a:9092", "b:9093"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism.value,
        "sasl_plain_username": "watch",
        "sasl_plain_password": PASSWORD,
    }
    assert kafka_client.kafka_python(kafka) == expected
    assert kafka_client.aiokafka(kafka) == expected
    assert of_faust(kafka) == expected


def test_sasl_over_tls_verifies_the_broker_in_every_client() -> None:
    kafka = sasl(SaslMechanism.SCRAM_SHA_512, SecurityProtocol.SASL_SSL)
    for arguments in (kafka_client.kafka_python(kafka), kafka_client.aiokafka(kafka), of_faust(kafka)):
        assert arguments["security_protocol"] == "SASL_SSL"
        context = arguments["ssl_context"]
        assert isinstance(context, ssl.SSLContext)
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_faust_gets_the_scheme_of_the_transport() -> None:
    kafka = Kafka(bootstrap_servers="a:9092,b:9093")
    assert kafka_client.faust(kafka, "pollwatch")["broker"] == "pollwatch://a:9092;b:9093"


def test_the_argument_names_are_those_of_the_installed_clients(certificates: Certificates) -> None:
    for kafka in (
        sasl(SaslMechanism.PLAIN, SecurityProtocol.SASL_SSL),
        tls(certificates, key=certificates.key),
    ):
        given = set(kafka_client.kafka_python(kafka))
        for client in (KafkaProducer, KafkaConsumer, KafkaAdminClient):
            assert given <= set(client.DEFAULT_CONFIG), client
        for client in (aiokafka.AIOKafkaProducer, aiokafka.AIOKafkaConsumer, AIOKafkaAdminClient):
            assert set(kafka_client.aiokafka(kafka)) <= set(inspect.signature(client).parameters), client


def test_the_own_certificate_is_shown_and_only_the_given_authority_is_trusted(
    certificates: Certificates,
) -> None:
    context = kafka_client.kafka_python(tls(certificates, key=certificates.key))["ssl_context"]
    assert len(context.get_ca_certs()) == 1
    assert handshake(context, server_context(certificates), "localhost") == "localhost"


def test_a_broker_with_another_name_is_refused(certificates: Certificates) -> None:
    context = kafka_client.kafka_python(tls(certificates, key=certificates.key))["ssl_context"]
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context, server_context(certificates), "elsewhere")


def test_a_broker_nobody_vouches_for_is_refused(certificates: Certificates) -> None:
    context = kafka_client.kafka_python(Kafka(security_protocol=SecurityProtocol.SSL))["ssl_context"]
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context, server_context(certificates, ask=False), "localhost")


def server_context(certificates: Certificates, *, ask: bool = True) -> ssl.SSLContext:
    """The broker's side; with `ask` it wants to see the client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.load_verify_locations(certificates.certificate)
    context.verify_mode = ssl.CERT_REQUIRED if ask else ssl.CERT_NONE
    return context


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> str:
    """Let two contexts meet in memory; returns the name on the certificate the server was shown."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    shown = theirs.getpeercert()
    assert shown is not None
    return str(dict(pair[0] for pair in shown["subject"])["commonName"])  # type: ignore[misc]


def test_a_locked_key_opens_with_the_password_from_the_environment_or_from_a_file(
    certificates: Certificates, tmp_path: Path
) -> None:
    by_environment = tls(certificates, key=certificates.locked_key, password=Secret(PASSWORD))
    assert kafka_client.check_files(by_environment) == []
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    by_file = Kafka(
        security_protocol=SecurityProtocol.SSL,
        ssl_certfile=certificates.certificate,
        ssl_keyfile=certificates.locked_key,
        ssl_password_file=str(file),
    )
    assert kafka_client.check_files(by_file) == []


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_locked_key_without_its_password_is_an_error_and_never_a_question(
    certificates: Certificates, password: str
) -> None:
    kafka = tls(certificates, key=certificates.locked_key, password=Secret(password))
    with pytest.raises(ConfigError) as caught:
        kafka_client.kafka_python(kafka)
    assert str(caught.value) == (
        f"kafka.ssl_certfile: {certificates.certificate} cannot be used (wrong password or not PEM); "
        "check the file, its key and its password"
    )


def test_a_password_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f" {PASSWORD} \r\n")
    kafka = Kafka(
        security_protocol=SecurityProtocol.SASL_PLAINTEXT, sasl_username="watch", sasl_password_file=str(file)
    )
    assert kafka_client.kafka_python(kafka)["sasl_plain_password"] == f" {PASSWORD} "


def test_every_file_that_cannot_be_used_is_named_in_one_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    kafka = Kafka(
        security_protocol=SecurityProtocol.SASL_SSL,
        sasl_username="watch",
        sasl_password_file=str(empty),
        ssl_cafile=str(tmp_path / "ca.pem"),
        ssl_certfile=str(tmp_path / "certificate.pem"),
        ssl_password_file=str(tmp_path),
    )
    with pytest.raises(ConfigError) as caught:
        kafka_client.faust(kafka, "kafka")
    assert str(caught.value).replace(str(tmp_path), "") == (
        "kafka.sasl_password_file: /empty is empty; put the password in it\n"
        "kafka.ssl_password_file:  cannot be read (Is a directory); name a readable file\n"
        "kafka.ssl_cafile: /ca.pem cannot be read (No such file or directory); name a readable file\n"
        "kafka.ssl_certfile: /certificate.pem is no file; name a readable file"
    )
    assert kafka_client.check_files(kafka) == list(caught.value.problems)


def test_files_that_are_no_certificates_are_an_error(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    kafka = Kafka(security_protocol=SecurityProtocol.SSL, ssl_cafile=str(file))
    (problem,) = kafka_client.check_files(kafka)
    assert problem.where == "kafka.ssl_cafile"


def test_files_are_not_touched_without_the_protocol_that_needs_them() -> None:
    assert kafka_client.check_files(Kafka(ssl_cafile="/nowhere", sasl_password_file="/nowhere")) == []


def test_passwords_do_not_show_in_what_faust_prints() -> None:
    credentials = kafka_client.faust(sasl(SaslMechanism.PLAIN), "kafka")["broker_credentials"]
    assert PASSWORD not in repr(credentials)
