"""Requests that make no sense, as bytes: known kinds, and sensible ones with bytes of them changed."""

WISH = b'{"name": "web", "vcpus": 2, "memory_bytes": 33554432, "more": 3}'
KNOWN = [
    b"\r\n\r\n\r\n", b"\0" * 64, b"GET", b"GET /v1/host", b"GET /v1/host HTTP/9.9\r\n\r\n", b"BREW /v1/guests HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET " + b"/" * 20000 + b" HTTP/1.1\r\n\r\n", b"GET /v1/guests/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/guests/%ZZ/history?since=-1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/host HTTP/1.1\r\n" + b"X: " + b"y" * 20000 + b"\r\n\r\n", b"GET /v1/host HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
    b"POST /v1/placements HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{", b"POST /v1/placements HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}{}",
    b"POST /v1/plans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" + b"[" * 2000,
    b"POST /v1/guests/real-0/window HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\n\r\n{\"seconds\": 1e999999} ",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x7f" * 200,
]
SENSIBLE = [
    b"GET /v1/guests HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /v1/guests/real-0/history?since=60&kind=samples&limit=10 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/events?since=1 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 7\r\n\r\n",
    b"POST /v1/placements HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(WISH), WISH),
    b"POST /v1/guests/real-0/rebalance HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{\"dry_run\": true}",
    b"POST /v1/numad?vcpus=2&memory_mib=64 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
]


def draw(chance):
    """One request."""
    if chance.random() < 0.5:
        return chance.choice(KNOWN)
    text = bytearray(chance.choice(SENSIBLE))
    for _ in range(chance.randint(1, 6)):
        at, what = chance.randrange(len(text) + 1), chance.randrange(4)
        if what == 0:
            text[at : at + 1] = bytes([chance.randrange(256)])
        elif what == 1:
            del text[at : at + chance.randint(1, 20)]
        elif what == 2:
            text[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
        else:
            text[at:at] = text[: chance.randrange(len(text) + 1)][-40:]
    return bytes(text)
