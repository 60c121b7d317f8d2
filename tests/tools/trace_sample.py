"""Writes recordings for tests: the format of abi/trace_stream.h once more, and a small story told in it."""

import struct
import zlib

U64 = (1 << 64) - 1
HEADER, TABLES, EVENTS, METRICS, PROCESSES, TRAILER = range(1, 7)
TABLE = """event 1 SYSCALL_EXIT SYSCALL number status object -
event 2 SYSCALL_BLOCK SYSCALL number object deadline_ns -
event 10 SCHED_SWITCH SCHED from_thread to_thread reason ran_ns
event 13 SCHED_IDLE SCHED slept_ns - - -
event 14 THREAD_STATE SCHED thread process state -
event 20 IPC_CALL IPC endpoint label badge server
event 21 IPC_SEND IPC endpoint label badge receiver
event 22 IPC_RECEIVE IPC endpoint label badge kind
event 23 IPC_REPLY IPC to_thread label failed -
event 24 IPC_SIGNAL IPC endpoint bits receiver -
event 25 IPC_FAILED IPC endpoint status thread -
event 26 IPC_ROUND IPC server:endpoint answer:label badge took_ns
event 45 PROCESS_SPAWN SECURITY process parent group name
event 50 INTERRUPT DEVICE number object - -
event 70 USER USER word0 word1 word2 word3
counter 0 SYSCALLS calls
counter 1 INTERRUPTS interrupts
histogram 0 RUN_DELAY cycles
"""
TYPES = {line.split()[2]: int(line.split()[1]) for line in TABLE.splitlines() if line.startswith("event")}
BOOT = 0x1122334455667788


def number(value):
    value &= U64
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def numbers(*values):
    return b"".join(number(value) for value in values)


def text(value):
    return number(len(value)) + value.encode()


def frame(kind, payload):
    return struct.pack("<IHHII", 0x4D525446, kind, 0, len(payload), zlib.crc32(payload)) + payload


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & U64
    return value


def header(cpus=2, version=1, table=TABLE):
    return frame(HEADER, numbers(version, BOOT, cpus, 4096, 0xFF, 1000, fnv(table.encode()), 2))


def tables(table=TABLE):
    return frame(TABLES, table.encode())


def events(cpu, following, given, lost=0, omitted=0):
    """`given`: (time, name or number, thread, trace, span, words...)"""
    out = [numbers(cpu, following, lost, omitted, len(given))]
    time = trace = 0
    for when, name, thread, of_trace, span, *words in given:
        words = words + [0] * (4 - len(words))
        kind = 0 if of_trace == trace else 1 if of_trace == 0 else 2
        tag = kind | sum(4 << i for i, word in enumerate(words) if word)
        step = when - time
        out += [number(TYPES.get(name, name)), bytes([tag]), number(step * 2 if step >= 0 else -step * 2 - 1),
                number(thread), of_trace.to_bytes(8, "little") if kind == 2 else b"", number(span)]
        out += [number(word) for word in words if word]
        time, trace = when, of_trace
    return frame(EVENTS, b"".join(out))


def metrics(time, cpu, counters, histograms=()):
    out = [numbers(time, cpu, len(counters))] + [numbers(*pair) for pair in counters.items()]
    out += [number(len(histograms))] + [numbers(*triple) for triple in histograms]
    return frame(METRICS, b"".join(out))


def processes(*given):
    out = [numbers(5000, len(given))]
    for pid, parent, name in given:
        out += [numbers(pid, parent), text(name), numbers(1, 4096, 7000)]
    return frame(PROCESSES, b"".join(out))


def trailer(totals):
    return frame(TRAILER, numbers(9000, len(totals)) + b"".join(numbers(*cpu) for cpu in totals))


LABEL = 1 << 16 | 1  # console.write


def story():
    """An interrupt wakes thread 5 (driver), which signals 6 (client). That calls 7 (server, on the other CPU, which is
    busy), and sends a message through a queue to 8. Then a call of its own trace fails."""
    trace = 0xAAAA
    first = [
        (2000, "INTERRUPT", 9, 0, 0, 4, 99), (2001, "IPC_SIGNAL", 9, 0, 0, 31, 1, 5),
        (2010, "SCHED_SWITCH", 9, 0, 0, 9, 5), (2020, "IPC_SIGNAL", 5, 0x55, 0, 32, 1, 6),
        (2030, "SCHED_SWITCH", 5, 0x55, 0, 5, 6), (2040, "IPC_CALL", 6, trace, 0, 33, LABEL, 2, 0),
        (2050, "SCHED_SWITCH", 6, trace, 0, 6, 9), (2090, "SCHED_SWITCH", 9, 0, 0, 9, 6),
        (2100, "IPC_SEND", 6, trace, 0, 34, LABEL, 3, 0), (2200, "IPC_CALL", 6, trace, 0, 33, LABEL, 2, 7)]
    second = [
        (2039, "IPC_RECEIVE", 7, trace, 1, 33, LABEL, 2, 1),  # before the call was written down
        (2060, "USER", 7, trace, 1, 1, 2, 3, 4), (2080, "IPC_REPLY", 7, trace, 1, 6, LABEL),
        (2110, "IPC_RECEIVE", 8, trace, 0, 34, LABEL, 3, 0), (2120, "USER", 8, 0x88, 0, 1),
        (2300, "IPC_FAILED", 7, 0, 0, 33, 17, 6)]
    return b"".join([
        header(), tables(), processes((1, 0, "init"), (2, 1, "driver"), (3, 1, "client"), (4, 1, 'a "server"\n')),
        events(0, 20, [(1000 + t, "THREAD_STATE", 9, 0, 0, t, p, 2) for t, p in ((5, 2), (6, 3), (7, 4), (8, 4))]),
        events(0, 30, first), events(1, 6, second), metrics(2400, 0, {0: 100, 1: 3}, [(0, 4, 2), (0, 6, 1)]),
        metrics(2400, 1, {0: 7}), trailer([(14, 0, 0), (6, 0, 0)])])
