"""A node is drained, as far as a machine of one node can show it: who refuses, what is shown, what is kept on file. That
guests really leave is tests/rig/jobs/drain's to show."""

import os
import signal
import unittest

from harness import HostTest, needs_qemu

MIB = 1 << 20


def nodes_with_both(host):
    return [node["id"] for node in host.call("GET", "/v1/host")[1]["nodes"] if node["cpus"] and node["memory_bytes"]]


class Drain(HostTest):
    mode = "advise"

    def setUp(self):
        super().setUp()
        self.host.start()
        nodes = nodes_with_both(self.host)
        if len(nodes) != 1:
            self.skipTest("this machine has several nodes")
        self.node = nodes[0]
        self.path = f"/v1/nodes/{self.node}/drain"

    def file(self):
        return os.path.join(self.host.folder, "run", "draining")

    def restart(self, content=None):
        """The daemon again, as if it had been killed while that stood in its file."""
        self.host.daemon.send_signal(signal.SIGKILL)
        self.host.daemon.wait()
        if content is not None:
            with open(self.file(), "w", encoding="utf-8") as file:
                file.write(content)
        self.host.start()

    def is_draining(self):
        return [node["draining"] for node in self.host.call("GET", "/v1/host")[1]["nodes"] if node["id"] == self.node][0]

    @needs_qemu
    def test_nowhere_to_go(self):
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        for body in ({"dry_run": True}, {}):
            status, problem = self.host.call("POST", self.path, body)
            self.assertEqual(status, 409, problem)
            self.assertIn(f"what is on node {self.node} has nowhere to go: no other node has CPUs and memory", problem["detail"])
        self.assertFalse(self.is_draining())
        self.assertFalse(os.path.exists(self.file()))
        answer = self.host.cli("drain", "--dry-run", str(self.node))
        self.assertEqual(answer.returncode, 1)
        self.assertIn("nowhere to go", answer.stderr)
        self.stop_cleanly()

    @needs_qemu
    def test_who_has_something_there_is_told(self):
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        status, answer = self.host.call("GET", self.path)
        self.assertEqual((status, answer["node"], answer["draining"], answer["empty"]), (200, self.node, False, False))
        web = answer["guests"][0]
        self.assertEqual((web["guest"], web["operation"], web["given_up"]), ("web", 0, False))
        # ram-node0 is preallocated; of ram-node1 QEMU may have touched something
        self.assertGreaterEqual(web["memory_bytes"], 60 * MIB)
        self.assertLessEqual(web["memory_bytes"], 128 * MIB)
        self.assertGreaterEqual(web["threads"], 5)
        self.assertEqual(web["plan"]["verdict"], "blocked")
        self.assertIn("does not fit elsewhere", web["plan"]["reason"])
        self.stop_cleanly()

    def test_a_restart_remembers(self):
        self.restart(f"{self.node}\n")
        self.assertTrue(self.is_draining())
        self.assertIn(f"node {self.node} is still being drained", self.host.log())
        self.assertIn("draining", self.host.cli("host").stdout)
        self.assertIn(f'homenode_node_draining{{node="{self.node}"}} 1', self.host.call("GET", "/metrics")[1])
        wish = {"name": "new", "vcpus": 1, "memory_bytes": 16 * MIB}
        self.assertEqual(self.host.call("POST", "/v1/reservations", wish)[0], 409, "no new home there")
        self.assertFalse(self.host.call("POST", "/v1/placements", wish)[1]["fits"])
        self.assertEqual(self.host.call("POST", "/v1/numad?vcpus=1&memory_mib=16")[0], 409)
        answer = self.host.cli("undrain", str(self.node))
        self.assertEqual((answer.returncode, answer.stdout), (0, f"guests may live on node {self.node} again\n"))
        self.assertEqual(self.host.call("POST", "/v1/reservations", wish)[0], 201)
        self.restart()
        self.assertFalse(self.is_draining())
        self.assertNotIn("STATE", self.host.cli("host").stdout)
        self.stop_cleanly()

    @needs_qemu
    def test_it_goes_on_after_a_restart_and_says_what_is_in_the_way(self):
        self.restart(f"{self.node}\n")
        self.host.qemu("web")
        self.host.wait_guest("web", lambda r: r["sample"], "looked at")
        answer = self.host.call("GET", self.path)[1]
        self.assertEqual((answer["draining"], answer["empty"]), (True, False))
        self.assertEqual(answer["guests"][0]["plan"]["verdict"], "blocked")
        self.assertEqual(self.host.call("GET", "/v1/guests/web")[1]["operation"]["id"], 0, "nothing was begun")
        self.stop_cleanly()

    def test_an_empty_node_is_told_of(self):
        self.restart(f"{self.node}\n")
        answer = self.host.call("GET", self.path)[1]
        self.assertEqual((answer["empty"], answer["memory_bytes"], answer["guests"]), (True, 0, []))
        self.stop_cleanly()

    def test_a_file_that_cannot_be_read_is_said(self):
        self.restart("7-x\n")
        self.assertFalse(self.is_draining())
        self.assertIn("which nodes are being drained is not known any more", self.host.log())
        self.stop_cleanly()

    def test_what_cannot_be_put_on_file_is_not_done(self):
        self.restart(f"{self.node}\n")
        os.mkdir(self.file() + ".new")
        self.addCleanup(os.rmdir, self.file() + ".new")
        status, problem = self.host.call("POST", f"/v1/nodes/{self.node}/undrain")
        self.assertEqual(status, 503, problem)
        self.assertIn("cannot write", problem["detail"])
        self.assertTrue(self.is_draining())
        self.stop_cleanly()

    def test_what_is_not_there(self):
        for method, path in (("POST", "/v1/nodes/99/drain"), ("GET", "/v1/nodes/99/drain"), ("POST", "/v1/nodes/x/drain"),
                             ("POST", "/v1/nodes/-1/undrain"), ("POST", "/v1/nodes/99999999999999999999/undrain")):
            with self.subTest(path=path):
                status, problem = self.host.call(method, path)
                self.assertEqual(status, 404)
                self.assertIn("homenode host", problem["detail"])
        self.assertEqual(self.host.call("POST", self.path, {"dryrun": True})[0], 400)
        self.assertEqual(self.host.cli("drain", "99").returncode, 4)
        for arguments in (("drain",), ("drain", "0", "1"), ("drain", "one"), ("drain", "--now", "0"), ("undrain",),
                          ("drain", "--dry-run", "--wait", "0"), ("undrain", "-1")):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.host.cli(*arguments).returncode, 2)
        self.stop_cleanly()

    def test_undrain_twice_is_once(self):
        for _ in range(2):
            status, answer = self.host.call("POST", f"/v1/nodes/{self.node}/undrain")
            self.assertEqual((status, answer), (200, {"node": self.node, "draining": False}))
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main()
