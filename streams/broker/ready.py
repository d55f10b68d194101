"""Asks one broker whether it serves; a plain socket and kafka-python's protocol, no client that retries."""

import socket

from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.parser import KafkaProtocol

ANSWER_WITHIN_S = 2.0
METADATA_VERSION = 8  # understood by Kafka 1.0 (2017) and everything since


def serves(port: int) -> bool:
    """Whether a broker on 127.0.0.1 answers and names a broker that takes part in the cluster."""
    protocol = KafkaProtocol()
    protocol.send_request(MetadataRequest[METADATA_VERSION](topics=[], allow_auto_topic_creation=False))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_WITHIN_S) as connection:
            connection.sendall(protocol.send_bytes())
            while received := connection.recv(65_536):
                for _, answer in protocol.receive_bytes(received):
                    return bool(answer.brokers)
    except OSError:
        return False
    return False
