"""OpenTelemetry: spans and metrics in the JSON form of OTLP, of which otlp_wire.py makes protocol buffers.

Each process is a resource. Times are since boot, unless the time of the boot is given: the machine keeps no calendar.
"""

KINDS = {"client": 3, "server": 2, "consumer": 5, "hardware": 1, "thread": 1}
ERROR = 2
CUMULATIVE = 2
SCOPE = {"name": "ferrous", "version": "1"}


def attribute(name, value):
    if isinstance(value, bool):
        return {"key": name, "value": {"boolValue": value}}
    if isinstance(value, int) and value < 1 << 63:
        return {"key": name, "value": {"intValue": str(value)}}
    return {"key": name, "value": {"stringValue": f"{value:#x}" if isinstance(value, int) else value}}


def attributes(**values):
    return [attribute(name.replace("__", "."), value) for name, value in values.items()]


def ids(span):
    return {"traceId": f"{span.trace_id:032x}", "spanId": f"{span.span_id:016x}"}


def encode_span(span, names, boot_ns):
    given = {"thread__id": span.thread, "thread__name": names.thread(span.thread), "ferrous__cpu": span.cpu,
             "ferrous__kind": span.kind}
    if span.label:
        service, _, method = span.name.partition(".")
        given.update(rpc__system="ferrous", rpc__service=service, rpc__method=method,
                     ferrous__endpoint=span.endpoint, ferrous__badge=span.badge)
    if not span.complete:
        given["ferrous__incomplete"] = True
    out = {**ids(span), "name": span.name, "kind": KINDS[span.kind],
           "startTimeUnixNano": str(boot_ns + span.start), "endTimeUnixNano": str(boot_ns + span.end),
           "attributes": attributes(**given)}
    if span.parent:
        out["parentSpanId"] = f"{span.parent.span_id:016x}"
    if span.events:
        out["events"] = [{"timeUnixNano": str(boot_ns + event.time), "name": event.name,
                          "attributes": [attribute(name, names.value(event, name, value))
                                         for name, value in event.fields()]} for event in span.events]
    if span.links:
        out["links"] = [ids(link) for link in span.links]
    if span.status:
        out["status"] = {"message": span.status, "code": ERROR}
    return out


def resource(recording, name, pid):
    given = {"service__name": name, "host__id": f"{recording.boot_id:016x}", "os__type": "ferrous"}
    if pid:
        given["process__pid"] = pid
    return {"attributes": attributes(**given)}


def traces(recording, names, spans, boot_ns=0):
    by_process = {}
    for span in spans:
        by_process.setdefault(names.process_of_thread(span.thread), []).append(span)
    out = []
    for pid, own in sorted(by_process.items()):
        name = names.process(pid) if pid else "hardware" if all(not span.thread for span in own) else "unknown"
        out.append({"resource": resource(recording, name, pid),
                    "scopeSpans": [{"scope": SCOPE, "spans": [encode_span(span, names, boot_ns) for span in own]}]})
    return {"resourceSpans": out}


def newest(recording):
    """cpu -> its newest metrics."""
    found = {}
    for metrics in recording.metrics:
        if metrics.cpu not in found or metrics.time >= found[metrics.cpu].time:
            found[metrics.cpu] = metrics
    return found


def point(cpu, metrics, boot_ns):
    return {"startTimeUnixNano": str(boot_ns), "timeUnixNano": str(boot_ns + metrics.time),
            "attributes": attributes(cpu=cpu)}


def encode_counter(number, described, all_metrics, boot_ns):
    name, unit = described
    points = [{**point(metrics.cpu, metrics, boot_ns), "asInt": str(metrics.counters.get(number, 0))}
              for metrics in all_metrics]
    return {"name": f"ferrous.{name.lower()}", "unit": f"{{{unit}}}",
            "sum": {"dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": True}}


def encode_histogram(number, described, all_metrics, boot_ns):
    """Bucket n holds values of n + 1 bits: up to 2^(n + 1) - 1. The last bound is that of the last one in use."""
    name, unit = described
    points = []
    for metrics in all_metrics:
        buckets = metrics.histograms.get(number, {})
        top = max(buckets, default=0)
        counts = [buckets.get(index, 0) for index in range(top + 1)] + [0]
        points.append({**point(metrics.cpu, metrics, boot_ns), "count": str(sum(counts)),
                       "bucketCounts": [str(count) for count in counts],
                       "explicitBounds": [float((2 << index) - 1) for index in range(top + 1)]})
    return {"name": f"ferrous.{name.lower()}", "unit": unit,
            "histogram": {"dataPoints": points, "aggregationTemporality": CUMULATIVE}}


def metrics(recording, boot_ns=0):
    all_metrics = [found for _, found in sorted(newest(recording).items())]
    out = [encode_counter(number, described, all_metrics, boot_ns)
           for number, described in sorted(recording.counters.items())]
    out += [encode_histogram(number, described, all_metrics, boot_ns)
            for number, described in sorted(recording.histograms.items())]
    lost = [{"startTimeUnixNano": str(boot_ns), "timeUnixNano": str(boot_ns + recording.time),
             "asInt": str(recording.lost)}]
    out.append({"name": "ferrous.trace.lost", "unit": "{events}",
                "sum": {"dataPoints": lost, "aggregationTemporality": CUMULATIVE, "isMonotonic": True}})
    return {"resourceMetrics": [{"resource": resource(recording, "kernel", 0),
                                 "scopeMetrics": [{"scope": SCOPE, "metrics": out}]}]}
