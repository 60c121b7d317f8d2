"""What numbers of a recording are called: threads and processes, methods behind labels, statuses, system calls."""

import json
import os
import re

from tracing.stream import Process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INTERFACES = os.path.join(ROOT, "build/idl/interfaces/ferrous_interfaces.json")
KINDS = ("send", "call", "signal", "fault", "reply")
RECEIVES = ("receive", "reply_receive")


def definitions(path, macro):
    """number -> the other arguments, of a file of MACRO(number, NAME, ...) lines."""
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return {}
    found = re.findall(rf"^{macro}\((\d+), (\w+)(?:, \"([^\"]*)\")?", text, re.MULTILINE)
    return {int(number): (name, words) for number, name, words in found}


def letters(word):
    """The beginning of a name that was put into a word."""
    return word.to_bytes(8, "little").split(b"\0")[0].decode("latin-1")


class Names:
    def __init__(self, recording, interfaces=INTERFACES):
        self.methods = self._read_interfaces(interfaces)
        self.statuses = definitions("abi/status.def", "STATUS")
        self.syscalls = definitions("abi/syscalls.def", "SYSCALL")
        self.processes = dict(recording.processes)
        self.process_of = {}  # thread -> process id
        self.parents = {}  # process -> process that spawned it
        for event in recording.events:
            if event.name == "THREAD_STATE":
                self.process_of[event["thread"]] = event["process"]
            elif event.name == "PROCESS_SPAWN":
                self.parents[event["process"]] = event["parent"]
                self.processes.setdefault(event["process"], Process(event["process"], event["parent"],
                                                                    letters(event["name"])))

    @staticmethod
    def _read_interfaces(path):
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)["interfaces"]
            return {one["number"] << 16 | method["number"]: f"{one['name']}.{method['name']}"
                    for one in found for method in one["methods"]}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def process(self, number):
        known = self.processes.get(number)
        return known.name if known else f"process {number}"

    def process_of_thread(self, thread):
        """0: not known."""
        return self.process_of.get(thread, 0)

    def thread(self, thread):
        if thread == 0:
            return "nobody"
        process = self.process_of_thread(thread)
        return f"{self.process(process)}/{thread}" if process else f"thread {thread}"

    def label(self, label):
        """console.write; a label below the first interface is the status of a failure."""
        if label >> 16 == 0:
            return self.status(label)
        return self.methods.get(label, f"#{label >> 16}.{label & 0xFFFF}")

    def status(self, status):
        return self.statuses[status][0] if status in self.statuses else f"status {status}"

    def syscall(self, number):
        return self.syscalls[number][0] if number in self.syscalls else f"system call {number}"

    def value(self, event, name, value):
        """A word as people read it."""
        if name in ("label", "answer"):
            return self.label(value)
        if name == "status":
            return self.status(value)
        if name == "failed":
            return self.status(value) if value else "no"
        if name in ("thread", "server", "receiver", "to_thread", "from_thread"):
            return self.thread(value)
        if name == "process" or (name == "parent" and event.name == "PROCESS_SPAWN"):
            return f"{self.process(value)} ({value})"
        if name in ("number", "syscall") and event.type.category in ("SYSCALL", "SECURITY"):
            return self.syscall(value)
        if name == "kind" and value < len(KINDS):
            return KINDS[value]
        if name == "name":
            return letters(value)
        if name in ("address", "pc", "flags", "rights", "missing_rights", "bits", "port"):
            return f"{value:#x}"
        return str(value)

    def text(self, event):
        return " ".join([event.name] + [f"{name}={self.value(event, name, value)}"
                                        for name, value in event.fields()])
