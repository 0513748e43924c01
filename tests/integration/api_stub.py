#!/usr/bin/env python3
"""A homenoded that only answers: documents from memory on a unix socket, and misbehaviour when asked for.

usage: api_stub.py SOCKET [STEPS-A-POLL] [FIRST-STEP]    serves the host of fixture_host.py, one more step a poll
"""

import contextlib
import http.server
import json
import os
import socketserver
import sys
import threading
import time

import fixture_host


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def do_GET(self):
        stub = self.server.stub
        stub.asked(self.path)
        if stub.hang.is_set():
            stub.unhang.wait(60)
            return
        status, body = stub.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        pass


class Stub:
    """documents: a function of the number of polls before, giving {path: document}."""

    def __init__(self, path, documents):
        self.path, self.documents = path, documents
        self.polls = -1
        self.hang, self.unhang = threading.Event(), threading.Event()
        self.bodies, self.server = {}, None

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.server = Server(self.path, Handler)
        self.server.stub = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.unhang.set()
        self.server.shutdown()
        self.server.server_close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def asked(self, path):
        if path == "/v1/host":
            self.polls += 1
            documents = self.documents(self.polls)
            guests = documents.get("/v1/guests")
            if isinstance(guests, dict):
                documents.update({f"/v1/guests/{report['guest']['name']}": report for report in guests["guests"]})
            self.bodies = {key: value if isinstance(value, bytes) else json.dumps(value).encode()
                           for key, value in documents.items()}

    def answer(self, path):
        if path in self.bodies:
            return 200, self.bodies[path]
        return 404, json.dumps({"title": "Not Found", "status": 404, "detail": f"there is no {path}"}).encode()


def main(path, steps="1", first="0"):
    stub = Stub(path, lambda poll: fixture_host.answers(int(first) + poll * int(steps)))
    stub.start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
