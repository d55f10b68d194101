import asyncio
import gc
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import faust
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from certificates import PASSWORD, make_certificates
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic, UserScramCredentialUpsertion
from secure_kafka import secure_properties

from config import Kafka, SaslMechanism, Secret, SecurityProtocol
from streams import kafka_client
from streams.broker import EmbeddedKafka
from streams.broker.ports import free_port

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("embedded_kafka_at_hand")]


@pytest.fixture(scope="module")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    made = make_certificates(tmp_path_factory.mktemp("tls"))
    if made is None:
        pytest.skip("needs the openssl command to make certificates")
    port = free_port()
    with EmbeddedKafka(properties=secure_properties(port, made.together)) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        for name in ("SCRAM_SHA_256", "SCRAM_SHA_512"):  # one request may change a user only once
            changed = admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion("watch", name, PASSWORD)]
            )
            assert changed == {"watch": None}
        admin.create_topics([NewTopic("votes", 1, 1)])
        admin.close()
        yield Kafka(
            bootstrap_servers=f"127.0.0.1:{port}",
            security_protocol=SecurityProtocol.SASL_SSL,
            sasl_username="watch",
            sasl_password=Secret(PASSWORD),
            ssl_cafile=made.certificate,
        )


@pytest.mark.parametrize("mechanism", list(SaslMechanism))
def test_every_client_is_let_in_over_tls_with_every_mechanism(
    secure_kafka: Kafka, mechanism: SaslMechanism
) -> None:
    settings = replace(secure_kafka, sasl_mechanism=mechanism)
    admin = KafkaAdminClient(**kafka_client.kafka_python(settings))
    assert "votes" in admin.list_topics()
    admin.close()
    producer = KafkaProducer(**kafka_client.kafka_python(settings))
    assert producer.send("votes", b"a vote").get(20).topic == "votes"
    producer.close()
    asyncio.run(send(kafka_client.aiokafka(settings)))
    app = faust.App("test", **kafka_client.faust(settings, "kafka"))
    security = credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context)
    asyncio.run(send({"bootstrap_servers": server_list(app.conf.broker, 9092), **security}))


async def send(arguments: kafka_client.Arguments) -> None:
    """Have one record acknowledged."""
    producer = AIOKafkaProducer(**arguments)
    try:
        await producer.start()
        assert (await producer.send_and_wait("votes", b"a vote")).topic == "votes"
    finally:
        await producer.stop()


@pytest.mark.parametrize("mechanism", list(SaslMechanism))
def test_a_wrong_password_from_a_file_is_refused(
    secure_kafka: Kafka, mechanism: SaslMechanism, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("wrong\n")
    settings = replace(
        secure_kafka, sasl_mechanism=mechanism, sasl_password=Secret(""), sasl_password_file=str(file)
    )
    with warnings.catch_warnings():
        # aiokafka leaves the socket of a refused connection to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(KafkaConnectionError):
            asyncio.run(send(kafka_client.aiokafka(settings)))
        gc.collect()
    file.write_text(f"{PASSWORD}\n")
    asyncio.run(send(kafka_client.aiokafka(settings)))
