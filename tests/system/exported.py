"""Reads exports back, with programs that are not ours where there are any, into one form: parts of requests."""

import base64
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from ferrous.context import ROOT
from tracing import names as naming, spans as spanning, stream

DECODER = os.path.join(ROOT, "tests/system/otlp_decoder")
INSTALLED = os.path.join(ROOT, "build/otlp_decoder")
SYSTEM_PYTHON = "/usr/bin/python3"  # whose bt2 is


@dataclass(frozen=True)
class Part:
    trace: str
    span: str
    parent: str  # "": none
    name: str
    kind: str
    process: str
    cpu: int


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, **more).stdout


# --- spans as tools/trace has them ---

def of_spans(spans, names):
    return [Part(f"{span.trace_id:032x}", f"{span.span_id:016x}",
                 f"{span.parent.span_id:016x}" if span.parent else "", span.name, span.kind,
                 names.process(names.process_of_thread(span.thread)) if span.thread else "hardware", span.cpu)
            for span in spans]


# --- CTF: events, of which the spans are built anew ---

def read_ctf(folder):
    return json.loads(run(SYSTEM_PYTHON, os.path.join(ROOT, "tests/system/read_ctf.py"), folder))


def recording_of_ctf(read, like):
    """A recording made of nothing but what the CTF trace says of its events."""
    types = {kind.name: kind for kind in like.types.values()}
    made = stream.Recording(boot_id=like.boot_id, cpu_count=like.cpu_count, types=like.types)
    for name, time, cpu, thread, trace, span, _, fields in read["events"]:
        words = tuple(fields.get(word, 0) for word in types[name].words)
        made.events.append(stream.Event(time, types[name], cpu, 0, thread, trace, span, words))
    owners = {event["thread"]: event["process"] for event in made.events if event.name == "THREAD_STATE"}
    for _, _, _, thread, _, _, name, _ in read["events"]:
        if thread in owners and "/" in name:
            made.processes[owners[thread]] = stream.Process(owners[thread], 0, name.rpartition("/")[0])
    return made


def of_ctf(read, like):
    made = recording_of_ctf(read, like)
    names = naming.Names(made)
    return of_spans(spanning.build(made, names), names)


# --- Chrome ---

def of_chrome(made):
    processes = {event["pid"]: re.sub(r" \(\d+\)$", "", event["args"]["name"]) for event in made["traceEvents"]
                 if event["ph"] == "M" and event["name"] == "process_name"}
    return [Part(event["args"]["trace"], event["args"]["span"], event["args"].get("parent", ""),
                 event["name"].removeprefix("waiting: "), event["args"]["kind"],
                 "hardware" if event["ph"] == "i" else processes[event["pid"]], event["args"]["cpu"])
            for event in made["traceEvents"] if event["ph"] in "bi" and "args" in event]


def problems_of_chrome(made):
    """What the format asks of every event, and that slices and arrows come in pairs."""
    problems, open_slices, arrows = [], {}, {}
    needed = {"X": ("ts", "dur", "name"), "b": ("ts", "id", "cat", "name"), "e": ("ts", "id", "cat", "name"),
              "s": ("ts", "id", "cat", "name"), "f": ("ts", "id", "cat", "name"), "C": ("ts", "name", "args"),
              "M": ("name", "args"), "i": ("ts", "name", "s")}
    for event in made["traceEvents"]:
        kind = event.get("ph")
        lacking = [name for name in needed.get(kind, ("ph",)) + ("pid",) if name not in event]
        if lacking or not all(isinstance(event.get(name, 0), (int, float)) for name in ("ts", "dur", "pid", "tid")):
            problems.append(f"{event}: lacks {lacking}")
        elif event.get("ts", 0) < 0 or event.get("dur", 0) < 0:
            problems.append(f"{event}: before the beginning")
        elif kind == "b":
            open_slices[event["id"], event["cat"]] = event["ts"]
        elif kind == "e" and open_slices.pop((event["id"], event["cat"]), event["ts"] + 1) > event["ts"]:
            problems.append(f"{event}: ends what has not begun")
        elif kind == "s":
            arrows[event["id"]] = event["ts"]
        elif kind == "f" and arrows.pop(event["id"], event["ts"] + 1) > event["ts"]:
            problems.append(f"{event}: an arrow from nowhere, or backwards")
    return problems + [f"left open: {key}" for key in [*open_slices, *arrows]]


