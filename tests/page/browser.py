"""A headless Chromium, driven by chromedriver's WebDriver over HTTP."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from harness import SLOWER, wait_for  # noqa: E402

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
MISSING = None if CHROMIUM and CHROMEDRIVER else "chromium and chromium-driver are not installed: tools/install-packages page"

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-GB")
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowDown": "\ue015", "ArrowUp": "\ue013",
        "ArrowLeft": "\ue012", "ArrowRight": "\ue014", "Home": "\ue011", "End": "\ue010", "Shift": "\ue008"}


class Browser:
    """One window. Scripts are run by the driver, which the page's own policy does not bind."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="homenode-page-")
        self.log = os.path.join(self.folder, "driver.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.driver = subprocess.Popen([CHROMEDRIVER, "--port=0"], stdout=log, stderr=log, start_new_session=True,
                                           env={**os.environ, "HOME": self.folder, "TMPDIR": self.folder})
        self.session = None
        try:
            self.port = int(wait_for("chromedriver listens", self.listening, 60))
            self.begin()
        except BaseException:
            self.close()
            raise

    def listening(self):
        with open(self.log, encoding="utf-8") as file:
            found = re.search(r"started successfully on port (\d+)", file.read())
        return found and found.group(1)

    def begin(self):
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={self.folder}/profile", "--window-size=1280,900"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = self.send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def send(self, method, path, body=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120 * SLOWER)) as connection:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        if answer.status != 200:
            raise AssertionError(f"{method} {path}: {value['message']}")
        return value

    def do(self, method, path, body=None):
        return self.send(method, f"/session/{self.session}{path}", body)

    def open(self, url):
        self.do("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function's body."""
        return self.do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector):
        """Of all elements that match, as they are in the document."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())", selector)

    def seen(self, selector):
        return self.run("const e = document.querySelector(arguments[0]); return !!e && e.checkVisibility()", selector)

    def focused(self):
        return self.run("return document.activeElement.textContent.trim() || document.activeElement.id")

    def wait_text(self, selector, wanted, limit=30):
        """Until some element that matches has that text in it."""
        wait_for(f"{selector!r} says {wanted!r}", lambda: any(wanted in text for text in self.text(selector)), limit)

    def press(self, *keys):
        actions = []
        for key in keys:
            held = [KEYS[part] if part in KEYS else part for part in key.split("+")]
            actions += [{"type": "keyDown", "value": value} for value in held]
            actions += [{"type": "keyUp", "value": value} for value in reversed(held)]
        self.do("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def devtools(self, command, **parameters):
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def scheme(self, name):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def resize(self, width, height=900):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def complaints(self):
        """What the console says since it was asked last: errors, and what the policy forbade."""
        return [entry["message"] for entry in self.do("POST", "/se/log", {"type": "browser"}) if entry["level"] != "INFO"]

    def shoot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.do("GET", "/screenshot")))

    def close(self):
        with contextlib.suppress(OSError, AssertionError, http.client.HTTPException):
            if self.session:
                self.do("DELETE", "")
        # chromium's processes are of the driver's session, if some are left
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.driver.pid, signal.SIGKILL)
        self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
