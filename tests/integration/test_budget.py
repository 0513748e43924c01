"""The budget of looks under a real homenoded: the tick grows and is told. And small guests, which are counted whole."""

import unittest

from harness import HostTest, needs_qemu


def sampling(host):
    return host.call("GET", "/v1/host")[1]["sampling"]


def metric(host, name):
    connection = host.connect()
    with connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    for line in text.splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return None


@needs_qemu
class Budget(HostTest):
    extra = "cpu_budget = 0.01%\n"  # 20 us of each tick of 200 ms: no look is as cheap

    def test_the_tick_grows_and_is_told(self):
        self.host.start()
        self.host.qemu("web")
        self.host.wait_log(r"looks at all guests every 0\.2 s would cost more than 0\.01 % of a CPU")
        told = sampling(self.host)
        self.assertEqual(told["tick_ns"], 200_000_000)
        self.assertEqual(told["cpu_budget"], 0.0001)
        self.assertGreater(told["tick_in_force_ns"], 2 * told["tick_ns"])
        self.assertLessEqual(told["cpu_share"], told["cpu_budget"] * 1.01)
        self.assertGreater(metric(self.host, "homenode_tick_seconds"), 0.4)
        self.assertEqual(metric(self.host, "homenode_look_budget_ratio"), 0.0001)
        self.assertGreater(metric(self.host, 'homenode_guest_look_seconds_total{guest="web"}'), 0)
        self.assertEqual(self.host.log().count("would cost more than"), 1)
        self.assertEqual(self.host.stop(), 0)


@needs_qemu
class Whole(HostTest):
    extra = "samples_per_cell = 16000\n"  # of 16384 pages: a walk past next to nothing is far cheaper

    def test_a_guest_that_has_touched_little_is_counted_to_the_last_page(self):
        self.host.start()
        self.host.qemu("web", "-m", "128M", "-object", "memory-backend-ram,id=ram-node0,size=64M",
                       "-object", "memory-backend-ram,id=ram-node1,size=64M", "-smp", "2",
                       "-numa", "node,nodeid=0,memdev=ram-node0,cpus=0", "-numa", "node,nodeid=1,memdev=ram-node1,cpus=1")
        report = self.host.wait_guest("web", lambda report: report["sample"] and report["sample"]["exhaustive"],
                                      "is counted whole")
        for cell, made_of in zip(report["sample"]["cells"], report["guest"]["cells"]):
            self.assertEqual(cell["sampled"] * 4096, made_of["memory_bytes"])
            self.assertEqual(cell["unknown"], 0)
        self.assertEqual(self.host.stop(), 0)


if __name__ == "__main__":
    unittest.main()