def arrows_of_chrome(made):
    return {event["id"] for event in made["traceEvents"] if event["ph"] == "f"}


# --- OTLP: JSON as it is, and protocol buffers through decoders ---

def value_of(value):
    value = value.get("value", {})
    return next(iter(value.values()), "")


def of_otlp(decoded, identity=lambda text: text):
    parts = []
    for resource in decoded["resourceSpans"]:
        of_resource = {pair["key"]: value_of(pair) for pair in resource["resource"]["attributes"]}
        for span in resource["scopeSpans"][0]["spans"]:
            given = {pair["key"]: value_of(pair) for pair in span["attributes"]}
            parts.append(Part(identity(span["traceId"]), identity(span["spanId"]),
                              identity(span.get("parentSpanId", "")), span["name"], given["ferrous.kind"],
                              of_resource["service.name"], int(given.get("ferrous.cpu") or 0)))
    return parts


def hexadecimal(text):
    return base64.b64decode(text).hex()


def npm_decoder():
    """Installs the pinned decoder; None where npm is not there."""
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    os.makedirs(INSTALLED, exist_ok=True)
    for name in os.listdir(DECODER):
        shutil.copy(os.path.join(DECODER, name), INSTALLED)
    if not os.path.exists(os.path.join(INSTALLED, "node_modules/.package-lock.json")):
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=INSTALLED)
    return lambda kind, path: json.loads(run("node", "decode.js", kind, path, cwd=INSTALLED))


STRING = re.compile(r'^"(.*)"$')
ESCAPE = re.compile(rb"\\(?:([0-7]{3})|(.))")


def unescape(text):
    def one(match):
        if match.group(1):
            return bytes([int(match.group(1), 8)])
        return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(match.group(2), match.group(2))
    return ESCAPE.sub(one, text.encode("latin-1"))


def protoc_decode(message, path):
    """protoc's text as lists of (name, value)."""
    with open(path, "rb") as file:
        text = run("protoc", f"--decode=ferrous.otlp.{message}", "-I" + os.path.join(ROOT, "tools/tracing"),
                   os.path.join(ROOT, "tools/tracing/otlp.proto"), stdin=file).decode("latin-1")
    stack = [[]]
    for line in text.splitlines():
        line = line.strip()
        if line.endswith("{"):
            stack.append([])
            stack[-2].append((line[:-1].strip(), stack[-1]))
        elif line == "}":
            stack.pop()
        else:
            name, _, value = line.partition(": ")
            string = STRING.match(value)
            stack[-1].append((name, unescape(string.group(1)) if string else value))
    return stack[0]


def all_of(fields, name):
    return [value for key, value in fields if key == name]


def of_protoc(fields):
    def attributes(owner):
        return {dict(pair)["key"].decode(): next((value for _, value in dict(pair).get("value", [])), "0")
                for pair in all_of(owner, "attributes")}

    def text(value):
        return value.decode() if isinstance(value, bytes) else value
    parts = []
    for resource in all_of(fields, "resource_spans"):
        process = text(attributes(dict(resource)["resource"])["service.name"])
        for span in all_of(dict(resource)["scope_spans"], "spans"):
            one, given = dict(span), attributes(span)
            parts.append(Part(one["trace_id"].hex(), one["span_id"].hex(), one.get("parent_span_id", b"").hex(),
                              one["name"].decode(), text(given["ferrous.kind"]), process,
                              int(text(given["ferrous.cpu"]))))
    return parts
