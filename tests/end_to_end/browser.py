"""Headless Chromium over its debugging pipe (the DevTools protocol; JSON ended by a zero byte), standard library only."""
import json
import os
import shutil
import subprocess
import tempfile
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One page: `requests` (URLs asked for), `complaints` (console errors, warnings and exceptions), evaluate(). `first` is a
    script that runs before the page's own, `width` its width in pixels; one that `rests` does not load itself again."""

    def __init__(self, url, dark=False, first="", width=1280, rests=True):
        self.requests, self.complaints, self.loaded, self.replies, self.serial = [], [], False, {}, 0
        self.home = tempfile.mkdtemp(prefix="refframe-chromium-")
        to_read, to_write = os.pipe(), os.pipe()

        def wire():  # the browser reads commands from descriptor 3 and writes to 4
            copies = os.dup(to_write[0]), os.dup(to_read[1])
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        self.process = subprocess.Popen(
            [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-extensions", "--remote-debugging-pipe", f"--user-data-dir={self.home}", "about:blank"],
            preexec_fn=wire, pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_write[0])
        os.close(to_read[1])
        self.out, self.input, self.rest = to_write[1], to_read[0], b""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Runtime", "Log", "Page"):
            self.ask(f"{domain}.enable")
        if dark:
            self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=first)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Page.navigate", url=url)
        end = time.monotonic() + 60
        while not self.loaded and time.monotonic() < end:
            self.take()
        assert self.loaded, "the page did not load"
        if rests:
            self.evaluate("new Promise(done => setTimeout(done, 500))")

    session = None

    def take(self):
        """One message of the browser."""
        while b"\0" not in self.rest:
            piece = os.read(self.input, 1 << 20)
            assert piece, "the browser has ended"
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        if "id" in message:
            self.replies[message["id"]] = message
            return
        method, what = message["method"], message["params"]
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(what["exceptionDetails"].get("exception", {}).get("description", str(what)))
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(what["args"]))
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.complaints.append(what["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def ask(self, method, **what):
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": what}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while self.serial not in self.replies:
            self.take()
        reply = self.replies.pop(self.serial)
        assert "error" not in reply, reply
        return reply["result"]

    def evaluate(self, script):
        result = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key, code=0):
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def point(self, x, y, device="mouse"):
        """A click of the mouse, or a touch."""
        if device == "touch":
            self.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)

    def write(self, text):
        self.ask("Input.insertText", text=text)

    def resize(self, width, height, is_touched=False):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_touched)
        self.ask("Emulation.setTouchEmulationEnabled", enabled=is_touched)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.input)
        shutil.rmtree(self.home, ignore_errors=True)
