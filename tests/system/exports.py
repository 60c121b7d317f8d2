"""Recordings of a booted machine: complete, and each export read back shows each request as one connected trace."""

import collections
import json
import os
import re
import shutil
import tempfile
import threading

from ferrous import console, machine
from ferrous.outcome import failed, passed, result
from system import browser, exported, session
from tracing import chrome, ctf, names as naming, otlp, otlp_wire, page, prometheus, spans as spanning, stream

ORDERS = 1000
TRIES = 3  # a host that stops one CPU for long makes the recorder lose events: counted, and then told again
ON_THE_WAY = {"relay", "front", "store", "journal", "uart"}
# What one of many orders is, as (kind, name, process).
SHAPE = collections.Counter([("client", "relay.order", "relay"), ("server", "relay.order", "front"),
                             ("client", "relay.fetch", "front"), ("server", "relay.fetch", "store"),
                             ("consumer", "relay.note", "journal")])


def record(folder):
    """The recordings: one order, a thousand at once, and all categories live with a recorder that is killed."""
    path = os.path.join(folder, "line")
    with session.boot(machine.Machine(cpus=2, second_line=path), 240) as running:
        said = []
        for line in ("trace on ipc", "trace on sched", "trace on device", "trace on syscall", "trace stream held",
                     "run relay", "trace stream off", "trace off device", "trace off syscall", "trace stream held",
                     f"run relay {ORDERS}", "trace stream off", "trace on device", "trace on syscall",
                     "trace on memory", "trace stream on", "run relay 40"):
            said.append((line, running.run(line)))
        pid = re.search(r"^ *(\d+) .* recorder$", running.run("ps"), re.MULTILINE).group(1)
        said += [(line, running.run(line)) for line in (f"kill {pid}", "svc", "trace stream off", "trace stream on",
                                                        "run relay 40", "trace stream off")]
        running.shut_down()
    with open(path, "rb") as file:
        return stream.read(file.read()), said


def without_root_threads(parts):
    return collections.Counter((part.kind, part.name, part.process) for part in parts if part.kind != "thread")


def by_trace(parts):
    found = collections.defaultdict(list)
    for part in parts:
        found[part.trace].append(part)
    return found


def orders(parts):
    """The traces in which the front took an order."""
    return [trace for trace in by_trace(parts).values()
            if any((part.kind, part.name) == ("server", "relay.order") for part in trace)]


def disconnected(trace):
    """What keeps the parts from being one tree."""
    spans = {part.span for part in trace}
    roots = [part for part in trace if not part.parent]
    problems = [f"{part} has a parent elsewhere" for part in trace if part.parent and part.parent not in spans]
    if len(roots) != 1:
        problems.append(f"{len(roots)} roots: {roots[:5]}")
    if len(spans) != len(trace):
        problems.append("two parts have one id")
    return problems


def one_connected(parts):
    """One order is one trace, from the interrupt that set it off, through all processes, on both CPUs."""
    found = orders(parts)
    if len(found) != 1:
        return [f"{len(found)} traces have an order"]
    trace = found[0]
    problems = disconnected(trace)
    processes = {part.process for part in trace}
    if not ON_THE_WAY <= processes:
        problems.append(f"only through {sorted(processes)}")
    if [part.kind for part in trace if not part.parent] != ["hardware"]:
        problems.append("its root is no interrupt")
    if {part.cpu for part in trace} != {0, 1}:
        problems.append("not on both CPUs")
    ids = {part.span: part for part in trace}
    notes = [part for part in trace if (part.kind, part.name) == ("consumer", "relay.note")]
    if [(note.process, ids[note.parent].process) for note in notes if note.parent in ids] != [("journal", "front")]:
        problems.append(f"the queued note: {notes}")
    return problems


def many_disjoint(parts):
    """As many orders, as many traces, each with its own parts and no other's."""
    found = orders(parts)
    problems = [] if len(found) == ORDERS else [f"{len(found)} traces have an order"]
    for trace in found:
        problems += disconnected(trace)
        if without_root_threads(trace) != SHAPE:
            problems.append(f"of another shape: {without_root_threads(trace)}")
    return problems[:20]


def judge(what, parts_of_one, parts_of_many):
    yield result(f"{what}: one order is one connected trace", one_connected(parts_of_one))
    yield result(f"{what}: {ORDERS} orders at once are {ORDERS} traces", many_disjoint(parts_of_many))


