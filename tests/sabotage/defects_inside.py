"""Defects of the chassis: the way of an input from the log through one transaction."""

from typing import Final

from .checks import (
    BATCH,
    CLAIMS,
    COMMIT,
    CONTRACT,
    DAMAGED,
    DEAD_RECORD,
    EXECUTOR,
    HANDED_BACK,
    KEEP,
    PARKING,
    PROCESS,
    SEQUENCE,
    SIMULATION,
    STUCK,
)
from .defect import Defect, Edit

_PACKAGE: Final = "libs/chassis/packhorse_chassis"
_BATCH, _CONSUME, _ROWS = f"{_PACKAGE}/batch.py", f"{_PACKAGE}/kafka/consume.py", f"{_PACKAGE}/postgres/rows.py"
_DECIDE, _OUTGOING = f"{_PACKAGE}/core/decide.py", f"{_PACKAGE}/postgres/outgoing.py"
_SAID, _SOURCE, _STORE = f"{_PACKAGE}/core/said.py", f"{_PACKAGE}/postgres/source.py", f"{_PACKAGE}/postgres/store.py"
_PUMP: Final = f"{_PACKAGE}/process/pump.py"
_TABLES: Final = f"{_PACKAGE}/migrations/0001_chassis.sql"

INSIDE: Final = (
    Defect(
        "offsets_first",
        "Offsets are committed before the transaction: who dies in between has lost the batch.",
        [
            Edit(
                _CONSUME,
                "        self.busy_since = began = time.monotonic()\n",
                "        self.busy_since = began = time.monotonic()\n"
                "        if (own := self._subscriber.consumer) is not None:\n"
                "            await own.commit()\n",
            )
        ],
        [PROCESS],
        mutant="offsets committed before the transaction",
    ),
    Defect(
        "ack_policy_ack_first",
        "FastStream's default, ACK_FIRST: offsets are committed by the clock, whatever became of the batch.",
        [Edit(_CONSUME, "ack_policy=AckPolicy.NACK_ON_ERROR", "ack_policy=AckPolicy.ACK_FIRST")],
        [HANDED_BACK],
    ),
    Defect(
        "ack_policy_manual",
        "FastStream's MANUAL: a batch handed back isn't rewound, and is passed over.",
        [Edit(_CONSUME, "ack_policy=AckPolicy.NACK_ON_ERROR", "ack_policy=AckPolicy.MANUAL")],
        [HANDED_BACK],
    ),
    Defect(
        "ack_policy_ack",
        "FastStream's ACK: offsets are committed also for a batch that was handed back.",
        [Edit(_CONSUME, "ack_policy=AckPolicy.NACK_ON_ERROR", "ack_policy=AckPolicy.ACK")],
        [HANDED_BACK],
    ),
    Defect(
        "poll_that_fails_passes_over",
        "A poll that fails at one partition has drained those before it, and their positions are committed.",
        [Edit(_CONSUME, "        await self._find_back(consumer)\n", "        self._astray = False\n")],
        [STUCK],
    ),
    Defect(
        "dead_consumer_unseen",
        "A consumer whose client has died polls no more, and the process says that it lives.",
        [Edit(_CONSUME, "if now - self._polled_at > limit else None", "if False else None")],
        [STUCK],
    ),
    Defect(
        "two_answers_heard",
        "Two attempts of one effect were answered: both answers are heard, each by a reaction.",
        [Edit(_SOURCE, "arrival.id in ours and first[arrival.id] is arrival", "arrival.id in ours")],
        [EXECUTOR],
    ),
    Defect(
        "inbox_for_ever",
        "One portion of old ids is deleted in five minutes, however many come in.",
        [
            Edit(
                f"{_PACKAGE}/postgres/keep.py",
                '(_FORGET, self._days, _PORTION) == f"DELETE {_PORTION}"',
                "(_FORGET, self._days, _PORTION) == ''",
            )
        ],
        [KEEP],
    ),
    Defect(
        "outbox_beside_the_transaction",
        "The outbox is written over another connection: an event is published before its state is committed, or "
        "without it.",
        [
            Edit(
                _BATCH,
                "        await self.rows.outbox(db, published)",
                "        async with self.pool.acquire() as own:\n            await self.rows.outbox(own, published)",
            )
        ],
        [COMMIT, BATCH],
        mutant="published before the commit",
    ),
    Defect(
        "dead_letter_beside_the_transaction",
        "Dead letters are written over another connection: one stays behind for a batch that is rolled back.",
        [
            Edit(
                _BATCH,
                "        await self.rows.dead(db, outcome.dead, outcome.waiting)",
                "        async with self.pool.acquire() as own:\n"
                "            await self.rows.dead(own, outcome.dead, outcome.waiting)",
            )
        ],
        [COMMIT, BATCH],
    ),
    Defect(
        "no_inbox",
        "Every record counts, however often it comes.",
        [
            Edit(
                _SOURCE,
                "        if len(new) < len(asked) or again:\n",
                '        now = await db.fetchval("SELECT now()")\n        if False:\n',
            )
        ],
        [BATCH, CONTRACT],
        mutant="no inbox",
    ),
    Defect(
        "inbox_by_id_alone",
        "The inbox forgets who spoke: two outsiders who use the same id are taken for one.",
        [Edit(_TABLES, "PRIMARY KEY (day, source, id)", "PRIMARY KEY (day, id)")],
        [CLAIMS, CONTRACT],
    ),
    Defect(
        "id_drawn_before_the_lock",
        "The ids of the outbox are drawn when the transaction begins, not under the locks: id order is no longer "
        "commit order.",
        [
            Edit(
                _BATCH,
                "                    claimed, now = await source.claim_before(db, arrivals)",
                "                    drawn = await db.fetch(\n"
                "                        \"SELECT nextval(pg_get_serial_sequence('outbox', 'id')) AS id \"\n"
                '                        "FROM generate_series(1, $1)", 20 * len(arrivals) + 20\n'
                "                    )\n"
                "                    claimed, now = await source.claim_before(db, arrivals)",
            ),
            Edit(
                _BATCH,
                "self._store(db, outcome, states, said, taken, now)",
                'self._store(db, outcome, states, said, taken, now, [row["id"] for row in drawn])',
            ),
            Edit(
                _BATCH,
                "        taken: Mapping[str, int],\n        now: datetime,\n    ) -> Sequence",
                "        taken: Mapping[str, int],\n        now: datetime,\n"
                "        drawn: list[int],\n    ) -> Sequence",
            ),
            Edit(
                _BATCH,
                "        await self.rows.outbox(db, published)",
                "        await self.rows.outbox(db, published, drawn)",
            ),
            Edit(
                _ROWS,
                "    async def outbox(self, db: Connection, rows: Sequence[OutboxRow]) -> None:",
                "    async def outbox(self, db: Connection, rows: Sequence[OutboxRow], drawn: list[int]) -> None:",
            ),
            Edit(
                _ROWS,
                "                [row.value for row in rows],\n            )",
                "                [row.value for row in rows],\n                drawn[: len(rows)],\n            )",
            ),
            Edit(_ROWS, "INSERT INTO outbox (topic,", "INSERT INTO outbox (id, topic,"),
            Edit(
                _ROWS,
                "SELECT topic, key, headers, value",
                "OVERRIDING SYSTEM VALUE SELECT id, topic, key, headers, value",
            ),
            Edit(
                _ROWS,
                "FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS new (topic, key, "
                "headers, value, n)",
                "FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[])\n"
                "    WITH ORDINALITY AS new (topic, key, headers, value, id, n)",
            ),
        ],
        [BATCH],
        mutant="outbox id drawn before the lock",
    ),
    Defect(
        "new_key_without_a_lock",
        "A key that has no state yet is created when it is saved: of two creators the second overwrites the first.",
        [
            Edit(
                _STORE,
                '            rows |= {row["id"]: None for row in await db.fetch(self._create, missing)}\n',
                "            rows |= dict.fromkeys(missing)\n",
            ),
            Edit(
                _STORE,
                '            f"UPDATE {kind.name} t SET state = new.state FROM unnest($1::text[], $2::jsonb[]) AS new '
                '(id, state) "\n            "WHERE t.id = new.id"',
                '            f"INSERT INTO {kind.name} (id, state) SELECT * FROM unnest($1::text[], $2::jsonb[]) "\n'
                '            "ON CONFLICT (id) DO UPDATE SET state = excluded.state"',
            ),
        ],
        [BATCH],
        mutant="a new key's state created without its lock",
    ),
    Defect(
        "rivals_key_taken_for_empty",
        "A key that a rival creates at this very moment is taken to have no state: what the rival wrote is lost.",
        [
            Edit(
                _STORE,
                '                rows |= {row["id"]: row["state"] for row in await db.fetch(self._lock, raced)}\n',
                "                rows |= dict.fromkeys(raced)\n",
            )
        ],
        [BATCH],
    ),
    Defect(
        "states_without_a_lock",
        "States are read without FOR UPDATE: of two changes to a key one is lost.",
        [Edit(_STORE, "ORDER BY id FOR UPDATE", "ORDER BY id")],
        [BATCH],
    ),
    Defect(
        "numbers_read_without_a_lock",
        "The number of a key's next event is read and written in two steps: two transactions give the same number.",
        [
            Edit(
                _ROWS,
                "ON CONFLICT (key) DO UPDATE SET last = sequence.last + excluded.last",
                "ON CONFLICT (key) DO UPDATE SET last = excluded.last",
            ),
            Edit(
                _ROWS,
                "        counts = sorted(Counter(keys).items())\n",
                "        known = await db.fetch(\n"
                '            "SELECT key, last FROM sequence WHERE key = ANY($1::text[])", list(set(keys))\n'
                "        )\n"
                '        told = Counter({row["key"]: row["last"] for row in known})\n'
                "        counts = sorted((told + Counter(keys)).items())\n",
            ),
        ],
        [SEQUENCE],
    ),
    Defect(
        "timer_on_the_old_state",
        "A timer fires as it was read, though it was cancelled, set anew, or fired meanwhile.",
        [
            Edit(
                _SOURCE,
                "        rows = await db.fetch(_CLAIM_TIMERS, *map(list, zip(*keys, strict=True)))\n"
                '        ours = {row["id"] for row in rows}',
                "        await db.execute(_CLAIM_TIMERS, *map(list, zip(*keys, strict=True)))\n"
                "        ours = {arrival.id for arrival in arrivals}",
            )
        ],
        [CLAIMS, CONTRACT],
    ),
    Defect(
        "timer_overtaken_in_its_batch",
        "Of two timers of one batch the first cancels the second, which fires all the same.",
        [Edit(_DECIDE, 'if arrival.raw.origin == "timer" and arrival.row in self.outcome.timers:', "if False:")],
        [CLAIMS, CONTRACT],
    ),
    Defect(
        "answer_heard_twice",
        "An effect's answer isn't claimed: two processes that read it both react to it.",
        [
            Edit(
                _SOURCE,
                "WHERE idempotency_key = ANY($1::text[]) AND done_at IS NULL RETURNING id",
                "WHERE idempotency_key = ANY($1::text[]) RETURNING id",
            )
        ],
        [CLAIMS, CONTRACT],
    ),
    Defect(
        "effect_stored_again",
        "An effect with a known key is asked anew instead of being passed over.",
        [
            Edit(
                _ROWS,
                "ON CONFLICT (idempotency_key) DO NOTHING",
                "ON CONFLICT (idempotency_key) DO UPDATE SET request = excluded.request, done_at = NULL,\n"
                "    leased_until = '-infinity'",
            )
        ],
        [CONTRACT],
    ),
    Defect(
        "key_not_parked",
        "A reaction failed, and what comes behind it goes on all the same.",
        [
            Edit(
                _SAID,
                "        retryable or error is not None,\n        error is not None,",
                "        retryable or error is not None,\n        False,",
            )
        ],
        [SIMULATION, BATCH],
    ),
    Defect(
        "parked_key_not_asked",
        "Which keys are parked is known to the batch that parked them alone: the next batch overtakes what waits.",
        [Edit(_BATCH, "if ref not in source.released}", "if False}")],
        [BATCH],
    ),
    Defect(
        "retry_jumps_the_queue",
        "A dead letter that parked nothing is tried again at a parked key, before what waits there for another one.",
        [Edit(_PUMP, 'if row["parked"] else ()', 'if row["subject_kind"] else ()')],
        [CONTRACT],
    ),
    Defect(
        "damaged_state_blocks",
        "A state that can't be read fails the whole batch, and with it all that comes behind.",
        [
            Edit(
                f"{_PACKAGE}/core/documents.py",
                "        return Damaged(UnreadableStateError(",
                "        raise RuntimeError(str(",
            )
        ],
        [DAMAGED],
    ),
    Defect(
        "too_long_for_ever",
        "A transaction that takes too long is tried again as large as it was.",
        [Edit(_BATCH, "self._most = max(1, len(part) // 4)", "self._most = _MOST")],
        [DAMAGED],
    ),
    Defect(
        "queue_worked_off_by_a_rival",
        "What waits is claimed by its rows alone, though its key was parked anew meanwhile.",
        [
            Edit(
                _SOURCE,
                'WHERE seq = ANY($1::bigint[]) AND {_FREED.format(kind="$2", key="$3")} RETURNING seq',
                "WHERE seq = ANY($1::bigint[]) AND subject_kind = $2 AND subject_key = $3 RETURNING seq",
            )
        ],
        [PARKING],
    ),
    Defect(
        "dead_letter_without_headers",
        "The record on the dead-letter topic lacks its original headers: nobody can read it again.",
        [Edit(_OUTGOING, "        *original,\n", "")],
        [DEAD_RECORD],
    ),
)
