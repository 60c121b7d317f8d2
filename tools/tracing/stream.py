"""Reads a recording (abi/trace_stream.h): frames of a stream of bytes, of which any part may be missing or damaged.

Nothing in a stream is trusted: what cannot be understood is told in `problems` and left out.
"""

import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

MAGIC = 0x4D525446
VERSION = 1
FRAME = struct.Struct("<IHHII")
FRAME_LIMIT = 65536
HEADER, TABLES, EVENTS, METRICS, PROCESSES, TRAILER = range(1, 7)
TRACE_SAME, TRACE_NONE, TRACE_NEW = range(3)
WORDS = 4
COUNT_LIMIT = 1 << 16  # of things in one frame
TYPE_LIMIT = (1 << 16) - 1
U64 = (1 << 64) - 1


class Damaged(Exception):
    """A frame whose payload does not fit its kind."""


@dataclass(frozen=True)
class EventType:
    number: int
    name: str
    category: str
    words: Tuple[str, ...]  # names; "" for one that is not used
    halves: Tuple[bool, ...] = (False,) * 4  # of the four words written: has it two names, high and low half?

    def split(self, written):
        """Values in the order of `words`."""
        values = []
        for value, halved in zip(written, self.halves):
            values += [value >> 32, value & 0xFFFFFFFF] if halved else [value]
        return tuple(values)


@dataclass
class Event:
    time: int  # ns since boot
    type: EventType
    cpu: int
    sequence: int  # in its CPU's ring, but for those left out behind it in the same frame
    thread: int
    trace: int
    span: int
    words: Tuple[int, ...]

    @property
    def name(self):
        return self.type.name

    def __getitem__(self, word):
        """A word by its name; 0 where this kernel's events of the type have none of that name."""
        return self.words[self.type.words.index(word)] if word in self.type.words else 0

    def fields(self):
        return [(name, value) for name, value in zip(self.type.words, self.words) if name]


@dataclass
class Metrics:
    time: int
    cpu: int
    counters: Dict[int, int]
    histograms: Dict[int, Dict[int, int]]


@dataclass
class Process:
    id: int
    parent: int
    name: str
    threads: int = 0
    memory_bytes: int = 0
    cpu_ns: int = 0


@dataclass
class Loss:
    cpu: int
    sequence: int  # of the first event after the gap
    count: int
    time: int  # of that event


@dataclass
class Recording:
    version: int = 0
    boot_id: int = 0
    cpu_count: int = 0
    capacity: int = 0
    categories: int = 0
    time: int = 0
    table_hash: int = 0
    mode: int = 0
    types: Dict[int, EventType] = field(default_factory=dict)
    counters: Dict[int, Tuple[str, str]] = field(default_factory=dict)  # number -> name, unit
    histograms: Dict[int, Tuple[str, str]] = field(default_factory=dict)
    events: List[Event] = field(default_factory=list)  # in the order of time
    metrics: List[Metrics] = field(default_factory=list)
    processes: Dict[int, Process] = field(default_factory=dict)
    losses: List[Loss] = field(default_factory=list)
    omitted: int = 0
    following: Dict[int, int] = field(default_factory=dict)  # by CPU: the sequence after its last frame
    trailer: Optional[dict] = None
    problems: List[str] = field(default_factory=list)

    @property
    def lost(self):
        return sum(loss.count for loss in self.losses)


