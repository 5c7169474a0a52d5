"""The lines of a replay file: what a checkout, a customer or a catalogue will say, one JSON object a line.

A fact:
    {"fact": "packhorse.checkout.order_placed.v1", "id": "…", "data": {…},
     "order_id"?, "after_ms"?, "structured"?, "note"?}
Raw bytes, for what no well-behaved program would send:
    {"raw_base64": "…", "headers": [["ce_id", "<base64>"], …], "topic": "…", "key": "…", "order_id": "…", "note": "…"}

`id` is the CloudEvents id. `order_id` is what another round replaces. `after_ms` counts from when the order was sent.
"""

import gzip
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None
Record = dict[str, Json]


def fact(ce_type: str, identifier: str, data: Mapping[str, Json], **more: Json) -> Record:
    """A line that says a fact."""
    return {"fact": ce_type, "id": identifier, "data": data, **more}


def raw(order_id: str, note: str, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Record:
    """A line that is sent byte by byte to `checkout.orders`; `note` says what is wrong with it."""
    return {
        "raw_base64": None if value is None else b64encode(value).decode(),
        "headers": [[name, b64encode(content).decode()] for name, content in headers],
        "topic": "checkout.orders",
        "key": order_id,
        "order_id": order_id,
        "note": note,
    }


def write(path: Path, records: Iterable[Record]) -> int:
    """Writes the lines, gzipped without a time in the header: the same lines give the same bytes. Returns how many."""
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    packed = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=6, mtime=0)
    path.write_bytes(packed)
    return len(lines)


def read(path: Path) -> list[Record]:
    """The lines of a replay file, gzipped or plain."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return [json.loads(line) for line in content.decode().splitlines() if line.strip()]
