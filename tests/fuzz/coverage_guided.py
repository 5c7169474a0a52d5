"""The decoder under atheris: bytes that were chosen because they reach code that no bytes before reached.

    python tests/fuzz/coverage_guided.py [seconds] [seed]

Begins with the golden samples. Ends with an error, and the bytes in a file `crash-…`, where the decoder raises, doesn't
say why it refuses, or reads what it then can't say again.
"""

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["packhorse_contracts"]):
    import packhorse_contracts.facts  # noqa: F401 -- registers every fact
    from packhorse_contracts import envelope as ce
    from packhorse_contracts import registry
    from packhorse_contracts.export.samples import samples

END_OF_HEADERS = b"\n\n"


def packed(headers: list[tuple[str, bytes]], value: bytes) -> bytes:
    """A record as one run of bytes, as the fuzzer changes it: a header a line, an empty line, the value."""
    return b"\n".join(name.encode() + b": " + text for name, text in headers) + END_OF_HEADERS + value


def unpacked(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """The inverse; any bytes are some record."""
    head, _, value = data.partition(END_OF_HEADERS)
    pairs = (line.partition(b": ") for line in head.split(b"\n"))
    return [(name.decode(errors="replace"), text) for name, _, text in pairs], value


def corpus() -> list[bytes]:
    """Every fact in both modes."""
    found = []
    for event in samples().values():
        attributes = [(f"ce_{name}", str(text).encode()) for name, text in event.items() if name != "data"]
        found.append(packed(attributes, json.dumps(event["data"]).encode()))
        found.append(packed([("content-type", ce.STRUCTURED.encode())], json.dumps(event).encode()))
    return found


def try_one(data: bytes) -> None:
    """Decodes, and checks what came of it."""
    headers, value = unpacked(data)
    heard = ce.decode(value, headers)
    if isinstance(heard, ce.Unreadable):
        if not heard.code or not heard.message or heard.code == "unreadable":  # the decoder's last resort
            raise AssertionError(f"refused without a reason that helps: {heard}")
        if "\x00" in heard.message + (heard.field or "") or len(heard.message) > 5_000:
            raise AssertionError(f"a reason that can't be kept: {heard!r}")
        return
    newest = registry.newest(type(heard.fact))
    envelope = ce.Envelope(
        heard.envelope.id, heard.envelope.source, newest.TYPE, heard.fact.subject, heard.envelope.time
    )
    _, body, out = ce.encode(envelope, heard.fact)
    again = ce.decode(body, out)
    if not isinstance(again, ce.Heard) or again.fact != heard.fact:
        raise AssertionError(f"said again it is another: {again}")


def main() -> None:
    """Runs for so many seconds."""
    seconds, seed = (sys.argv[1:] + ["30", "0"][len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        for number, record in enumerate(corpus()):
            (Path(folder) / str(number)).write_bytes(record)
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                f"-seed={seed}",
                "-max_len=8192",
                "-print_final_stats=1",
                folder,
            ],
            try_one,
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
