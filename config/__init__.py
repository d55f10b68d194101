"""What operators may set: validated, frozen data."""

from config.assemble import with_overrides
from config.load import check, load
from config.problems import ConfigError, Problem
from config.schema import Kafka, LogLevel, Mode, SaslMechanism, SecurityProtocol, Settings, TopicRole, Topics
from config.secret import Secret

__all__ = [
    "ConfigError",
    "Kafka",
    "LogLevel",
    "Mode",
    "Problem",
    "SaslMechanism",
    "Secret",
    "SecurityProtocol",
    "Settings",
    "TopicRole",
    "Topics",
    "check",
    "load",
    "with_overrides",
]
