"""Drives a machine through its serial line: waits for the shell's prompt, types, collects what comes back."""

import json
import os
import re
import selectors
import socket
import subprocess
import time

from ferrous import machine as machines

PROMPT = "ferrous> "
PANIC = re.compile(r"^.*PANIC on CPU \d+:.*$", re.MULTILINE)
LOADER_ERROR = re.compile(r"^.*(?:ferrous loader: error: |ferrous: .*\brefused\b).*$", re.MULTILINE)
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>c]|\x1b\([A-Z0-9]")
LINGER_S = 3.0


class Stopped(Exception):
    """The machine ended, panicked or ran out of time before what was waited for came."""

    def __init__(self, reason, status):
        super().__init__(reason)
        self.reason = reason
        self.status = status


TIMED_OUT = 124
PANICKED = 101
ENDED = 102
REFUSED = 103  # the loader stopped with an error
FATAL = ((PANIC, PANICKED), (LOADER_ERROR, REFUSED))


def clean(text):
    """Printable text of what a terminal was sent."""
    text = ESCAPES.sub("", text).replace("\r\n", "\n")
    out = []
    for char in text:
        if char == "\b":
            if out and out[-1] != "\n":
                out.pop()
        elif char == "\n" or char == "\t" or char >= " ":
            out.append(char)
    return "".join(out)


class Console:
    """A running machine. Use as a context manager; leaving it ends the machine."""

    def __init__(self, machine, image, folder, timeout_s, watch=None):
        self.deadline = time.monotonic() + timeout_s
        self.raw = ""
        self.seen = 0
        self.watch = watch
        self.qmp_path = os.path.join(folder, "qmp.sock")
        self.command = machines.command(machine, image, "stdio", self.qmp_path)
        self.messages_path = os.path.join(folder, "qemu.log")  # what QEMU itself has to say
        self.process = None

    def __enter__(self):
        self.messages = open(self.messages_path, "wb")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.messages)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        return self

    def __exit__(self, *_):
        self.selector.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.messages.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def text(self):
        """All that was printed so far."""
        return clean(self.raw)

    def said_by_emulator(self):
        with open(self.messages_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def _read(self, limit_s):
        """Reads what there is, waiting at most until `limit_s`. False at the end of the output."""
        self.selector.select(max(0.0, min(limit_s - time.monotonic(), 0.5)))
        data = self.process.stdout.read()
        if data is None:
            return True
        if not data:
            return False
        chunk = data.decode("latin-1")
        self.raw += chunk
        if self.watch:
            self.watch(chunk)
        return True

    def wait_for(self, pattern, limit_s=None):
        """Reads until `pattern` (a compiled expression) is found in new output; returns the new text."""
        deadline = min(self.deadline, time.monotonic() + limit_s) if limit_s else self.deadline
        while True:
            fresh = clean(self.raw[self.seen:])
            match = pattern.search(fresh)
            if match:
                self.seen = len(self.raw)
                return fresh
            self._stop_at_fatal(fresh)
            if time.monotonic() >= deadline:
                raise Stopped("no answer within the time limit", TIMED_OUT)
            if not self._read(deadline):
                status = self.ended()
                raise Stopped(f"the machine ended (status {status})", status or ENDED)

    def _stop_at_fatal(self, fresh):
        for expression, status in FATAL:
            if expression.search(fresh):
                self.drain(LINGER_S)
                raise Stopped(expression.search(self.text()).group(0).strip(), status)

    def ended(self):
        """Waits for the emulator to be gone; returns the run's status."""
        self.process.wait()
        return machines.exit_status(self.process.returncode)

    def wait_for_prompt(self, limit_s=None):
        return self.wait_for(re.compile(r"(?:^|\n)" + re.escape(PROMPT) + r"$"), limit_s)

    def type(self, text):
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()

    def run(self, line, limit_s=None):
        """Types a command at the prompt; returns its output, without the echo and the next prompt."""
        self.seen = len(self.raw)
        self.type(line + "\r")
        text = self.wait_for_prompt(limit_s)
        _, _, output = text.partition("\n")
        return output[:output.rindex(PROMPT)]

    def drain(self, seconds):
        """Reads on for some time, for the end of a message."""
        limit = min(self.deadline, time.monotonic() + seconds)
        while time.monotonic() < limit and self._read(limit):
            pass

    def shut_down(self, line="shutdown", limit_s=30.0):
        """Types the command that powers off; returns the run's status."""
        self.type(line + "\r")
        limit = min(self.deadline, time.monotonic() + limit_s)
        while self._read(limit):
            if time.monotonic() >= limit:
                raise Stopped("the machine did not power off", TIMED_OUT)
        return self.ended()

    def screenshot(self, path):
        """Writes what the screen shows as a PNG file."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(self.qmp_path)
            stream = connection.makefile("rw")
            stream.readline()
            for request in ({"execute": "qmp_capabilities"},
                            {"execute": "screendump",
                             "arguments": {"filename": os.path.abspath(path), "format": "png"}}):
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                while True:
                    answer = json.loads(stream.readline())
                    if "error" in answer:
                        raise Stopped(f"screenshot: {answer['error']['desc']}", ENDED)
                    if "return" in answer:
                        break
