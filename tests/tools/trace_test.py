#!/usr/bin/env python3
"""tools/trace: streams that are whole, cut, damaged and hostile; spans; each format."""

import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests/tools")]
sys.dont_write_bytecode = True

import trace_sample as sample  # noqa: E402
from tracing import (chrome, ctf, names as naming, otlp, otlp_wire, page, prometheus, requests, spans, stream,  # noqa
                     timeline)


def everything(data):
    """All that the tool makes of a stream: must never raise."""
    for recording in stream.read(data):
        names = naming.Names(recording)
        built = spans.build(recording, names)
        ctf.metadata(recording)
        for cpu in range(recording.cpu_count):
            ctf.stream(recording, names, cpu)
        json.dumps(chrome.convert(recording, names, built))
        otlp_wire.encode("TracesData", otlp.traces(recording, names, built))
        otlp_wire.encode("MetricsData", otlp.metrics(recording))
        prometheus.text(recording, names)
        page.html(recording, names, built)
        [names.text(event) for event in recording.events]


class Streams(unittest.TestCase):
    def setUp(self):
        self.data = sample.story()

    def test_a_whole_one_is_read_exactly(self):
        recordings = stream.read(self.data)
        self.assertEqual(len(recordings), 1)
        one = recordings[0]
        self.assertEqual(one.problems, [])
        self.assertEqual((one.boot_id, one.cpu_count, one.mode), (sample.BOOT, 2, 2))
        self.assertEqual(len(one.events), 20)
        self.assertEqual([event.time for event in one.events], sorted(event.time for event in one.events))
        call = next(event for event in one.events if event.name == "IPC_CALL")
        self.assertEqual((call.thread, call.trace, call["endpoint"], call["badge"]), (6, 0xAAAA, 33, 2))
        self.assertEqual(one.metrics[0].histograms, {0: {4: 2, 6: 1}})
        self.assertEqual(one.processes[4].name, 'a "server"\n')

    def test_several_and_what_stands_before_them(self):
        recordings = stream.read(b"\x1b[2J firmware" + self.data + self.data)
        self.assertEqual([len(one.events) for one in recordings], [20, 20])
        self.assertEqual([one.problems for one in recordings], [[], []])

    def test_every_cut_is_told(self):
        for size in range(0, len(self.data) - 1):
            recordings = stream.read(self.data[:size])
            for one in recordings:
                self.assertTrue(one.problems, size)
            everything(self.data[:size])

    def test_every_damaged_byte_is_found_or_is_before_the_header(self):
        for at in range(len(self.data)):
            data = bytearray(self.data)
            data[at] ^= 0x41
            recordings = stream.read(bytes(data))
            self.assertTrue(any(one.problems for one in recordings) or not recordings, at)
        everything(bytes(data))

    def test_lost_and_left_out_are_counted(self):
        data = (sample.header(1) + sample.tables() + sample.events(0, 10, [(5, "USER", 1, 0, 0, 1)]) +
                sample.events(0, 20, [(9, "USER", 1, 0, 0, 1)], lost=6, omitted=3) + sample.trailer([(2, 6, 3)]))
        one = stream.read(data)[0]
        self.assertEqual((one.problems, one.lost, one.omitted), ([], 6, 3))
        missing = data.replace(sample.events(0, 20, [(9, "USER", 1, 0, 0, 1)], lost=6, omitted=3),
                               sample.events(0, 25, [(9, "USER", 1, 0, 0, 1)], lost=6, omitted=3))
        self.assertIn("are missing", " ".join(stream.read(missing)[0].problems))

    def test_other_versions_and_tables_are_refused(self):
        self.assertEqual(stream.read(sample.header(version=9)), [])
        one = stream.read(sample.header() + sample.tables(sample.TABLE.replace("badge", "budge")))[0]
        self.assertIn("tables are not those", " ".join(one.problems))

    def test_hostile_frames(self):
        big = (1 << 64) - 1
        bodies = [b"", b"\xff" * 12, sample.numbers(0, 1 << 40, 0, 0, 1 << 40), sample.numbers(99, 1, 0, 0, 0),
                  sample.numbers(0, 5, 0, 0, 3) + b"\x00", sample.number(1 << 16) * 3]
        for kind in range(0, 9):
            for body in bodies:
                everything(sample.header() + sample.tables() + sample.frame(kind, body))
        table = ("event 20 IPC_CALL IPC - - - -\nevent 24 IPC_x; y IPC a b c d\nevent 3 A B a a - -\n"
                 "event 99999 A B a b c d\n")
        wide = [(big, "IPC_CALL", big, big, big, big, big, big, big), (0, 22, big, 0, big, 1, 1, 1, 1),
                (big, 24, big, 0, 0), (1, 5000, 1, 1, 1)]
        everything(sample.header(table=table) + sample.tables(table) + sample.events(0, big, wide))
        everything(sample.header() + sample.tables() + sample.events(0, big, wide) +
                   sample.metrics(big, 1, {0: big, big: big}, [(0, 63, big), (big, 0, 1)]) +
                   sample.processes((big, big, "\0\n\"\\")) + sample.trailer([(big, big, big)]))

    def test_random_damage(self):
        source = random.Random(7)
        for _ in range(400):
            data = bytearray(self.data)
            for _ in range(source.randrange(1, 6)):
                at = source.randrange(len(data))
                if source.random() < 0.5:
                    data[at] = source.randrange(256)
                else:
                    del data[at:at + source.randrange(1, 40)]
            everything(bytes(data))
        for _ in range(400):  # payloads that are wrong behind a checksum that is right
            body = bytes(source.randrange(256) for _ in range(source.randrange(60)))
            everything(sample.header() + sample.tables() + sample.frame(source.randrange(8), body))