class Export:
    """One recording, with what tools/trace makes of it."""

    def __init__(self, recording, folder, name):
        self.recording = recording
        self.names = naming.Names(recording)
        self.spans = spanning.build(recording, self.names)
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)

    def path(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def parts(self):
        return exported.of_spans(self.spans, self.names)

    def ctf(self):
        folder = os.path.join(self.folder, "ctf")
        ctf.write(self.recording, self.names, folder)
        return exported.read_ctf(folder)

    def chrome(self):
        return json.loads(json.dumps(chrome.convert(self.recording, self.names, self.spans)))

    def otlp(self):
        return otlp.traces(self.recording, self.names, self.spans)


def complete(recordings, said):
    """Every event of every recording that came to its end is there, or counted."""
    problems = [f"{line}: {output}" for line, output in said if "orders answered" in output
                and not re.search(r"(\d+) of \1 orders", output)]
    if len(recordings) != 4:
        yield failed("four recordings have come", f"{len(recordings)}\n" + "\n".join(f"{a}: {b}" for a, b in said))
        return
    for index, recording in enumerate(recordings):
        killed = index == 2
        if killed != (recording.trailer is None):
            problems.append(f"recording {index}: its trailer")
        if not killed:
            problems += [f"recording {index}: {problem}" for problem in recording.problems]
    yield result("recordings are whole, and one whose recorder is killed says that it is not", problems)
    held = [recording.lost for recording in recordings[:2]]
    yield result("a held recording of a thousand requests loses nothing", [f"lost: {held}"] if any(held) else [])
    answer = dict(said)
    restarted = "recorder" in answer["svc"] and "trace" in answer["trace stream off"]
    yield result("a killed recorder is replaced and records again",
                 [] if restarted and len(recordings[3].events) > 1000 else [answer["svc"]])


def same_events(read, recording):
    """Each event of the CTF trace against the stream's."""
    problems = []
    want = collections.Counter((event.name, event.time, event.cpu, event.thread, event.trace, event.span,
                                tuple(event.fields())) for event in recording.events)
    have = collections.Counter((name, time, cpu, thread, trace, span,
                                tuple((word, value) for word, value in fields.items() if word != "method"))
                               for name, time, cpu, thread, trace, span, _, fields in read["events"])
    for event in ((want - have) + (have - want)).most_common(5):
        problems.append(f"{event}")
    if read["discarded"] != recording.lost:
        problems.append(f"{read['discarded']} discarded, {recording.lost} lost")
    methods = {fields["method"] for *_, fields in read["events"] if "method" in fields}
    if not {"relay.order", "relay.fetch", "relay.note"} <= methods:
        problems.append(f"methods: {sorted(methods)}")
    return problems


def check_ctf(one, many, live):
    first, second = one.ctf(), many.ctf()
    yield result("CTF: babeltrace2 reads each event with its named fields", same_events(first, one.recording) +
                 same_events(second, many.recording))
    yield result("CTF: lost events are discarded events", same_events(live.ctf(), live.recording))
    yield from judge("CTF", exported.of_ctf(first, one.recording), exported.of_ctf(second, many.recording))


def check_chrome(one, many):
    first, second = one.chrome(), many.chrome()
    yield result("Chrome: every event is as the format wants it",
                 (exported.problems_of_chrome(first) + exported.problems_of_chrome(second))[:20])
    yield from judge("Chrome", exported.of_chrome(first), exported.of_chrome(second))
    arrows = exported.arrows_of_chrome(first)
    trace = orders(exported.of_chrome(first))[0]
    across = [part for part in trace if part.kind in ("server", "consumer")]
    yield result("Chrome: an arrow leads to each part from its cause",
                 [f"{part}" for part in across if f"{int(part.span, 16):x}" not in arrows])


def check_otlp(one, many):
    made = [export.otlp() for export in (one, many)]
    paths = [export.path("spans.pb", otlp_wire.encode("TracesData", values))
             for export, values in zip((one, many), made)]
    own = [exported.of_otlp(json.loads(json.dumps(values))) for values in made]
    yield from judge("OTLP/JSON", *own)
    by_protoc = [exported.of_protoc(exported.protoc_decode("TracesData", path)) for path in paths]
    yield from judge("OTLP, decoded by protoc", *by_protoc)
    yield result("OTLP: protocol buffers and JSON say the same", [] if by_protoc == own else ["they differ"])
    decode = exported.npm_decoder()
    if decode is None:
        yield passed("OTLP: npm is not there; decoded by protoc alone")
        return
    by_npm = [exported.of_otlp(decode("traces", path), exported.hexadecimal) for path in paths]
    yield from judge("OTLP, decoded by OpenTelemetry", *by_npm)
    metrics = otlp.metrics(one.recording)
    decoded = decode("metrics", one.path("metrics.pb", otlp_wire.encode("MetricsData", metrics)))
    want = {metric["name"]: [point.get("asInt", point.get("count")) for point in
                             metric.get("sum", metric.get("histogram"))["dataPoints"]]
            for metric in metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    have = {metric["name"]: [point.get("asInt", point.get("count")) for point in
                             metric.get("sum", metric.get("histogram"))["dataPoints"]]
            for metric in decoded["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    yield result("OTLP: metrics decoded by OpenTelemetry", [] if want == have else [f"{want}\n{have}"])


PROMETHEUS = re.compile(r'^[a-z_]+(\{[a-z]+="(?:[^"\\]|\\.)*"(,[a-z]+="(?:[^"\\]|\\.)*")*\})? [0-9.e+-]+$')


def check_prometheus(one):
    text = prometheus.text(one.recording, one.names)
    problems = [line for line in text.splitlines() if not line.startswith("# ") and not PROMETHEUS.match(line)]
    newest = otlp.newest(one.recording)[0].counters[0]
    if f'ferrous_syscalls_total{{cpu="0"}} {newest}\n' not in text or newest == 0:
        problems.append("the count of system calls")
    yield result("Prometheus: each line is as the format wants it", problems)


def painted(shown):
    """How many colours the timeline has: an empty one has few."""
    return shown.value("(() => { const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
                       ".data; const found = new Set(); for (let i = 0; i < data.length; i += 4)"
                       " found.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]); return found.size; })()")


def check_page(one):
    """The page in a browser: searched, zoomed and clicked like a person does."""
    path = one.path("page.html", page.html(one.recording, one.names, one.spans).encode())
    with browser.Page("file://" + path) as shown:
        shown.wait_for("document.body && document.body.dataset.ready === 'yes'")
        yield result("page: it loads and draws", [] if painted(shown) > 20 else ["the timeline is empty"])
        shown.click("#search")
        shown.type("relay.fetch")
        shown.wait_for("byId('found').textContent.includes('spans')")
        events = shown.value("byId('events').innerText")
        yield result("page: it finds what is searched", [] if shown.value("byId('found').textContent").startswith(
            "2 spans") and events and all("relay.fetch" in line for line in events.split("\n") if line) else [events])
        order = shown.value("data.requests.map(([id]) => id).find(id => spans[id].name === 'relay.order')")
        before = shown.value("[view.from, view.to]")
        shown.click(f"#request{order} td")
        shown.wait_for("byId('path').children.length > 0")
        told = shown.value("byId('path').innerText")
        steps = ["timer", "relay.order relay/", "relay.order front/", "relay.fetch store/", "relay.note journal/",
                 "console.write uart/"]
        places = [told.find(step) for step in steps]
        yield result("page: a request that is clicked shows its path, from the interrupt to the console",
                     [] if -1 not in places and places == sorted(places) and
                     shown.value(f"byId('request{order}').className").endswith("chosen") else [told])
        after = shown.value("[view.from, view.to]")
        shown.value("scrollTo(0, 0)")
        shown.wheel("#time", -300)
        shown.wait_for(f"view.to - view.from < {after[1] - after[0]}")
        shown.click("#whole")
        yield result("page: it zooms, and back", [] if shown.value("[view.from, view.to]") == before != after else
                     [f"{before} {after}"])
        parts = shown.value(f"data.requests.find(([id]) => id === {order})[1].reduce((sum, part) => sum + part[3], 0)"
                            f" - (spans[{order}].end - spans[{order}].start)")
        yield result("page: the parts of a request are the whole", [] if parts == 0 else [f"{parts} ns differ"])
        yield result("page: no script failed", shown.errors)


def still_line(folder):
    """The second line's other end does not read: the machine goes on, and nothing is lost once it does."""
    path = os.path.join(folder, "pipe")
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    parts = []

    def read():
        while True:
            part = os.read(end, 1 << 16)
            if not part:
                return
            parts.append(part)
    reader = threading.Thread(target=read, daemon=True)
    try:
        with session.boot(machine.Machine(cpus=2, second_line=path), 120) as running:
            for line in ("trace on ipc", "trace on syscall", "trace on sched", "trace stream on"):
                running.run(line)
            said = [running.run("run relay 200") for _ in range(4)]
            os.set_blocking(end, True)
            reader.start()
            told = running.run("trace stream off")
            running.shut_down()
        reader.join(10)
    finally:
        os.close(end)
    recordings = stream.read(b"".join(parts))
    problems = [text for text in said if "200 of 200 orders answered" not in text]
    problems += recordings[0].problems if len(recordings) == 1 else [f"{len(recordings)} recordings"]
    if recordings and f"trace: {len(recordings[0].events)} events, {recordings[0].lost} lost" not in told:
        problems.append(told)
    return result("a line that stands still stops nobody", problems)


def no_line():
    with session.boot(machine.Machine(), 120) as running:
        told = running.run("trace save")
        running.shut_down()
    return result("without a second line the recorder says so",
                  [] if "no second serial line" in told else [told])


def run(_context):
    folder = tempfile.mkdtemp(prefix="ferrous-")
    try:
        for _ in range(TRIES):
            recordings, said = record(folder)
            if not any(recording.lost for recording in recordings[:2]):
                break
        outcomes = list(complete(recordings, said))
        yield from outcomes
        if len(recordings) == 4:
            one, many, live = (Export(recordings[index], folder, str(index)) for index in (0, 1, 3))
            yield from judge("spans", one.parts(), many.parts())
            yield from check_ctf(one, many, live)
            yield from check_chrome(one, many)
            yield from check_otlp(one, many)
            yield from check_prometheus(one)
            yield from check_page(one)
        yield still_line(folder)
        yield no_line()
    except console.Stopped as stop:
        yield failed("the machine runs to the end", stop.reason)
    except browser.Refused as refusal:
        yield failed("the browser shows the page", str(refusal))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
