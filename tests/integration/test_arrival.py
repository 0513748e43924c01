"""What libvirt's hook and numad are answered, without a libvirt: rooms are made, asked for, made anew and freed."""

import unittest
import urllib.parse
import uuid

from harness import HostTest, UnixConnection


class Arrival(HostTest):
    def setUp(self):
        super().setUp()
        self.host.start()
        self.uuids = {}

    def xml(self, name, vcpus=1, mib=32, extra=""):
        number = self.uuids.setdefault(name, uuid.uuid4())
        return (f"<domain type='kvm'><name>{name}</name><uuid>{number}</uuid><memory unit='MiB'>{mib}</memory>"
                f"<vcpu placement='auto'>{vcpus}</vcpu><os><type arch='x86_64'>hvm</type></os>{extra}</domain>").encode()

    def post(self, path, body=b""):
        connection = UnixConnection(self.host.api)
        connection.request("POST", path, body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def hook(self, name, operation, sub="begin", **options):
        query = urllib.parse.urlencode({"guest": name, "sub": sub, "extra": "-"})
        return self.post(f"/v1/libvirt/{operation}?{query}", self.xml(name, **options))

    def numad(self, vcpus=1, mib=32):
        return self.post(f"/v1/numad?vcpus={vcpus}&memory_mib={mib}")

    def rooms(self):
        """{name: (state, answered, vCPUs)}"""
        answer = self.host.call("GET", "/v1/reservations")[1]["reservations"]
        return {r["guest"]["name"]: (r["state"], r["answered"], r["numad_vcpus"]) for r in answer}

    def test_a_start_from_prepare_to_release(self):
        self.assertEqual(self.hook("web", "prepare"), (204, ""))
        self.assertEqual(self.rooms(), {"web": ("made", False, 1)})
        self.assertEqual(self.numad(), (200, "0\n"))
        self.assertEqual(self.rooms(), {"web": ("made", True, 1)})
        self.assertEqual(self.hook("web", "started")[0], 204)
        self.assertEqual(self.rooms()["web"][0], "started")
        self.assertEqual(self.hook("web", "release", "end")[0], 204)
        self.assertEqual(self.rooms(), {})
        self.stop_cleanly()

    def test_a_start_that_is_tried_again_asks_again(self):
        self.hook("web", "prepare")
        self.numad()
        self.hook("web", "prepare")
        self.assertEqual(self.rooms(), {"web": ("made", False, 1)})
        self.assertEqual(self.numad(), (200, "0\n"))
        self.assertEqual(self.rooms(), {"web": ("made", True, 1)})
        self.stop_cleanly()

    def test_a_start_with_another_shape_is_reserved_for_anew(self):
        self.hook("web", "prepare", mib=32)
        self.hook("web", "prepare", mib=64)
        answer = self.host.call("GET", "/v1/reservations")[1]["reservations"]
        self.assertEqual([r["guest"]["cells"][0]["memory_bytes"] for r in answer], [64 << 20])
        self.assertEqual([r["numad_mib"] for r in answer], [64])
        self.stop_cleanly()

    def test_a_question_about_nobody_is_answered_and_kept_room_for(self):
        self.assertEqual(self.numad(), (200, "0\n"))
        self.assertEqual(list(self.rooms()), ["numad-1"])
        self.stop_cleanly()

    def test_two_of_one_shape_have_a_room_each(self):
        self.hook("a", "prepare")
        self.hook("b", "prepare")
        self.numad()
        self.assertEqual(sorted(answered for _, answered, _ in self.rooms().values()), [False, True])
        self.numad()
        self.assertEqual(self.rooms(), {"a": ("made", True, 1), "b": ("made", True, 1)})
        self.stop_cleanly()

    def live(self, name, **options):
        """It is prepared, starts and ends."""
        for operation, sub in (("prepare", "begin"), ("started", "begin"), ("release", "end")):
            self.assertEqual(self.hook(name, operation, sub, **options)[0], 204)

    def test_what_was_pinned_here_is_remembered_until_a_plain_start(self):
        foreign = "<cputune><vcpupin vcpu='0' cpuset='1999'/></cputune>"
        status, text = self.hook("web", "migrate", extra=foreign)
        self.assertEqual(status, 200, text)
        self.assertIn("<vcpupin", text)
        self.assertNotIn("1999", text)
        self.live("web", extra=foreign)
        self.assertEqual(self.rooms()["web"][0], "parked", "it may be restored here")
        self.live("web")
        self.assertEqual(self.rooms(), {}, "its operator's definition is what counts")
        self.stop_cleanly()

    def test_what_cannot_be_is_refused_with_a_sentence(self):
        for status, path, body, sentence in (
                (400, "/v1/numad?vcpus=0&memory_mib=1", b"", "vcpus=0"),
                (400, "/v1/numad?vcpus=x&memory_mib=1", b"", "vcpus=x"),
                (400, "/v1/numad?vcpus=1", b"", "memory_mib"),
                (400, "/v1/libvirt/prepare?sub=begin", b"<domain/>", "guest"),
                (400, "/v1/libvirt/prepare?guest=x&sub=begin", b"<domain", "line 1"),
                (400, "/v1/libvirt/prepare?guest=x&sub=begin", b"", "")):
            with self.subTest(path=path):
                got, text = self.post(path, body)
                self.assertEqual(got, status, text)
                self.assertIn(sentence, text)
        self.assertEqual(self.rooms(), {})
        self.assertEqual(self.numad(1, 1 << 30)[0], 409)
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main(verbosity=2)
