"""Common Trace Format 1.8: metadata made of the recording's own tables, and a stream of packets for each CPU.

A packet is the events between two gaps; what was lost before it is in `events_discarded`, which counts from the start
of the stream, as the format wants it.
"""

import os
import struct
import uuid

MAGIC = 0xC1FC1FC1
HEX = {"address", "pc", "flags", "rights", "missing_rights", "bits", "port", "name"}
EVENTS_PER_PACKET = 4096

HEAD = """/* CTF 1.8 */

typealias integer {{ size = 16; align = 8; signed = false; }} := uint16_t;
typealias integer {{ size = 32; align = 8; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 8; signed = false; }} := uint64_t;
typealias integer {{ size = 64; align = 8; signed = false; base = 16; }} := xint64_t;

trace {{
    major = 1;
    minor = 8;
    uuid = "{uuid}";
    byte_order = le;
    packet.header := struct {{
        uint32_t magic;
        integer {{ size = 8; align = 8; signed = false; }} uuid[16];
        uint32_t stream_id;
    }};
}};

env {{
    domain = "kernel";
    tracer_name = "ferrous";
    boot_id = "{boot_id:016x}";
}};

clock {{
    name = monotonic;
    uuid = "{uuid}";
    description = "time since boot";
    freq = 1000000000;
    precision = 1;
    offset_s = 0;
    offset = 0;
}};

typealias integer {{
    size = 64; align = 8; signed = false;
    map = clock.monotonic.value;
}} := time_t;

stream {{
    id = 0;
    packet.context := struct {{
        time_t timestamp_begin;
        time_t timestamp_end;
        uint64_t content_size;
        uint64_t packet_size;
        uint64_t events_discarded;
        uint32_t cpu_id;
    }};
    event.header := struct {{
        uint16_t id;
        time_t timestamp;
    }};
    event.context := struct {{
        uint32_t _thread;
        xint64_t _trace;
        uint64_t _span;
        string _procname;
    }};
}};
"""

EVENT = """
event {{
    id = {number};
    name = "{name}";
    stream_id = 0;
    fields := struct {{
{fields}    }};
}};
"""

PACKET_HEADER = struct.Struct("<I16sI")
PACKET_CONTEXT = struct.Struct("<QQQQQI")
EVENT_HEADER = struct.Struct("<HQIQQ")


def trace_uuid(recording):
    return uuid.uuid5(uuid.NAMESPACE_OID, f"ferrous {recording.boot_id:016x} {recording.time}")


def has_method(event_type):
    return "label" in event_type.words


def metadata(recording):
    out = [HEAD.format(uuid=trace_uuid(recording), boot_id=recording.boot_id)]
    for number in sorted(recording.types):
        kind = recording.types[number]
        # An underscore goes before each name, so that none is a word of the format; readers take it off.
        fields = [f"        {'xint64_t' if name in HEX else 'uint64_t'} _{name};\n" for name in kind.words if name]
        if has_method(kind):
            fields.append("        string _method;\n")
        out.append(EVENT.format(number=number, name=kind.name, fields="".join(fields)))
    return "".join(out)


def text(value):
    return value.encode("utf-8", "replace").replace(b"\0", b"?") + b"\0"


def encode(event, names):
    out = [EVENT_HEADER.pack(event.type.number, event.time, event.thread & 0xFFFFFFFF, event.trace, event.span),
           text(names.thread(event.thread))]
    out += [struct.pack("<Q", value) for _, value in event.fields()]
    if has_method(event.type):
        out.append(text(names.label(event["label"])))
    return b"".join(out)


def packets(events, losses):
    """(events, lost before them), cut at gaps and by size."""
    gaps = {loss.sequence: loss.count for loss in losses}
    lost, part = 0, []
    for event in events:
        gap = gaps.pop(event.sequence, 0)
        if part and (gap or len(part) == EVENTS_PER_PACKET):
            yield part, lost
            part = []
        lost += gap
        part.append(event)
    if part:
        yield part, lost


def stream(recording, names, cpu):
    """The bytes of one CPU's stream; empty if nothing was written there."""
    identity = trace_uuid(recording).bytes
    events = [event for event in recording.events if event.cpu == cpu]
    losses = [loss for loss in recording.losses if loss.cpu == cpu]
    out = []
    for part, lost in packets(events, losses):
        body = b"".join(encode(event, names) for event in part)
        bits = 8 * (PACKET_HEADER.size + PACKET_CONTEXT.size + len(body))
        out += [PACKET_HEADER.pack(MAGIC, identity, 0),
                PACKET_CONTEXT.pack(part[0].time, part[-1].time, bits, bits, lost, cpu), body]
    return b"".join(out)


def write(recording, names, folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metadata"), "w", encoding="utf-8") as file:
        file.write(metadata(recording))
    for cpu in range(recording.cpu_count):
        data = stream(recording, names, cpu)
        if data:
            with open(os.path.join(folder, f"cpu_{cpu}"), "wb") as file:
                file.write(data)
