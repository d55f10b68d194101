"""Faust over whole runs of records: `broker="pollwatch://host:9092;host:9092"`. Must not know votes, polls or columns.

    app = faust.App("pollwatch", broker="pollwatch://127.0.0.1:9092", **settings_for_faust())
    votes = batch_topic(app, "poll.votes")                     # runs of one partition, at most BatchLimits
    blocks = batch_topic(app, "pollwatch.blocks", gate=Gate.GUARDED)

    @app.agent(votes)                                          # concurrency stays 1, one agent per topic
    async def intake(stream):
        await process(app, stream, handle)                     # async def handle(batch: Batch) -> None

* `Batch`: tp, records, first_offset, last_offset, next_offset, generation_id. `records` are columns: `.values` and `.keys`
  (`streams.bytes_column.ByteStrings`), `.offsets` and `.timestamps_ms` (`array('q')`), `.headers` ({index: ((name, bytes), ...)}), and
  len(). Indexing and iterating give aiokafka ConsumerRecords, at the price of making them.
* A batch is acked when `handle` has returned and the brokers hold every record that was sent meanwhile. If `handle` raises,
  the app crashes and nothing from this batch on is committed. A handler that hangs holds up its own partition only.
* Committed is the longest fully acked prefix, and for a gated topic never past `app.consumer.open_gate(tp, offset)`, where
  `offset` is a snapshot's last offset + 1. Gates are closed anew at every assignment; acks do not wait for them.
* `app.transport.on_revoke(hook)`: `await hook(tps)` before partitions are given up, at rebalance and clean stop: begun
  batches are done, the last commit comes after. Not called after a crash.
* `app.transport.on_assign(hook)`: `await hook(tps)` after every assignment, before anything flows: restore here.
  `app.consumer.start_at(tp, offset)` makes reading begin there, before or after the committed offset.
* `app.consumer.progress(tp)`: read_offset (next to be handed over), end_offset, in_flight, caught_up; KeyError if not
  assigned. `app.consumer.assignment()`, `app.consumer_generation_id`; `app.consumer.seek_wait({tp: offset})`.
* `await app.producer.send(topic, key, value, partition, None, headers)` queues and returns a future of RecordMetadata;
  send from one task to keep order, then await the futures. `send_and_wait(...)` does both. Idempotent, acks=all. A record
  that a topic refuses is tried again for ever, in its place; `app.transport.on_refusal(hook)` tells.
* `await app.producer.flush(tp)` waits for what batches of `tp` have caused.
* `await run(app, stop)`: start, wait for `stop` (an asyncio.Event) or a crash, stop; False if not cleanly; raises what crashed it.

The same agents run on stock `kafka://`: batches of one record, no gates, no hooks, and Faust's own idea of commits.
"""

from streams.transport.agent import batch_topic, process, run
from streams.transport.batch import Batch, BatchMessage, batch_of
from streams.transport.chunks import BatchLimits
from streams.transport.consumer import Consumer
from streams.transport.driver import Transport
from streams.transport.finish import HandlerTooSlow
from streams.transport.ledger import Gate, OutOfOrder
from streams.transport.listening import Listened
from streams.transport.progress import Progress
from streams.transport.records import Records
from streams.transport.settings import settings_for_faust

__all__ = [
    "Batch",
    "BatchLimits",
    "BatchMessage",
    "Consumer",
    "Gate",
    "HandlerTooSlow",
    "Listened",
    "OutOfOrder",
    "Progress",
    "Records",
    "Transport",
    "batch_of",
    "batch_topic",
    "process",
    "run",
    "settings_for_faust",
]
