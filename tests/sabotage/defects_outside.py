"""Defects of the chassis where it meets the world: the relay and the executor."""

from typing import Final

from .checks import BOMBS, EXECUTOR, LEAD_LOST, LETTERS, LOG, PROCESS, PROGRESS, RELAY
from .defect import Defect, Edit

_RELAY: Final = "libs/chassis/packhorse_chassis/kafka/relay.py"
_EXECUTOR: Final = "libs/chassis/packhorse_chassis/effects/executor.py"
_PROCESS: Final = "libs/chassis/packhorse_chassis/run.py"
_LETTERS: Final = "libs/chassis/packhorse_chassis/postgres/letters.py"
_UNPACK: Final = "libs/chassis/packhorse_chassis/kafka/unpack.py"
_LENIENT: Final = "libs/chassis/packhorse_chassis/kafka/lenient.py"
_WHERE: Final = "    ORDER BY id LIMIT $1) AS next"
_DELETE: Final = '            await self._delete(db, [row["id"] for row in rows])\n'

OUTSIDE: Final = (
    Defect(
        "cursor_instead_of_a_set",
        "The relay reads `id > last`: a row whose transaction commits late is never published.",
        [
            Edit(_RELAY, _WHERE, "    WHERE id > $3 ORDER BY id LIMIT $1) AS next"),
            Edit(
                _RELAY,
                "        self._db: OwnConnection | None = None\n",
                "        self._db: OwnConnection | None = None\n        self._last = 0\n",
            ),
            Edit(
                _RELAY,
                "db.fetch(_NEXT, self._rows, _BYTES)",
                "db.fetch(_NEXT, self._rows, _BYTES, self._last)",
            ),
            Edit(
                _RELAY,
                _DELETE,
                f'{_DELETE}            self._last = rows[-1]["id"]\n',
            ),
        ],
        [RELAY],
        mutant="relay cursor id > last",
    ),
    Defect(
        "relay_workers_skip_locked",
        "Every process publishes, each what no other one has locked: two events of a key overtake each other.",
        [
            Edit(
                _RELAY,
                "SELECT id, topic, key, headers, value, upto FROM (\n"
                "    SELECT *, sum(size) OVER (ORDER BY id) AS upto\n"
                "    FROM outbox, LATERAL (\n"
                "        SELECT coalesce(octet_length(key), 0) + octet_length(headers) + octet_length(value) AS size)"
                " AS s\n"
                "    ORDER BY id LIMIT $1) AS next\n"
                "WHERE upto - size < $2 ORDER BY id",
                "SELECT id, topic, key, headers, value, 0 AS upto FROM outbox\n"
                "WHERE $2 > 0 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
            ),
            Edit(
                _RELAY,
                'self._leads = await self._db.fetchval("SELECT pg_try_advisory_lock($1, 0)", _LOCK)',
                'await self._db.execute("BEGIN")\n            self._leads = True',
            ),
            Edit(
                _RELAY,
                'await self._delete(db, [row["id"] for row in rows])',
                'await self._delete(db, [row["id"] for row in rows])\n'
                '            await db.execute("COMMIT")\n            self._leads = False',
            ),
        ],
        [RELAY],
        mutant="two relays with SKIP LOCKED",
    ),
    Defect(
        "relay_without_a_leader",
        "Nobody asks for the leader's lock: every process publishes the same rows.",
        [
            Edit(
                _RELAY,
                'self._leads = await self._db.fetchval("SELECT pg_try_advisory_lock($1, 0)", _LOCK)',
                "self._leads = True",
            )
        ],
        [RELAY],
    ),
    Defect(
        "deleted_before_it_is_published",
        "The relay deletes what it has read and then publishes it: who dies in between has lost it.",
        [
            Edit(
                _RELAY,
                f"            await self._publish_patiently(rows)\n{_DELETE}",
                f"{_DELETE}            await self._publish_patiently(rows)\n",
            )
        ],
        [RELAY],
    ),
    Defect(
        "former_leader_goes_on",
        "Who lost the lead while the broker was away publishes what it held, behind what its successor says.",
        [Edit(_RELAY, "            if self._unsettled:\n", "            if False:\n")],
        [LEAD_LOST],
    ),
    Defect(
        "publish_batch",
        "As FastStream's publish_batch does: each batch to one partition of its choice, whatever its keys.",
        [
            Edit(
                _RELAY,
                '_partitioner(row["key"], partitions[row["topic"]], partitions[row["topic"]])',
                'rows[0]["id"] % len(partitions[row["topic"]])',
            )
        ],
        [PROCESS],
    ),
    Defect(
        "full_batch_dropped",
        "Where a producer's batch is full the next one is begun, and the full one is sent by nobody.",
        [Edit(_RELAY, "                if batch is not None:  # it is full\n", "                if False:\n")],
        [RELAY],
    ),
    Defect(
        "full_batch_sent_last",
        "Where a producer's batch is full it is sent behind the next one of its partition.",
        [
            Edit(
                _RELAY,
                "sent.append(await self._producer.send_batch(batch, place[0], partition=place[1]))\n",
                "full.append((batch, place))\n",
            ),
            Edit(
                _RELAY,
                "            for (topic, partition), batch in batches.items()\n        ]\n",
                "            for (topic, partition), batch in batches.items()\n        ]\n"
                "        sent += [await self._producer.send_batch(b, topic, partition=p) for b, (topic, p) in full]\n",
            ),
            Edit(_RELAY, "        sent = []\n", "        sent = []\n        full = []\n"),
        ],
        [RELAY],
    ),
    Defect(
        "events_without_a_key",
        "Events are sent to the right partition, but without their key: nobody else can route or compact them.",
        [Edit(_RELAY, 'record = {"key": row["key"],', 'record = {"key": None,')],
        [PROCESS],
    ),
    Defect(
        "lease_never_renewed",
        "A lease runs out under an attempt that takes long: another process asks the outside at the same time.",
        [
            Edit(
                _EXECUTOR,
                "        await self._renew()  # first: a fault in what follows must not cost a lease\n",
                "",
            )
        ],
        [EXECUTOR],
    ),
    Defect(
        "effect_without_a_lease",
        "An effect under way is due like any other: every process asks the outside.",
        [Edit(_EXECUTOR, " AND leased_until <= now() AND type = $3", " AND type = $3")],
        [EXECUTOR],
    ),
    Defect(
        "taken_on_twice",
        "A lease runs out under an attempt, and its own process begins another one beside it.",
        [Edit(_EXECUTOR, "idempotency_key <> ALL($4::text[])", "$4::text[] IS NOT NULL")],
        [EXECUTOR],
    ),
    Defect(
        "lease_of_another_ended",
        "A process that was frozen puts the effect off, and so ends the lease of the one that asks meanwhile.",
        [
            Edit(
                _EXECUTOR,
                "WHERE e.idempotency_key = new.key AND e.attempts = new.attempt",
                "WHERE e.idempotency_key = new.key AND new.attempt > 0",
            )
        ],
        [EXECUTOR],
    ),
    Defect(
        "left_without_hearing",
        "A process that leaves waits for every attempt, and forgets all answers when one takes too long.",
        [
            Edit(
                _EXECUTOR,
                "            await asyncio.wait(self._under_way, timeout=seconds)\n",
                "            if (await asyncio.wait(self._under_way, timeout=seconds))[1]:\n                return\n",
            )
        ],
        [EXECUTOR],
    ),
    Defect(
        "lead_given_up_for_the_broker",
        "The leader resigns while its producer still holds records: they come behind those of its successor.",
        [Edit(_RELAY, "        except BrokerAwayError:\n", "        except ZeroDivisionError:\n")],
        [RELAY],
    ),
    Defect(
        "answer_lost_on_a_fault",
        "The database is away when an answer comes, and the process forgets it: the outside is asked twice.",
        [Edit(_EXECUTOR, "            self._ended = ended + self._ended\n", "")],
        [EXECUTOR],
    ),
    Defect(
        "back_off_without_cap_or_jitter",
        "All that failed together is tried again together, and after some failures not for days.",
        [
            Edit(
                _EXECUTOR,
                "random.uniform(0, min(self._settings.retry_cap, self._settings.retry_base * 2 ** min(attempts, 20)))",
                "self._settings.retry_base * 2 ** min(attempts, 20)",
            )
        ],
        [EXECUTOR],
    ),
    Defect(
        "breaker_never_opens",
        "An outside that keeps failing is asked on and on: failures are counted as answers.",
        [Edit(_EXECUTOR, "reached=ended.answer is not None if ended.asked else None", "reached=True")],
        [EXECUTOR],
    ),
    Defect(
        "unpacked_before_its_size_is_looked_at",
        "aiokafka unpacks a batch as it likes: 33 KB become 2 GB, and the process ends, again and again.",
        [Edit(_UNPACK, "                setattr(module, name, decode)\n", "                pass\n")],
        [BOMBS],
    ),
    Defect(
        "many_batches_just_below_the_limit",
        "Each batch is bounded, but a poll unpacks as many of them as were fetched.",
        [Edit(_UNPACK, "                poll.left -= spent\n", "                poll.left -= 0\n")],
        [BOMBS],
    ),
    Defect(
        "an_unreadable_batch_is_skipped_in_silence",
        "A batch that can't be read is passed over, and nobody hears of it.",
        [Edit(_LENIENT, "            yield self._unread(last + 1, error)\n", "            return\n")],
        [BOMBS],
    ),
    Defect(
        "held_back_and_ready",
        "An open transaction holds back a topic for everybody, and the service says that all is well.",
        [Edit(_PROCESS, "(why := self._consumer.progress.stuck())", "(why := None)")],
        [PROGRESS],
    ),
    Defect(
        "behind_what_is_stable_alone",
        "How far it is behind is reckoned to the last stable offset: what a transaction holds back isn't there.",
        [
            Edit(
                "libs/chassis/packhorse_chassis/kafka/progress.py",
                "        place.end, place.stable = end, stable\n",
                "        place.end = place.stable = stable\n",
            )
        ],
        [PROGRESS],
    ),
    Defect(
        "dead_letters_without_end",
        "Whoever sends rubbish fills the database: its content is kept for as long as nobody decides.",
        [Edit(_LETTERS, "FROM kept WHERE upto > $3 LIMIT $1)", "FROM kept WHERE upto > $3 AND false LIMIT $1)")],
        [LETTERS],
    ),
    Defect(
        "a_parked_key_expires",
        "A dead letter that holds up its key is discarded by time: an order goes on without what failed.",
        [Edit(_LETTERS, "status = 'open' AND NOT parked AND at <", "status = 'open' AND at <")],
        [LETTERS],
    ),
    Defect(
        "escape_codes_reach_the_terminal",
        "What others sent stands in readable log lines as it came: it clears the screen, or writes lines of its own.",
        [
            Edit(
                "libs/chassis/packhorse_chassis/telemetry/log.py",
                "        [_escape, structlog.dev",
                "        [structlog.dev",
            )
        ],
        [LOG],
    ),
)
