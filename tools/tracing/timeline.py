"""Who ran on which CPU, and when: slices, from the events of scheduling.

A switch that the run queue decides is an event; that of a call or a reply to a thread that waits for it is not, and
shows in what is written next on that CPU: each event bears the thread that ran when it was written.
"""

from dataclasses import dataclass

from tracing.stream import in_parts


@dataclass
class Slice:
    cpu: int
    thread: int  # 0: idle
    start: int
    end: int


# May be written under the name of who ran before: while nobody runs, or after a call has given the CPU to its server.
UNDER_ANOTHER = ("INTERRUPT", "TIMER_FIRED", "SCHED_WAKE", "SCHED_MIGRATE", "IPC_SIGNAL", "SYSCALL_BLOCK")


class Cpu:
    def __init__(self, number):
        self.number = number
        self.thread = None  # None: not known yet
        self.since = 0
        self.last = 0
        self.slices = []

    def come(self, thread, time):
        """From `time` on another thread runs."""
        if thread == self.thread:
            return
        if self.thread is not None and time > self.since:
            self.slices.append(Slice(self.number, self.thread, self.since, time))
        self.thread, self.since = thread, max(time, self.since)

    def see(self, event):
        if event.name == "SCHED_IDLE":
            # Written when the idle time is over: from its begin to here nobody ran.
            self.come(0, max(event.time - event["slept_ns"], self.since))
            self.last = event.time
            return
        if event.name in UNDER_ANOTHER:
            pass
        elif event.name == "SCHED_SWITCH":
            self.come(event["to_thread"], event.time)
        else:
            if event.thread and event.thread != self.thread:
                self.come(event.thread, self.last if self.last > self.since else event.time)
            if event.name == "IPC_CALL" and event["server"]:
                self.come(event["server"], event.time)
        self.last = event.time


def slices(recording):
    """By CPU, in the order of time."""
    cpus = [Cpu(number) for number in range(recording.cpu_count)]
    for event in in_parts(recording.events):
        cpus[event.cpu].see(event)
    end = recording.events[-1].time if recording.events else 0
    for cpu in cpus:
        if cpu.thread is not None and end > cpu.since:
            cpu.slices.append(Slice(cpu.number, cpu.thread, cpu.since, end))
    return [cpu.slices for cpu in cpus]


def by_thread(slices_of_cpus):
    """thread -> its slices, in the order of time; without idle time."""
    found = {}
    for one in slices_of_cpus:
        for piece in one:
            if piece.thread:
                found.setdefault(piece.thread, []).append(piece)
    for pieces in found.values():
        pieces.sort(key=lambda piece: piece.start)
    return found
