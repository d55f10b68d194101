"""`pollwatch notify`: posts what the output topics say to webhooks, in a process of its own that no worker waits for.

What is decided (`backlog`, `case_memory`, `retries`) and what is said (`slack`, `alertmanager`, `coop`) knows no clock and no
socket; `poster` has the sockets, `reader` and `group` have Kafka, `session` puts them together for one assignment of partitions.
"""
