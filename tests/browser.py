"""Headless Chromium, driven as a person drives it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """Chromium over its debugging pipe: JSON messages ended by NUL, on file descriptors 3 and 4 of the child."""

    def __init__(self, profile):
        read_end, self.write = os.pipe()
        self.read, write_end = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        command = f'exec "$@" 3<&{read_end} 4>&{write_end}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "sh", CHROMIUM, *flags],
            pass_fds=(read_end, write_end),
            stderr=subprocess.DEVNULL,
        )
        os.close(read_end)
        os.close(write_end)
        self.number, self.buffer = 0, b""
        self.new_tab()

    def new_tab(self):
        """Leave the page as it is, also one that asks before it is left, and go on in another tab."""
        self.session, self.events = None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.read, 65536)
            assert chunk, "the browser went away"
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        self.events = []
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def open_without_scripts(self, url):
        self.open("about:blank")
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.events = []
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())
        self.call("Emulation.setScriptExecutionDisabled", value=False)

    def press(self, key, **more):
        """A key, as a person presses it."""
        for kind in ("keyDown", "keyUp"):
            text = key if kind == "keyDown" and len(key) == 1 else "\r" if (kind, key) == ("keyDown", "Enter") else ""
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text, **more)

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"still not: {condition}"
            time.sleep(0.03)

    def saved(self, button, folder):
        """Press a button that saves a file, and return the file once it is whole."""
        folder.mkdir(exist_ok=True)
        known = set(folder.iterdir())
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self.run(f"document.getElementById('{button}').click()")
        end = time.monotonic() + 20
        while not (new := {path for path in folder.iterdir() if path.suffix != ".crdownload"} - known):
            assert time.monotonic() < end, f"{button} saves nothing"
            time.sleep(0.05)
        (path,) = new
        return path

    def complaints(self):
        self.run("1")
        kinds = (
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        )
        return [event for event in self.events if event.get("method") in kinds]

    def requested(self):
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return {event["params"]["request"]["url"][:200].partition(",")[0] for event in sent}

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.read)
        os.close(self.write)