class Payload:
    """Numbers and texts of one frame."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def byte(self):
        if self.at >= len(self.data):
            raise Damaged("its payload ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise Damaged("a number has more than 64 bits")
        if value > U64:
            raise Damaged("a number has more than 64 bits")
        return value

    def count(self):
        count = self.number()
        if count > COUNT_LIMIT:
            raise Damaged(f"a count of {count}")
        return count

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Damaged("its payload ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def text(self):
        return self.take(self.count()).decode("utf-8", "replace")


def frames(data, problems):
    """(kind, payload) of each sound frame; skips to the next magic over what is not."""
    magic = struct.pack("<I", MAGIC)
    at = 0
    while at < len(data):
        found = data.find(magic, at)
        if found < 0:
            problems.append(f"byte {at}: no frame in the last {len(data) - at} bytes")
            return
        if found > at:
            if at:  # firmware may have used the line before
                problems.append(f"byte {at}: {found - at} bytes are no frame")
        at = found
        if len(data) - at < FRAME.size:
            problems.append(f"byte {at}: the stream ends within a frame's head")
            return
        _, kind, reserved, size, checksum = FRAME.unpack_from(data, at)
        payload = data[at + FRAME.size:at + FRAME.size + size] if size <= FRAME_LIMIT else b""
        if size > FRAME_LIMIT or len(payload) < size:
            problems.append(f"byte {at}: a frame of {size} bytes, more than there are")
            at += 4
        elif zlib.crc32(payload) != checksum:
            problems.append(f"byte {at}: a frame's checksum is wrong")
            at += 4
        else:
            if reserved or not HEADER <= kind <= TRAILER:
                problems.append(f"byte {at}: a frame of kind {kind}, which this tool does not know")
            yield kind, payload
            at += FRAME.size + size


def read_header(payload):
    recording = Recording()
    for name in ("version", "boot_id", "cpu_count", "capacity", "categories", "time", "table_hash", "mode"):
        setattr(recording, name, payload.number())
    if recording.version != VERSION:
        raise Damaged(f"version {recording.version}; this tool reads {VERSION}")
    if not 0 < recording.cpu_count <= 1024:
        raise Damaged(f"{recording.cpu_count} CPUs")
    return recording


def table_hash(data):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & U64
    return value


def read_tables(recording, data):
    if table_hash(data) != recording.table_hash:
        raise Damaged("the tables are not those of the header")
    for line in data.decode("utf-8", "replace").splitlines():
        words = line.split(" ")
        try:
            if not all(re.fullmatch(r"\w+(:\w+)?|-", word, re.ASCII) for word in words):
                raise ValueError
            kind, number = words[0], int(words[1])
            if kind == "event":
                written = words[4:4 + WORDS]
                names = tuple("" if name == "-" else name for name in ":".join(written).split(":"))
                used = [name for name in names if name]
                if len(written) != WORDS or len(set(used)) != len(used) or number > TYPE_LIMIT:
                    raise ValueError
                recording.types[number] = EventType(number, words[2], words[3], names,
                                                    tuple(":" in word for word in written))
            elif kind in ("counter", "histogram"):
                getattr(recording, kind + "s")[number] = (words[2], " ".join(words[3:]))
        except (IndexError, ValueError):
            recording.problems.append(f"a line of the tables makes no sense: {line[:80]!r}")


def unknown_type(recording, number):
    if number not in recording.types:
        recording.problems.append(f"events of type {number}, which the tables do not name")
        recording.types[number] = EventType(number, f"EVENT_{number}", "UNKNOWN",
                                            tuple(f"word{i}" for i in range(WORDS)))
    return recording.types[number]


def read_events(recording, payload):
    cpu, following, lost, omitted, count = (payload.number() for _ in range(5))
    if cpu >= recording.cpu_count:
        raise Damaged(f"events of CPU {cpu}")
    if count > COUNT_LIMIT:
        raise Damaged(f"{count} events")
    time = trace = 0
    sequence = following - count
    before = recording.following.get(cpu)
    if before is not None and following - before != lost + omitted + count:
        recording.problems.append(f"CPU {cpu}: events {before} to {sequence - lost - omitted} are missing")
    recording.following[cpu] = following
    events = []
    for i in range(count):
        number, tag, step = payload.number(), payload.byte(), payload.number()
        if number > TYPE_LIMIT:
            raise Damaged(f"an event of type {number}")
        time = time + (step >> 1 ^ -(step & 1)) & U64
        thread = payload.number()
        kind = tag & 3
        if kind == TRACE_NEW:
            trace = int.from_bytes(payload.take(8), "little")
        elif kind == TRACE_NONE:
            trace = 0
        elif kind != TRACE_SAME:
            raise Damaged("a tag makes no sense")
        span = payload.number()
        words = tuple(payload.number() if tag >> 2 + word & 1 else 0 for word in range(WORDS))
        kind = unknown_type(recording, number)
        events.append(Event(time, kind, cpu, sequence + i, thread, trace, span, kind.split(words)))
    if lost:
        recording.losses.append(Loss(cpu, sequence, lost, events[0].time if events else 0))
    recording.omitted += omitted
    recording.events += events


def read_metrics(recording, payload):
    metrics = Metrics(payload.number(), payload.number(), {}, {})
    if metrics.cpu >= recording.cpu_count:
        raise Damaged(f"metrics of CPU {metrics.cpu}")
    for _ in range(payload.count()):
        number = payload.number()
        metrics.counters[number] = payload.number()
    for _ in range(payload.count()):
        histogram, bucket, value = payload.number(), payload.number(), payload.number()
        if bucket > 63:
            raise Damaged(f"bucket {bucket}")
        metrics.histograms.setdefault(histogram, {})[bucket] = value
    recording.metrics.append(metrics)


def read_processes(recording, payload):
    payload.number()
    for _ in range(payload.count()):
        process = Process(payload.number(), payload.number(), payload.text(), payload.number(), payload.number(),
                          payload.number())
        recording.processes[process.id] = process


def read_trailer(recording, payload):
    time = payload.number()
    cpus = [tuple(payload.number() for _ in range(3)) for _ in range(payload.count())]
    recording.trailer = {"time": time, "events": sum(cpu[0] for cpu in cpus), "lost": sum(cpu[1] for cpu in cpus),
                         "omitted": sum(cpu[2] for cpu in cpus)}


READERS = {EVENTS: read_events, METRICS: read_metrics, PROCESSES: read_processes, TRAILER: read_trailer}


CALL_BEGINS = EventType(20, "IPC_CALL", "IPC", ("endpoint", "label", "badge", "server"))
CALL_ENDS = EventType(23, "IPC_REPLY", "IPC", ("to_thread", "label", "failed", ""))
STATUS_LIMIT = 1 << 16  # an answer below is a status, not a label


def in_parts(events):
    """The events, with two in the place of each IPC_ROUND: its beginning at its own time, and its end."""
    out = []
    for event in events:
        if event.name != "IPC_ROUND":
            out.append((event.time, 1, event))
            continue
        begun, failed = event.time - event["took_ns"], event["answer"] < STATUS_LIMIT
        called = (event["endpoint"], event["label"], event["badge"], event["server"])
        out.append((begun, 0, Event(begun, CALL_BEGINS, event.cpu, event.sequence, event.thread, event.trace,
                                    event.span, called)))
        # Whoever ended a call that failed: perhaps not its server.
        out.append((event.time, 1, Event(event.time, CALL_ENDS, event.cpu, event.sequence,
                                         0 if failed else event["server"], event.trace, 0,
                                         (event.thread, event["answer"], 0, 0))))
    out.sort(key=lambda item: item[:2])
    return [event for _, _, event in out]


def check_totals(recording):
    """What the trailer says against what has come."""
    if recording.trailer is None:
        recording.problems.append("the recording has no end: it was cut off, or is still being made")
        return
    recording.omitted = recording.trailer["omitted"]  # those after the last frame included
    untold = recording.trailer["lost"] - recording.lost
    if untold > 0:
        recording.losses.append(Loss(0, 0, untold, recording.trailer["time"]))
    if recording.trailer["events"] != len(recording.events):
        recording.problems.append(f"{recording.trailer['events']} events were sent, {len(recording.events)} have come")


def read(data):
    """All recordings in `data`, in order."""
    recordings = []
    stray = []  # what is wrong between frames: told of the recording in which it is, else of the first
    for kind, body in frames(data, stray):
        payload = Payload(body)
        if recordings:
            recordings[-1].problems += stray
            stray.clear()
        try:
            if kind == HEADER:
                recordings.append(read_header(payload))
            elif not recordings:
                stray.append("a frame before the first header")
            elif kind == TABLES:
                read_tables(recordings[-1], body)
            elif kind in READERS:
                READERS[kind](recordings[-1], payload)
        except Damaged as damage:
            (recordings[-1].problems if recordings else stray).append(f"a frame of kind {kind}: {damage}")
    for recording in recordings:
        recording.events.sort(key=lambda event: event.time)
        check_totals(recording)
    if recordings:
        recordings[-1].problems += stray
    return recordings
