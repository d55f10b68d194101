"""What can go wrong with the embedded broker, named for what the caller must do; knows nothing of how it runs."""


class BrokerError(Exception):
    """The broker could not be started or died; the message is for the operator."""


class BrokerUnavailable(BrokerError):
    """This machine lacks the Java runtime or Kafka's jars: install or download them, then try again."""
