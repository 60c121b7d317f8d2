"""Rebuilds who did what on whose behalf, as spans, from the events of IPC.

A span is a stretch of work with a cause. Its kinds:

    client    a call, as its caller sees it: from IPC_CALL to the reply
    server    the same call at its server: from when it took it to the reply; child of the client's
    consumer  what a thread does with a one-way message or a signal, until it takes the next; child of who sent it
    hardware  an interrupt or a timer that fired; it has no cause
    thread    what a thread does that nothing of the above set going; it has no cause

A span without a cause is the root of a trace. Where several signals became one, the newest is the parent and the others
are links. Who makes a thread is linked to it, and not its cause: threads are how programs keep requests apart.
"""

from dataclasses import dataclass, field
from typing import List, Optional

from tracing.stream import in_parts

SLACK_NS = 20_000_000  # events of one act on two CPUs are written in either order
SEND, CALL, SIGNAL = 0, 1, 2
# Only a thread that runs writes these under its own name.
OWN = {"SYSCALL_EXIT", "IPC_CALL", "IPC_SEND", "IPC_RECEIVE", "IPC_REPLY", "MEMORY_FAULT", "MEMORY_MAP", "CAP_DERIVE",
       "CAP_CLOSE", "USER", "PORT_ACCESS"}
U64 = (1 << 64) - 1


@dataclass
class Span:
    ordinal: int
    kind: str
    name: str
    thread: int
    start: int
    parent: Optional["Span"] = None
    end: Optional[int] = None
    status: str = ""  # what went wrong
    kernel_trace: int = 0
    endpoint: int = 0
    label: int = 0
    badge: int = 0
    cpu: int = 0
    links: List["Span"] = field(default_factory=list)
    children: List["Span"] = field(default_factory=list)
    events: list = field(default_factory=list)
    complete: bool = True  # its end was seen
    trace_id: int = 0
    span_id: int = 0
    taken: Optional[int] = None  # client: when a server took it

    @property
    def root(self):
        span = self
        while span.parent:
            span = span.parent
        return span

    @property
    def duration(self):
        return (self.end or self.start) - self.start


def mix(value):
    """A 64-bit number that looks random, and is the same each time (splitmix64's finisher)."""
    value = (value + 0x9E3779B97F4A7C15) & U64
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & U64
    value = (value ^ value >> 27) * 0x94D049BB133111EB & U64
    return value ^ value >> 31 or 1


def pair_queued(events):
    """index of a receipt -> index of what was sent, for messages that were not handed over at once.

    A receipt bears the trace id of its sender, whose calls follow one another, and so do its messages to one endpoint.
    """
    sent, pairs, early = {}, {}, {}
    for index, event in enumerate(events):
        if event.name in ("IPC_CALL", "IPC_SEND") and event.words[3] == 0:
            key = (event.name == "IPC_CALL", event["endpoint"], event.trace)
            waiting = early.get(key)
            if waiting and event.time - events[waiting[0]].time < SLACK_NS:
                pairs[waiting.pop(0)] = index
            else:
                sent.setdefault(key, []).append(index)
        elif event.name == "IPC_RECEIVE" and event["kind"] in (SEND, CALL):
            key = (event["kind"] == CALL, event["endpoint"], event.trace)
            if sent.get(key):
                # One call at a time: an older one that is still here was given up.
                pairs[index] = sent[key].pop(-1 if key[0] else 0)
                if key[0]:
                    sent[key].clear()
            else:
                early.setdefault(key, []).append(index)
    return pairs


def in_order(recording):
    """The events, such that what was sent comes before its receipt; and the pairs, by identity of the receipt."""
    events = in_parts(recording.events)
    pairs = pair_queued(events)
    times = [event.time for event in events]
    for receipt, sent in pairs.items():
        times[sent] = min(times[sent], times[receipt] - 1)
    order = sorted(range(len(events)), key=lambda index: (times[index], index))
    return [events[index] for index in order], {id(events[r]): id(events[s]) for r, s in pairs.items()}


