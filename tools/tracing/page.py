"""One HTML file with everything in it: the recording's data and what shows it (page.html). No network."""

import json
import os

from tracing import requests, timeline

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.html")
EVENT_LIMIT = 50000  # of the newest; more would make the page slow


def span_row(span):
    return [span.ordinal, span.parent.ordinal if span.parent else -1, span.kind, span.name, span.thread, span.start,
            span.end, span.status, span.cpu, f"{span.trace_id:032x}", [link.ordinal for link in span.links],
            span.complete]


def metric_series(recording):
    """name -> cpu -> [time, value]; those that moved."""
    out = {}
    for metrics in recording.metrics:
        for number, value in metrics.counters.items():
            name = " ".join(recording.counters.get(number, (f"counter {number}", "")))
            out.setdefault(name, {}).setdefault(metrics.cpu, []).append([metrics.time, value])
    return {name: cpus for name, cpus in out.items()
            if any(series[-1][1] != series[0][1] for series in cpus.values())}


def data(recording, names, spans):
    cpus = timeline.slices(recording)
    threads = sorted({piece.thread for pieces in cpus for piece in pieces if piece.thread} |
                     {span.thread for span in spans if span.thread})
    found, count = requests.slowest(spans, timeline.by_thread(cpus))
    shown = recording.events[-EVENT_LIMIT:]
    return {
        "boot": f"{recording.boot_id:016x}", "lost": recording.lost, "problems": recording.problems[:20],
        "start": recording.events[0].time if recording.events else 0,
        "end": recording.events[-1].time if recording.events else 1,
        "threads": [[thread, names.thread(thread)] for thread in threads],
        "cpus": [[[piece.thread, piece.start, piece.end] for piece in pieces] for pieces in cpus],
        "spans": [span_row(span) for span in spans],
        "events": [[event.time, event.cpu, event.thread, names.text(event)] for event in shown],
        "eventCount": len(recording.events), "requestCount": count,
        "requests": [[request.span.ordinal, [[what, thread, call, ns] for (what, thread, call), ns in request.totals()]]
                     for request in found],
        "metrics": metric_series(recording),
    }


def html(recording, names, spans):
    text = json.dumps(data(recording, names, spans), separators=(",", ":")).replace("<", "\\u003c")
    with open(TEMPLATE, encoding="utf-8") as file:
        before, after = file.read().split("/*DATA*/null")
    return before + text + after
