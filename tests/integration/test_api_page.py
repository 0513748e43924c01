"""The page's files as homenoded serves them, without a browser: headers, tags, and what is not served."""

import os
import re
import unittest

from harness import HostTest, UnixConnection

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/page")
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}


def content(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


class Page(HostTest):
    def setUp(self):
        super().setUp()
        self.host.start()

    def test_every_file_is_served_as_it_is(self):
        for name in sorted(os.listdir(FOLDER)):
            with self.subTest(name=name):
                status, text, headers = self.host.exchange("GET", f"/page/{name}")
                self.assertEqual((status, text), (200, content(name)))
                self.assertEqual(headers["Content-Type"], TYPES[os.path.splitext(name)[1]])
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(self.host.exchange("GET", "/")[1], content("host.html"))
        self.stop_cleanly()

    def test_the_policy_lets_in_its_own_files_alone(self):
        policy = dict(part.strip().split(" ", 1) for part in self.host.exchange("GET", "/")[2]["Content-Security-Policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        for kind in ("script-src", "style-src", "connect-src", "img-src"):
            self.assertEqual(policy[kind], "'self'", kind)
        for kind in ("base-uri", "form-action", "frame-ancestors"):
            self.assertEqual(policy[kind], "'none'", kind)
        self.stop_cleanly()

    def test_tags(self):
        tags = set()
        for path in ("/", "/page/page.css", "/page/host.js"):
            tag = self.host.exchange("GET", path)[2]["ETag"]
            tags.add(tag)
            status, body, headers = self.host.exchange("GET", path, None, {"If-None-Match": tag})
            self.assertEqual((status, body, headers["ETag"]), (304, None, tag))
            self.assertEqual(self.host.exchange("GET", path, None, {"If-None-Match": '"x"'})[0], 200)
        self.assertEqual(len(tags), 3)
        self.stop_cleanly()

    def test_nothing_else_is_served(self):
        for path in ("/page/", "/page/nothing.js", "/page/../host.html", "/page/..%2fpage%2fhost.js", "/page/host.js%00",
                     "/page/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/page/a/host.js", "/index.html"):
            with self.subTest(path=path):
                connection = UnixConnection(self.host.api)
                connection.putrequest("GET", path)
                connection.endheaders()
                with connection.getresponse() as answer:
                    self.assertEqual(answer.status, 404)
                connection.close()
        for path in ("/", "/page/host.js"):
            self.assertEqual(self.host.call("POST", path)[0], 405)
        self.stop_cleanly()

    def test_what_a_browser_asks_to_change_is_refused(self):
        for method, path in (("POST", "/v1/guests/web/rebalance"), ("POST", "/v1/reservations"), ("DELETE", "/v1/reservations/x"),
                             ("POST", "/v1/numad?vcpus=1&memory_mib=16")):
            for origin in ("http://127.0.0.1:8080", "https://elsewhere.example", "null"):
                with self.subTest(path=path, origin=origin):
                    status, problem = self.host.call(method, path, None, {"Origin": origin})
                    self.assertEqual(status, 403)
                    self.assertIn("Origin", problem["detail"])
        self.assertEqual(self.host.call("GET", "/v1/guests", None, {"Origin": "https://elsewhere.example"})[0], 200)
        self.assertEqual(self.host.call("POST", "/v1/guests/web/rebalance", {})[0], 404)
        self.stop_cleanly()


class Sources(unittest.TestCase):
    """What the policy would stop anyway is not even there."""

    def test_nothing_is_inline_and_nothing_comes_from_elsewhere(self):
        for name in os.listdir(FOLDER):
            text = content(name)
            with self.subTest(name=name):
                if name.endswith(".html"):
                    self.assertFalse(re.search(r"\son\w+=|\sstyle=|<style", text))
                    for tag in re.findall(r"<script[^>]*>", text):
                        self.assertIn(" src=", tag)
                self.assertEqual(set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}, set())

    def test_texts_cannot_become_markup(self):
        for name in os.listdir(FOLDER):
            if name.endswith(".js"):
                self.assertFalse(re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc",
                                           content(name)), name)


if __name__ == "__main__":
    unittest.main()
