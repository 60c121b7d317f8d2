"""Requests, slowest first, and what the time of each went to: who ran, who was waited for, and for what.

A request is a call that is no part of serving another call.
"""

from dataclasses import dataclass, field
from typing import List, Tuple

RUNNING, NOT_RUNNING, QUEUED = "running", "not running", "waiting to be taken"


@dataclass
class Stretch:
    what: str  # one of the above
    thread: int
    call: str  # the method under way
    start: int
    end: int


@dataclass
class Request:
    span: object
    stretches: List[Stretch] = field(default_factory=list)

    def totals(self):
        """(what, thread, call) -> ns, the largest first."""
        found = {}
        for stretch in self.stretches:
            key = (stretch.what, stretch.thread, stretch.call)
            found[key] = found.get(key, 0) + stretch.end - stretch.start
        return sorted(found.items(), key=lambda item: -item[1])


def clipped(pieces, start, end):
    return [(max(piece.start, start), min(piece.end, end)) for piece in pieces
            if piece.start < end and piece.end > start]


def own_time(thread, call, start, end, slices, out):
    """A thread works on the request by itself, whether it has a CPU or not."""
    at = start
    for began, ended in clipped(slices.get(thread, ()), start, end):
        if began > at:
            out.append(Stretch(NOT_RUNNING, thread, call, at, began))
        out.append(Stretch(RUNNING, thread, call, max(began, at), ended))
        at = max(at, ended)
    if at < end:
        out.append(Stretch(NOT_RUNNING, thread, call, at, end))


def divide(client, slices, out, depth=0):
    """The time of a call: until it is taken, then the server's own time and that of the calls that it makes."""
    servers = [child for child in client.children if child.kind == "server"]
    if not servers or depth > 32:
        out.append(Stretch(QUEUED, client.thread, client.name, client.start, client.end))
        return
    server = servers[-1]
    if server.start > client.start:
        out.append(Stretch(QUEUED, server.thread, client.name, client.start, server.start))
    at = server.start
    for call in sorted((child for child in server.children if child.kind == "client"), key=lambda one: one.start):
        if call.start > at:
            own_time(server.thread, client.name, at, call.start, slices, out)
        divide(call, slices, out, depth + 1)
        at = max(at, call.end)
    if at < client.end:
        own_time(server.thread, client.name, at, client.end, slices, out)


def slowest(spans, slices, limit=200) -> Tuple[List[Request], int]:
    """The slowest requests, and how many there are."""
    found = [span for span in spans if span.kind == "client" and span.complete and
             (span.parent is None or span.parent.kind != "server")]
    found.sort(key=lambda span: -span.duration)
    requests = [Request(span) for span in found[:limit]]
    for request in requests:
        divide(request.span, slices, request.stretches)
    return requests, len(found)
