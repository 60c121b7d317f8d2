#!/usr/bin/env python3
"""Reads a CTF trace with babeltrace2's bindings and prints its events as JSON. Run by the system's Python, whose
package python3-bt2 is: read_ctf.py FOLDER."""

import json
import sys

import bt2


def main(folder):
    events, discarded = [], 0
    for message in bt2.TraceCollectionMessageIterator(folder):
        if isinstance(message, bt2._DiscardedEventsMessageConst):
            discarded += message.count or 0
        if not isinstance(message, bt2._EventMessageConst):
            continue
        event = message.event
        fields = {name: str(value) if name == "method" else int(value) for name, value in event.payload_field.items()}
        context = event.common_context_field
        events.append([event.name, message.default_clock_snapshot.value, int(event.packet.context_field["cpu_id"]),
                       int(context["thread"]), int(context["trace"]), int(context["span"]), str(context["procname"]),
                       fields])
    json.dump({"events": events, "discarded": discarded}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
