"""The snapshot of a running daemon: explained live, written to a file and replayed."""

import json
import os
import unittest

from harness import HostTest, needs_qemu


class Snapshot(HostTest):
    def record(self):
        status, snapshot = self.host.call("GET", "/v1/snapshot")
        self.assertEqual(status, 200)
        path = os.path.join(self.host.folder, "snapshot.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(snapshot, file)
        return snapshot, path

    def test_without_guests(self):
        self.host.start()
        snapshot, path = self.record()
        self.assertEqual(snapshot["guests"], [])
        self.assertEqual(snapshot["options"]["keep_free_bytes"], 64 << 20)
        self.assertEqual(json.loads(self.host.cli("--json", "replay", path).stdout), [])
        answer = self.host.cli("--json", "fit", "--vcpus", "1", "--memory", "16M")
        self.assertEqual(answer.returncode, 0, answer)
        self.assertTrue(json.loads(answer.stdout)["fits"])
        answer = self.host.cli("fit", "--vcpus", "1", "--memory", "900T")
        self.assertEqual(answer.returncode, 6, answer)
        self.assertEqual(self.host.cli("explain", "nobody").returncode, 4)
        self.assertEqual(self.host.call("POST", "/v1/snapshot")[0], 405)
        self.stop_cleanly()

    @needs_qemu
    def test_what_is_explained_live_is_explained_again_from_the_file(self):
        self.host.start()
        self.host.qemu("web")
        report = self.host.wait_guest("web", lambda r: r["plan"] and r["home"], "has a plan and a home")
        snapshot, path = self.record()
        self.assertEqual([state["guest"]["name"] for state in snapshot["guests"]], ["web"])
        replayed = json.loads(self.host.cli("--json", "replay", path, "web").stdout)
        live = json.loads(self.host.cli("--json", "explain", "web").stdout)
        for decision in (replayed, live):
            self.assertTrue(decision["explanation"]["fits"])
            self.assertEqual([cell["nodes"] for cell in decision["explanation"]["cells"]],
                             [cell["nodes"] for cell in report["home"]["cells"]])
        self.assertIn("cell 1 on node", self.host.cli("explain", "web").stdout)
        self.stop_cleanly()


if __name__ == "__main__":
    unittest.main()