class Told(unittest.TestCase):
    """The story of trace_sample, rebuilt."""

    def setUp(self):
        self.recording = stream.read(sample.story())[0]
        self.names = naming.Names(self.recording)
        self.spans = spans.build(self.recording, self.names)

    def chain(self, span):
        out = []
        while span:
            out.append((span.kind, span.thread))
            span = span.parent
        return out

    def one(self, kind, thread, **more):
        found = [span for span in self.spans if (span.kind, span.thread) == (kind, thread) and
                 all(getattr(span, name) == value for name, value in more.items())]
        self.assertEqual(len(found), 1, [(span.kind, span.thread, span.start) for span in self.spans])
        return found[0]

    def test_a_call_leads_back_to_the_interrupt(self):
        server = self.one("server", 7, end=2080)
        self.assertEqual(self.chain(server), [("server", 7), ("client", 6), ("consumer", 6), ("consumer", 5),
                                              ("hardware", 0)])
        self.assertEqual((server.parent.start, server.parent.end), (2040, 2080))
        self.assertEqual([event.name for event in server.events], ["USER"])

    def test_a_queued_message_leads_back_too(self):
        self.assertEqual(self.chain(self.one("consumer", 8))[1:], [("consumer", 6), ("consumer", 5), ("hardware", 0)])
        self.assertEqual(self.one("consumer", 8).taken, 2100)

    def test_a_failed_call_has_its_status(self):
        client = self.one("client", 6, end=2300)
        self.assertEqual(client.status, "SERVER_DIED")
        self.assertEqual(client.children[0].status, "SERVER_DIED")

    def test_one_trace_and_ids_of_their_own(self):
        traces = {span.trace_id for span in self.spans if span.thread in (5, 6, 7, 8) and span.parent}
        self.assertEqual(len(traces), 1)
        self.assertEqual(len({span.span_id for span in self.spans}), len(self.spans))
        self.assertEqual(traces.pop() >> 64, sample.BOOT)

    def test_queued_messages_of_two_senders_do_not_merge(self):
        a, b = (0xA, 11), (0xB, 12)
        data = [(10, "IPC_SEND", a[1], a[0], 0, 40, sample.LABEL, 0, 0),
                (11, "IPC_SEND", b[1], b[0], 0, 40, sample.LABEL),
                # Taken in the other order.
                (20, "IPC_RECEIVE", 13, b[0], 0, 40, sample.LABEL, 0, 0), (21, "USER", 13, 1, 0, 1),
                (30, "IPC_RECEIVE", 13, a[0], 0, 40, sample.LABEL, 0, 0), (31, "USER", 13, 1, 0, 2)]
        recording = stream.read(sample.header(1) + sample.tables() + sample.events(0, 6, data))[0]
        built = spans.build(recording, naming.Names(recording))
        consumers = [span for span in built if span.kind == "consumer"]
        self.assertEqual([span.parent.thread for span in consumers], [12, 11])
        self.assertEqual([span.events[0].words[0] for span in consumers], [1, 2])
        self.assertEqual(len({span.trace_id for span in built}), 2)

    def test_slices(self):
        first, _ = timeline.slices(self.recording)
        self.assertEqual([(piece.thread, piece.start) for piece in first if piece.start >= 2010],
                         [(5, 2010), (6, 2030), (9, 2050), (6, 2090), (7, 2200)])

    def test_a_call_hands_the_cpu_to_its_server(self):
        data = [(10, "SCHED_SWITCH", 0, 0, 0, 0, 6), (20, "IPC_CALL", 6, 1, 0, 33, sample.LABEL, 0, 7),
                (21, "SYSCALL_BLOCK", 6, 1, 0, 3), (30, "USER", 7, 1, 1, 1),
                (40, "IPC_REPLY", 7, 1, 1, 6, sample.LABEL),
                (41, "SYSCALL_BLOCK", 7, 1, 1, 5), (50, "USER", 6, 1, 0, 1)]
        recording = stream.read(sample.header(1) + sample.tables() + sample.events(0, 7, data))[0]
        self.assertEqual([(piece.thread, piece.start, piece.end) for piece in timeline.slices(recording)[0]],
                         [(6, 10, 20), (7, 20, 41), (6, 41, 50)])

    def test_a_round_is_its_two_parts(self):
        def story(*called):
            data = sorted([(10, "SCHED_SWITCH", 0, 0, 0, 0, 6), (30, "USER", 7, 1, 1, 1), (50, "USER", 6, 1, 0, 1)] +
                          list(called))
            recording = stream.read(sample.header(1) + sample.tables() + sample.events(0, len(data), data))[0]
            self.assertEqual(recording.problems[1:], [])
            built = spans.build(recording, naming.Names(recording))
            return ([(span.kind, span.thread, span.start, span.end, span.status, span.endpoint, span.label, span.badge,
                      span.complete, len(span.events)) for span in built],
                    [(piece.thread, piece.start, piece.end) for piece in timeline.slices(recording)[0]])
        answer = 1 << 16 | 2
        parts = story((20, "IPC_CALL", 6, 1, 0, 33, sample.LABEL, 5, 7), (40, "IPC_REPLY", 7, 1, 1, 6, answer))
        self.assertEqual(story((40, "IPC_ROUND", 6, 1, 0, 7 << 32 | 33, answer << 32 | sample.LABEL, 5, 20)), parts)
        self.assertIn(("client", 6, 20, 40, "", 33, sample.LABEL, 5, True, 0), parts[0])
        # A nested call, whose event comes first, and one that failed.
        nested, _ = story((35, "IPC_ROUND", 7, 1, 1, 8 << 32 | 34, answer << 32 | sample.LABEL, 0, 3),
                          (40, "IPC_ROUND", 6, 1, 0, 7 << 32 | 33, 17 << 32 | sample.LABEL, 5, 20))
        self.assertEqual([span[:5] for span in nested if span[0] == "client"],
                         [("client", 6, 20, 40, "SERVER_DIED"), ("client", 7, 32, 35, "")])

    def test_where_the_time_of_a_request_went(self):
        data = [(10, "SCHED_SWITCH", 0, 0, 0, 0, 6), (20, "IPC_CALL", 6, 1, 0, 33, sample.LABEL, 0, 0),
                (25, "SCHED_SWITCH", 6, 1, 0, 6, 7), (30, "IPC_RECEIVE", 7, 1, 1, 33, sample.LABEL, 0, 1),
                (40, "IPC_CALL", 7, 1, 1, 34, 5 << 16, 0, 8), (55, "IPC_REPLY", 8, 1, 2, 7, 5 << 16),
                (60, "SCHED_SWITCH", 8, 1, 0, 8, 9), (70, "SCHED_SWITCH", 9, 0, 0, 9, 7),
                (80, "IPC_REPLY", 7, 1, 1, 6, sample.LABEL)]
        recording = stream.read(sample.header(1) + sample.tables() + sample.events(0, 9, data))[0]
        names = naming.Names(recording)
        built = spans.build(recording, names)
        found, count = requests.slowest(built, timeline.by_thread(timeline.slices(recording)))
        self.assertEqual(count, 1)
        self.assertEqual([(part.what, part.thread, part.call, part.start, part.end) for part in found[0].stretches],
                         [(requests.QUEUED, 7, "console.write", 20, 30), (requests.RUNNING, 7, "console.write", 30, 40),
                          (requests.RUNNING, 8, "#5.0", 40, 55), (requests.NOT_RUNNING, 7, "console.write", 55, 70),
                          (requests.RUNNING, 7, "console.write", 70, 80)])
        self.assertEqual(sum(part.end - part.start for part in found[0].stretches), found[0].span.duration)

    def test_the_page_has_everything_in_it(self):
        made = page.html(self.recording, self.names, self.spans)
        self.assertNotIn("http", made.replace("http://www.w3.org", ""))
        self.assertNotIn("src=", made)
        self.assertIn("console", made)
        self.recording.processes[4].name = "</script><script>alert(1)"
        hostile = page.html(self.recording, naming.Names(self.recording), self.spans)
        self.assertEqual(hostile.count("<script>"), 1)

    def test_chrome(self):
        made = json.loads(json.dumps(chrome.convert(self.recording, self.names, self.spans)))["traceEvents"]
        begun = [event["id"] for event in made if event["ph"] == "b"]
        self.assertEqual(sorted(begun), sorted(event["id"] for event in made if event["ph"] == "e"))
        starts = {event["id"]: event for event in made if event["ph"] == "s"}
        ends = {event["id"]: event for event in made if event["ph"] == "f"}
        self.assertEqual(set(starts), set(ends))
        self.assertEqual(len(starts), 5)
        for key, start in starts.items():
            self.assertLessEqual(start["ts"], ends[key]["ts"])
        self.assertTrue(any(event["ph"] == "C" and event["args"]["value"] == 100 for event in made))
        threads = {event["args"]["name"] for event in made if event["name"] == "thread_name"}
        self.assertLessEqual({"driver/5", "client/6", 'a "server"\n/7', "CPU 0"}, threads)

    def test_prometheus(self):
        text = prometheus.text(self.recording, self.names)
        self.assertIn('ferrous_syscalls_total{cpu="0"} 100\n', text)
        self.assertIn('ferrous_run_delay_cycles_bucket{cpu="0",le="31"} 2\n', text)
        self.assertIn('ferrous_run_delay_cycles_bucket{cpu="0",le="127"} 3\n', text)
        self.assertIn('ferrous_run_delay_cycles_bucket{cpu="0",le="+Inf"} 3\n', text)
        self.assertIn('name="a \\"server\\"\\n"', text)

    def test_ctf_counts_what_was_lost(self):
        data = (sample.header(1) + sample.tables() + sample.events(0, 10, [(5, "USER", 1, 0, 0, 1)]) +
                sample.events(0, 20, [(9, "USER", 1, 0, 0, 1)], lost=9))
        recording = stream.read(data)[0]
        packed = ctf.stream(recording, naming.Names(recording), 0)
        size = ctf.PACKET_HEADER.size + ctf.PACKET_CONTEXT.size
        first = ctf.PACKET_CONTEXT.unpack_from(packed, ctf.PACKET_HEADER.size)
        second = ctf.PACKET_CONTEXT.unpack_from(packed, first[3] // 8 + ctf.PACKET_HEADER.size)
        self.assertEqual((first[4], second[4]), (0, 9))
        self.assertEqual(first[3] // 8 + second[3] // 8, len(packed))
        self.assertGreater(len(packed), 2 * size)


class Wire(unittest.TestCase):
    """Against bytes that were worked out by hand from the encoding's description."""

    def test_fields(self):
        self.assertEqual(otlp_wire.encode("KeyValue", {"key": "a", "value": {"intValue": "300"}}),
                         bytes.fromhex("0a0161 1203 18ac02"))
        self.assertEqual(otlp_wire.encode("AnyValue", {"boolValue": True}), bytes.fromhex("1001"))
        self.assertEqual(otlp_wire.encode("AnyValue", {"intValue": "-1"}), b"\x18" + b"\xff" * 9 + b"\x01")
        self.assertEqual(otlp_wire.encode("Link", {"traceId": "00" * 15 + "01", "spanId": "ff" * 8}),
                         b"\x0a\x10" + bytes(15) + b"\x01\x12\x08" + b"\xff" * 8)
        self.assertEqual(otlp_wire.encode("HistogramDataPoint", {"bucketCounts": ["1", "2"], "explicitBounds": [1.0]}),
                         b"\x32\x10" + struct.pack("<QQ", 1, 2) + b"\x3a\x08" + struct.pack("<d", 1.0))
        self.assertEqual(otlp_wire.encode("NumberDataPoint", {"asInt": "5"}), b"\x31" + struct.pack("<q", 5))


class Commands(unittest.TestCase):
    """tools/trace as people call it."""

    def call(self, *arguments):
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools/trace"), *arguments], capture_output=True,
                              text=True, check=False)

    def test_refusals_have_no_traceback(self):
        with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
            path = os.path.join(folder, "recording")
            for data in (b"", b"nothing", sample.story()[:40], sample.header()):
                with open(path, "wb") as file:
                    file.write(data)
                for arguments in (["info", path], ["chrome", path], ["otlp", path, "/nowhere/at/all"],
                                  ["info", path + "x"], ["text", path, "--recording", "7"]):
                    done = self.call(*arguments)
                    self.assertNotIn("Traceback", done.stderr)
                    self.assertTrue(done.returncode != 0, (data[:10], arguments))

    def test_info_and_text(self):
        with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
            path = os.path.join(folder, "recording")
            with open(path, "wb") as file:
                file.write(sample.story())
            done = self.call("info", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("20 events, 0 lost", done.stdout)
            self.assertIn("IPC_CALL endpoint=33 label=", self.call("text", path).stdout)


if __name__ == "__main__":
    with redirect_stderr(io.StringIO()) if "--quiet" in sys.argv else redirect_stderr(sys.stderr):
        unittest.main()
