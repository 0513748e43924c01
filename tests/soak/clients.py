"""Clients of the API that behave badly: who listens and does not read, who begins a request and does not end it, who says
what nobody understands. What they hold open is counted."""

import contextlib
import os
import shutil
import signal
import time

import malformed
from scene import Broken

MOST = 24  # connections held at a time


class Clients:
    def __init__(self, host, chance):
        self.host, self.chance, self.held = host, chance, []

    def table(self):
        return {"hanging-listener": (3, self.hanging_listener), "half-a-request": (3, self.half_a_request),
                "who-does-not-read": (2, self.who_does_not_read), "hang-up": (2, self.hang_up),
                "malformed": (8, self.malformed_request), "tls": (2, self.over_tls), "reload": (2, self.reload)}

    def prune(self):
        """How many are still open: homenoded hangs up on some by and by."""
        for one in self.held[:]:
            try:
                if one.recv(1) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                continue
            except OSError:
                self.held.remove(one)
                one.close()
        return len(self.held)

    def hold(self, first):
        while len(self.held) >= MOST:
            self.held.pop(0).close()
        one = self.host.connect()
        one.sendall(first)
        one.setblocking(False)
        self.held.append(one)

    def hanging_listener(self):
        """Events follow, and nobody reads them but byte by byte."""
        self.hold(b"GET /v1/events%s HTTP/1.1\r\nHost: x\r\n\r\n" % self.chance.choice((b"", b"?since=0")))

    def half_a_request(self):
        text = self.chance.choice(malformed.SENSIBLE)
        self.hold(text[: self.chance.randrange(len(text))])

    def who_does_not_read(self):
        with contextlib.suppress(OSError):
            self.hold(b"GET /v1/snapshot HTTP/1.1\r\nHost: x\r\n\r\n" * self.chance.randint(1, 40))

    def hang_up(self):
        for one in self.held[: self.chance.randint(0, len(self.held))]:
            self.held.remove(one)
            one.close()

    def malformed_request(self):
        answer = b""
        with contextlib.suppress(OSError), self.host.connect() as one:
            one.settimeout(0.5)
            one.sendall(malformed.draw(self.chance))
            answer = one.recv(4096)
        if answer.startswith((b"HTTP/1.1 500", b"HTTP/1.0 500")):
            raise Broken(f"a malformed request is answered: {answer[:400]!r}")

    def over_tls(self):
        if self.host.ask_over_tls("/v1/host") != 200:
            self.host.look_alive()
            raise Broken("GET /v1/host over TLS is not answered 200")

    def reload(self):
        """Certificates are read again: the same, or none that are any good, when those in force have to stay."""
        certificate = self.host.server[0]
        is_bad = self.chance.random() < 0.5
        if is_bad:
            shutil.copy(certificate, certificate + ".good")
            with open(certificate, "r+b") as file:
                file.truncate(self.chance.randrange(os.path.getsize(certificate) // 2))
        self.host.daemon.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.over_tls()
        if is_bad:
            os.replace(certificate + ".good", certificate)
            self.host.daemon.send_signal(signal.SIGHUP)

    def close(self):
        for one in self.held:
            one.close()
        self.held.clear()
