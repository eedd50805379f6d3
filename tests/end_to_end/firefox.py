"""Headless Firefox over WebDriver BiDi (JSON in a WebSocket, RFC 6455), standard library only."""
import base64
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014",
        "ArrowDown": "\ue015"}  # WebDriver's names for them
PROGRAM = next(filter(None, map(shutil.which, ("firefox", "firefox-esr"))), None)


class Socket:
    """The client's end of a WebSocket: whole texts out and in."""

    def __init__(self, host, port, path):
        self.stream = socket.create_connection((host, port), timeout=120)
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.file = self.stream.makefile("rb")
        assert b" 101 " in self.file.readline()
        while self.file.readline().strip():
            pass

    def send(self, text, kind=1):
        data, mask = text.encode(), os.urandom(4)
        n = len(data)
        size = bytes([128 | n]) if n < 126 else struct.pack(">BH", 254, n) if n < 1 << 16 else struct.pack(">BQ", 255, n)
        masked = (int.from_bytes(data, "big") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "big")).to_bytes(n, "big")
        self.stream.sendall(bytes([128 | kind]) + size + mask + masked)

    def take(self):
        text = b""
        while True:
            first, size = self.file.read(2)
            size = struct.unpack(">H", self.file.read(2))[0] if size == 126 else struct.unpack(">Q", self.file.read(8))[0] if size == 127 else size
            data, kind = self.file.read(size), first & 15
            assert kind != 8, "the browser has ended"
            if kind > 8:  # a ping, which asks for a pong, or a pong
                if kind == 9:
                    self.send(data.decode(), 10)
                continue
            text += data
            if first & 128:
                return text.decode()

    def close(self):
        self.file.close()
        self.stream.close()


class Page:
    """One page, with what browser.Page has."""

    def __init__(self, url, width=1280, height=900):
        self.requests, self.complaints, self.replies, self.serial = [], [], {}, 0
        self.home = tempfile.mkdtemp(prefix="refframe-firefox-")
        self.process = subprocess.Popen([PROGRAM, "--headless", "--no-remote", "--profile", self.home, "--remote-debugging-port", "0", "about:blank"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        errors="replace", start_new_session=True, env=dict(os.environ, HOME=self.home))
        found = None
        while not found:
            line = self.process.stderr.readline()
            assert line, "the browser has ended"
            found = re.search(r"ws://([\d.]+):(\d+)", line)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()  # or its pipe would fill
        self.socket = Socket(found[1], int(found[2]), "/session")
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.context = self.ask("browsingContext.create", type="tab")["context"]  # the first one never has the focus
        self.resize(width, height)
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def resize(self, width, height, is_touched=False):
        self.ask("browsingContext.setViewport", context=self.context, viewport={"width": width, "height": height})

    def take(self):
        message = json.loads(self.socket.take())
        if message.get("method") == "network.beforeRequestSent":
            self.requests.append(message["params"]["request"]["url"])
        elif message.get("method") == "log.entryAdded" and message["params"]["level"] in ("warn", "error"):
            self.complaints.append(message["params"]["text"])
        elif message.get("id"):
            self.replies[message["id"]] = message

    def ask(self, method, **what):
        self.serial += 1
        self.socket.send(json.dumps({"id": self.serial, "method": method, "params": what}))
        while self.serial not in self.replies:
            self.take()
        reply = self.replies.pop(self.serial)
        assert reply["type"] == "success", reply
        return reply["result"]

    def evaluate(self, script):
        """What a script, or the promise that it is, comes to; by way of JSON."""
        answer = self.ask("script.evaluate", expression=f"Promise.resolve(eval({json.dumps(script)})).then(it => JSON.stringify(it) ?? 'null')",
                          target={"context": self.context}, awaitPromise=True)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def act(self, kind, *actions, **parameters):
        self.ask("input.performActions", context=self.context, actions=[{"type": kind, "id": kind + str(parameters), "actions": list(actions),
                                                                         **({"parameters": parameters} if parameters else {})}])

    def press(self, key, code=0):
        self.write(KEYS.get(key, key))

    def write(self, text):
        self.act("key", *({"type": kind, "value": each} for each in text for kind in ("keyDown", "keyUp")))

    def point(self, x, y, device="mouse"):
        """A click of the mouse, or a touch."""
        self.act("pointer", {"type": "pointerMove", "x": round(x), "y": round(y)}, {"type": "pointerDown", "button": 0},
                 {"type": "pointerUp", "button": 0}, pointerType=device)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        self.process.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)
