"""Chrome's trace format (JSON), which Perfetto reads too: tracks for CPUs and for the threads of each process, slices
for what ran, waited and was served, arrows for causes, counters."""

from tracing import timeline

CPUS = 0  # the "process" whose tracks are the CPUs
KERNEL = 1_000_000  # for threads whose process is not known


def us(ns):
    return ns / 1000


def meta(what, pid, name, tid=None):
    event = {"ph": "M", "name": what, "pid": pid, "args": {"name": name}}
    if tid is not None:
        event["tid"] = tid
    return event


def place(names, thread):
    """pid and tid of a thread's track."""
    return names.process_of_thread(thread) or KERNEL, thread


def tracks(recording, names, threads):
    out = [meta("process_name", CPUS, "CPUs")]
    out += [meta("thread_name", CPUS, f"CPU {cpu}", cpu) for cpu in range(recording.cpu_count)]
    pids = {place(names, thread)[0] for thread in threads}
    out += [meta("process_name", pid, "not known" if pid == KERNEL else f"{names.process(pid)} ({pid})")
            for pid in sorted(pids)]
    for thread in sorted(threads):
        pid, tid = place(names, thread)
        out.append(meta("thread_name", pid, names.thread(thread), tid))
    return out


def complete(name, category, pid, tid, start, end, args=None):
    event = {"ph": "X", "name": name, "cat": category, "pid": pid, "tid": tid, "ts": us(start),
             "dur": us(max(end - start, 0))}
    if args:
        event["args"] = args
    return event


def running(names, cpus):
    out = []
    for pieces in cpus:
        for piece in pieces:
            if piece.thread:
                out.append(complete(names.thread(piece.thread), "running", CPUS, piece.cpu, piece.start, piece.end))
    return out


def span_args(span):
    args = {"trace": f"{span.trace_id:032x}", "span": f"{span.span_id:016x}", "kind": span.kind,
            "cpu": span.cpu}
    if span.parent:
        args["parent"] = f"{span.parent.span_id:016x}"
    if span.status:
        args["status"] = span.status
    if not span.complete:
        args["complete"] = False
    return args


def work(names, spans):
    """Spans as asynchronous slices: those of one thread may overlap, and a track's slices may not."""
    out = []
    for span in spans:
        if span.kind == "hardware":
            out.append({"ph": "i", "s": "t", "name": span.name, "cat": "hardware", "pid": CPUS, "tid": span.cpu,
                        "ts": us(span.start), "args": span_args(span)})
            continue
        pid, tid = place(names, span.thread)
        waiting = span.kind == "client"
        shared = {"cat": "waiting" if waiting else "serving", "id": f"{span.span_id:x}", "pid": pid, "tid": tid,
                  "name": f"waiting: {span.name}" if waiting else span.name}
        out.append({"ph": "b", "ts": us(span.start), "args": span_args(span), **shared})
        out.append({"ph": "e", "ts": us(span.end), **shared})
    return out


def flows(names, spans):
    """From each cause to what it set going, across threads."""
    out = []
    for span in spans:
        cause = span.parent
        if cause is None or (cause.thread == span.thread and cause.kind != "hardware"):
            continue
        pid, tid = (CPUS, cause.cpu) if cause.kind == "hardware" else place(names, cause.thread)
        to_pid, to_tid = place(names, span.thread)
        shared = {"name": span.name, "cat": "cause", "id": f"{span.span_id:x}"}
        sent = span.taken if span.kind == "consumer" and span.taken else (cause.start if span.kind == "server"
                                                                          else span.start)
        out.append({"ph": "s", "pid": pid, "tid": tid, "ts": us(min(sent, span.start)), **shared})
        out.append({"ph": "f", "bp": "e", "pid": to_pid, "tid": to_tid, "ts": us(span.start), **shared})
    return out


def counters(recording):
    return [{"ph": "C", "name": f"CPU {metrics.cpu} {recording.counters.get(number, (f'counter {number}',))[0]}",
             "pid": CPUS, "ts": us(metrics.time), "args": {"value": value}}
            for metrics in recording.metrics for number, value in sorted(metrics.counters.items())]


def convert(recording, names, spans):
    cpus = timeline.slices(recording)
    threads = {piece.thread for pieces in cpus for piece in pieces if piece.thread}
    threads |= {span.thread for span in spans if span.thread}
    events = tracks(recording, names, threads) + running(names, cpus) + work(names, spans) + flows(names, spans)
    return {"displayTimeUnit": "ns", "traceEvents": events + counters(recording),
            "otherData": {"boot_id": f"{recording.boot_id:016x}", "lost": recording.lost,
                          "problems": recording.problems[:20]}}
