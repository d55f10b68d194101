#!/bin/sh
# What each user of Kafka must be allowed, and nothing more. Written by `pollwatch acls`, for the topics and the group of its
# settings. It adds; it takes nothing away. Before running it, name the users and how to reach the cluster:
#   WORKER=User:watch OPERATOR=User:anna KAFKA_ACLS="kafka-acls.sh --bootstrap-server broker-1:9093 --command-config admin.properties"
set -eu
: "${KAFKA_ACLS:=kafka-acls.sh --bootstrap-server 127.0.0.1:9092}"
: "${WORKER:=User:pollwatch-worker}"
: "${SENDER:=User:pollwatch-sender}"
: "${READER:=User:pollwatch-reader}"
: "${REVIEWER:=User:pollwatch-reviewer}"
: "${OPERATOR:=User:pollwatch-operator}"
: "${ERASER:=User:pollwatch-eraser}"
: "${NOTIFIER:=User:pollwatch-notifier}"
allow() { $KAFKA_ACLS --add --allow-principal "$@"; }

# pollwatch worker
allow "$WORKER" --operation Read --topic poll.votes
allow "$WORKER" --operation Read --topic poll.replies
allow "$WORKER" --operation Read --topic moderation.verdicts
allow "$WORKER" --operation Read --topic pollwatch.exchange
allow "$WORKER" --operation Write --topic pollwatch.exchange
allow "$WORKER" --operation Read --topic pollwatch.findings
allow "$WORKER" --operation Write --topic pollwatch.findings
allow "$WORKER" --operation Read --topic pollwatch.state
allow "$WORKER" --operation Write --topic pollwatch.state
allow "$WORKER" --operation Write --topic pollwatch.alerts
allow "$WORKER" --operation Write --topic pollwatch.moderation
allow "$WORKER" --operation Write --topic pollwatch.integrity
allow "$WORKER" --operation Write --topic pollwatch.dead-letter
allow "$WORKER" --operation Read --group pollwatch

# whoever sends votes and replies; pollwatch replay
allow "$SENDER" --operation Write --topic poll.votes
allow "$SENDER" --operation Write --topic poll.replies

# whoever reads alerts; pollwatch tail
allow "$READER" --operation Read --topic pollwatch.alerts

# pollwatch console; whoever decides on cases; pollwatch explain
allow "$REVIEWER" --operation Read --topic pollwatch.alerts
allow "$REVIEWER" --operation Read --topic pollwatch.moderation
allow "$REVIEWER" --operation Read --topic pollwatch.integrity
allow "$REVIEWER" --operation Read --topic poll.polls
allow "$REVIEWER" --operation Read --topic moderation.verdicts
allow "$REVIEWER" --operation Write --topic moderation.verdicts

# pollwatch topics
allow "$OPERATOR" --operation Create --topic poll.votes
allow "$OPERATOR" --operation Describe --topic poll.votes
allow "$OPERATOR" --operation DescribeConfigs --topic poll.votes
allow "$OPERATOR" --operation Create --topic poll.replies
allow "$OPERATOR" --operation Describe --topic poll.replies
allow "$OPERATOR" --operation DescribeConfigs --topic poll.replies
allow "$OPERATOR" --operation Create --topic poll.polls
allow "$OPERATOR" --operation Describe --topic poll.polls
allow "$OPERATOR" --operation DescribeConfigs --topic poll.polls
allow "$OPERATOR" --operation Create --topic moderation.verdicts
allow "$OPERATOR" --operation Describe --topic moderation.verdicts
allow "$OPERATOR" --operation DescribeConfigs --topic moderation.verdicts
allow "$OPERATOR" --operation Create --topic pollwatch.alerts
allow "$OPERATOR" --operation Describe --topic pollwatch.alerts
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.alerts
allow "$OPERATOR" --operation Create --topic pollwatch.moderation
allow "$OPERATOR" --operation Describe --topic pollwatch.moderation
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.moderation
allow "$OPERATOR" --operation Create --topic pollwatch.integrity
allow "$OPERATOR" --operation Describe --topic pollwatch.integrity
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.integrity
allow "$OPERATOR" --operation Create --topic pollwatch.dead-letter
allow "$OPERATOR" --operation Describe --topic pollwatch.dead-letter
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.dead-letter
allow "$OPERATOR" --operation Create --topic pollwatch.exchange
allow "$OPERATOR" --operation Describe --topic pollwatch.exchange
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.exchange
allow "$OPERATOR" --operation Create --topic pollwatch.findings
allow "$OPERATOR" --operation Describe --topic pollwatch.findings
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.findings
allow "$OPERATOR" --operation Create --topic pollwatch.state
allow "$OPERATOR" --operation Describe --topic pollwatch.state
allow "$OPERATOR" --operation DescribeConfigs --topic pollwatch.state

# pollwatch erase
allow "$ERASER" --operation Describe --topic poll.votes
allow "$ERASER" --operation Describe --topic poll.replies
allow "$ERASER" --operation Describe --topic moderation.verdicts
allow "$ERASER" --operation Write --topic pollwatch.exchange
allow "$ERASER" --operation Delete --topic pollwatch.exchange
allow "$ERASER" --operation Delete --topic pollwatch.findings
allow "$ERASER" --operation Describe --group pollwatch

# pollwatch notify
allow "$NOTIFIER" --operation Read --topic pollwatch.alerts
allow "$NOTIFIER" --operation Read --topic pollwatch.moderation
allow "$NOTIFIER" --operation Read --group pollwatch-notify
