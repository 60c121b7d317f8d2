"""A headless Chromium without a network, driven over its debugging pipe (messages are JSON, ended by a zero byte)."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

LIMIT_S = 60.0
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
           "--remote-debugging-pipe", "--window-size=1400,1000")


class Refused(Exception):
    """The browser, or the page's script, says that something went wrong."""


class Page:
    """An open page. Use as a context manager."""

    def __init__(self, url):
        self.url = url
        self.number = 0
        self.read = b""
        self.errors = []  # exceptions that nobody caught

    def __enter__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise Refused("chromium is not installed")
        self.folder = tempfile.mkdtemp(prefix="ferrous-")
        from_us, self.out = os.pipe()
        self.into, to_us = os.pipe()
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{from_us} 4>&{to_us}', "sh", program, *OPTIONS,
             f"--user-data-dir={self.folder}"],
            pass_fds=(from_us, to_us), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(from_us)
        os.close(to_us)
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Runtime.enable")
        self.ask("Page.navigate", url=self.url)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.into)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _message(self, until):
        while b"\0" not in self.read:
            ready, _, _ = select.select([self.into], [], [], max(until - time.monotonic(), 0))
            part = os.read(self.into, 1 << 16) if ready else b""
            if not part:
                raise Refused("no answer from the browser")
            self.read += part
        message, _, self.read = self.read.partition(b"\0")
        return json.loads(message)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + LIMIT_S
        while True:
            answer = self._message(until)
            if answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(answer["params"]["exceptionDetails"].get("exception", {}).get("description")))
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Refused(answer["error"]["message"])
                return answer["result"]

    def value(self, expression):
        """What the page's script says that this is."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Refused(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def wait_for(self, expression):
        until = time.monotonic() + LIMIT_S
        while not self.value(expression):
            if time.monotonic() > until or self.errors:
                raise Refused(f"{expression} never came true; {self.errors}")
            time.sleep(0.05)

    def click(self, place):
        """With the mouse, on the middle of what the selector `place` finds."""
        self.value(f"document.querySelector({json.dumps(place)}).scrollIntoView({{block: 'center'}})")
        box = self.value(f"(() => {{ const box = document.querySelector({json.dumps(place)}).getBoundingClientRect();"
                         "return [box.x + box.width / 2, box.y + box.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def wheel(self, place, delta):
        box = self.value(f"(() => {{ const box = document.querySelector({json.dumps(place)}).getBoundingClientRect();"
                         "return [box.x + box.width / 2, box.y + 60]; })()")
        self.ask("Input.dispatchMouseEvent", type="mouseWheel", x=box[0], y=box[1], deltaX=0, deltaY=delta)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def screenshot(self, path):
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
