"""A way for a browser to homenoded's unix socket: a TCP port on loopback, as socat would open, or with made-up answers."""

import http.server
import json
import queue
import socket
import socketserver
import threading
import time
import urllib.parse

HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "date"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        front = self.server.front
        front.asked.append(self.path)
        if front.down.is_set():
            self.close_connection = True
        elif front.documents is None or not self.path.startswith("/v1/"):
            self.relay()
        elif self.path.startswith("/v1/events"):
            self.tell()
        else:
            document = front.documents.get(urllib.parse.unquote(self.path.split("?")[0]))
            self.answer(document(self.path) if callable(document) else document)

    do_POST = do_GET

    def answer(self, document):
        status = 200 if document is not None else 404
        if document is None:
            document = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": f"there is no {self.path}"}
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell(self):
        front, events = self.server.front, queue.Queue()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b": events follow\n\n")
        front.listeners.append(events)
        while (event := events.get()) is not None:
            self.wfile.write(event)
        self.close_connection = True

    def relay(self):
        """One request to the socket, its answer byte by byte until it ends."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(60)
            peer.connect(self.server.front.socket)
            headers = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items() if name.lower() not in HOP)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            peer.sendall(f"{self.command} {self.path} HTTP/1.1\r\n{headers}Content-Length: {len(body)}\r\n"
                         "Connection: close\r\n\r\n".encode() + body)
            while data := peer.recv(65536):
                self.wfile.write(data)
        self.close_connection = True


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        pass


class Front:
    """
    documents: {path: document, or a function of path and query} in place of the API's own, None for all from the socket;
    the page is always from there.
    """

    def __init__(self, path, documents=None):
        self.socket, self.documents = path, documents
        self.asked, self.listeners, self.number = [], [], 0
        self.down = threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.front = self
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def tell(self, kind, **data):
        self.number += 1
        data.setdefault("time_ns", time.time_ns())
        text = f"id: {self.number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()
        for events in self.listeners:
            events.put(text)

    def hang_up(self):
        for events in self.listeners:
            events.put(None)
        self.listeners.clear()

    def close(self):
        self.hang_up()
        self.server.shutdown()
        self.server.server_close()