class Thread:
    def __init__(self):
        self.serving = []  # server spans, the newest last
        self.base = None
        self.call = None  # its client span under way
        self.last = 0


class Builder:
    def __init__(self, recording, names):
        self.recording = recording
        self.names = names
        self.spans = []
        self.threads = {}
        self.in_flight = {}  # id of an IPC_CALL or IPC_SEND event -> span that it came from
        self.pending_signals = {}  # endpoint -> spans
        self.fired = {}  # cpu -> the hardware's span, as long as nothing else was written there
        self.unmatched = 0

    def new(self, kind, name, thread, event, parent=None):
        span = Span(len(self.spans), kind, name, thread, event.time, parent, kernel_trace=event.trace, cpu=event.cpu)
        if parent:
            parent.children.append(span)
        self.spans.append(span)
        return span

    def thread(self, number):
        if number not in self.threads:
            self.threads[number] = Thread()
        return self.threads[number]

    def context(self, number, event):
        """The span that the thread works in."""
        thread = self.thread(number)
        if thread.serving:
            return thread.serving[-1]
        if thread.base is None:
            thread.base = self.new("thread", self.names.thread(number), number, event)
        return thread.base

    def set_base(self, number, span, time):
        """The thread begins something new with its own activity."""
        thread = self.thread(number)
        if thread.base is not None:
            thread.base.end = max(thread.base.start, min(thread.last, time))
        thread.base = span

    def end_call(self, client, time, status="", complete=True):
        client.end, client.status, client.complete = max(time, client.start), status, complete
        for server in [child for child in client.children if child.kind == "server" and child.end is None]:
            server.end, server.status, server.complete = max(time, server.start), status, complete
            serving = self.thread(server.thread).serving
            if server in serving:
                serving.remove(server)
        self.thread(client.thread).call = None

    def serve(self, client, server, event):
        client.taken = event.time
        span = self.new("server", client.name, server, event, client)
        span.kernel_trace, span.endpoint, span.label, span.badge = (client.kernel_trace, client.endpoint, client.label,
                                                                    client.badge)
        self.thread(server).serving.append(span)

    def ipc_call(self, event):
        caller = event.thread
        client = self.new("client", self.names.label(event["label"]), caller, event, self.context(caller, event))
        client.endpoint, client.label, client.badge = event["endpoint"], event["label"], event["badge"]
        self.thread(caller).call = client
        if event["server"]:
            self.serve(client, event["server"], event)
        else:
            self.in_flight[id(event)] = client

    def ipc_send(self, event):
        source = self.context(event.thread, event)
        if event["receiver"]:
            self.consume(event["receiver"], self.names.label(event["label"]), source, event)
        else:
            self.in_flight[id(event)] = (source, event)

    def consume(self, receiver, name, source, event, links=()):
        span = self.new("consumer", name, receiver, event, source)
        span.endpoint = event["endpoint"]
        span.links = [link for link in links if link is not source]
        self.set_base(receiver, span, event.time)
        return span

    def ipc_receive(self, event, sent):
        receiver = event.thread
        source = self.in_flight.pop(sent, None)
        kind = event["kind"]
        if kind == CALL:
            if source is None or source.end is not None:
                self.unmatched += 1
            else:
                self.serve(source, receiver, event)
        elif kind == SEND:
            parent, message = source or (None, event)
            if source is None:
                self.unmatched += 1
            span = self.consume(receiver, self.names.label(event["label"]), parent, event)
            span.label, span.badge, span.taken = event["label"], event["badge"], message.time
        elif kind == SIGNAL:
            sources = self.pending_signals.pop(event["endpoint"], [])
            if not sources:
                self.unmatched += 1
            self.consume(receiver, "signal", sources[-1] if sources else None, event, sources)

    def ipc_signal(self, event):
        source = self.fired.get(event.cpu) or self.context(event.thread, event) if event.thread else \
            self.fired.get(event.cpu)
        if event["receiver"]:
            self.consume(event["receiver"], "signal", source, event)
        elif source:
            self.pending_signals.setdefault(event["endpoint"], []).append(source)

    def ipc_reply(self, event):
        client = self.thread(event["to_thread"]).call
        if client is None:
            self.unmatched += 1
            return
        label = event["label"]
        failed = event["failed"] or (label if label >> 16 == 0 else 0)
        self.end_call(client, event.time, self.names.status(failed) if failed else "")

    def ipc_failed(self, event):
        client = self.thread(event["thread"]).call
        if client:
            self.end_call(client, event.time, self.names.status(event["status"]))

    def hardware(self, event, name):
        span = self.new("hardware", name, 0, event)
        span.end = event.time
        span.kernel_trace = 0
        return span

    def thread_made(self, event):
        if event["state"] == 6 and event["thread"] not in self.threads:
            made = self.thread(event["thread"])
            made.base = self.new("thread", self.names.thread(event["thread"]), event["thread"], event)
            made.base.kernel_trace = 0  # not its creator's
            made.last = event.time
            made.base.links.append(self.context(event.thread, event))

    def see(self, event, sent):
        own = event.name in OWN and event.thread
        if own:
            thread = self.thread(event.thread)
            thread.last = event.time
            if thread.call and event.name != "SYSCALL_EXIT":
                # It goes on, and nobody replied: its deadline passed, or it was cancelled.
                self.end_call(thread.call, event.time, "LEFT")
        fired = None
        if event.name == "INTERRUPT":
            fired = self.hardware(event, f"interrupt {event['number']}")
        elif event.name == "TIMER_FIRED":
            fired = self.hardware(event, "timer")
        elif event.name == "THREAD_STATE":
            self.thread_made(event)
        elif event.name == "IPC_RECEIVE":
            self.ipc_receive(event, sent)
        elif event.name.startswith("IPC_"):
            getattr(self, event.name.lower(), lambda _: None)(event)
        elif event.name == "SCHED_SWITCH" and event.thread:
            self.thread(event.thread).last = event.time
        elif own and event.type.category in ("MEMORY", "SECURITY", "USER"):
            self.context(event.thread, event).events.append(event)
        if event.name != "SCHED_WAKE":
            self.fired[event.cpu] = fired

    def finish(self, end):
        for thread in self.threads.values():
            if thread.call:
                self.end_call(thread.call, end, "", complete=False)
            if thread.base and thread.base.end is None:
                thread.base.end = max(thread.base.start, thread.last)
        for span in self.spans:
            if span.end is None:
                span.end, span.complete = max(end, span.start), False

    def name_roots(self):
        """Trace ids: the boot's in the upper half; the lower is the kernel's where it is this root's alone."""
        used = set()
        boot = self.recording.boot_id
        for span in self.spans:
            span.span_id = mix(boot ^ mix(span.ordinal ^ span.start << 20))
            if span.parent is None:
                lower = span.kernel_trace
                if not lower or lower in used:
                    lower = mix(boot ^ mix(span.start) ^ span.ordinal)
                used.add(lower)
                span.trace_id = boot << 64 | lower
        for span in self.spans:  # parents come before children
            if span.parent is not None:
                span.trace_id = span.parent.trace_id


def build(recording, names):
    """All spans, parents before their children."""
    builder = Builder(recording, names)
    events, pairs = in_order(recording)
    for event in events:
        builder.see(event, pairs.get(id(event)))
    builder.finish(events[-1].time if events else 0)
    # An interrupt that woke nobody is no request.
    for span in [span for span in builder.spans if span.kind == "hardware" and not span.children]:
        builder.spans.remove(span)
    for ordinal, span in enumerate(builder.spans):
        span.ordinal = ordinal
    builder.name_roots()
    return builder.spans
