"""Metrics in Prometheus' text format, version 0.0.4."""

from tracing import otlp


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def counter(name, about, samples):
    return [f"# HELP {name} {escape(about)}", f"# TYPE {name} counter"] + \
        [f"{name}{labels} {value}" for labels, value in samples]


def histogram(name, about, all_metrics, number):
    out = [f"# HELP {name} {escape(about)}", f"# TYPE {name} histogram"]
    for metrics in all_metrics:
        buckets = metrics.histograms.get(number, {})
        total = 0
        for index in range(max(buckets, default=-1) + 1):
            total += buckets.get(index, 0)
            out.append(f'{name}_bucket{{cpu="{metrics.cpu}",le="{(2 << index) - 1}"}} {total}')
        out.append(f'{name}_bucket{{cpu="{metrics.cpu}",le="+Inf"}} {total}')
        out.append(f'{name}_count{{cpu="{metrics.cpu}"}} {total}')
    return out


def text(recording, names):
    all_metrics = [found for _, found in sorted(otlp.newest(recording).items())]
    out = []
    for number, (name, unit) in sorted(recording.counters.items()):
        out += counter(f"ferrous_{name.lower()}_total", f"{unit} since boot",
                       [(f'{{cpu="{metrics.cpu}"}}', metrics.counters.get(number, 0)) for metrics in all_metrics])
    for number, (name, unit) in sorted(recording.histograms.items()):
        out += histogram(f"ferrous_{name.lower()}_{unit}", f"{unit}, by powers of two", all_metrics, number)
    out += counter("ferrous_trace_lost_total", "events lost to this recording", [("", recording.lost)])
    processes = sorted(recording.processes.values(), key=lambda process: process.id)
    out += counter("ferrous_process_cpu_seconds_total", "processor time",
                   [(f'{{pid="{process.id}",name="{escape(names.process(process.id))}"}}', process.cpu_ns / 1e9)
                    for process in processes])
    out += ["# HELP ferrous_process_memory_bytes mapped memory", "# TYPE ferrous_process_memory_bytes gauge"]
    out += [f'ferrous_process_memory_bytes{{pid="{process.id}",name="{escape(names.process(process.id))}"}} '
            f"{process.memory_bytes}" for process in processes]
    return "\n".join(out) + "\n"
