"""The fit that tells growth from all else that makes a process larger and smaller."""

import os
import random
import unittest

from growth import BOUNDS, Growth, by_name, is_code, read, read_mappings, slope


def growth(value_at, causes_at=lambda i: (0, 0), count=120):
    found = Growth("it")
    for i in range(count):
        found.add(i * 5, {"held_kib": value_at(i), "rss_kib": 2 * value_at(i), "descriptors": 9, "threads": 3}, causes_at(i))
    return found


class Fit(unittest.TestCase):
    def test_a_line_is_found_beside_other_causes(self):
        chance = random.Random(1)
        times = list(range(100))
        guests, held = ([chance.randrange(20) for _ in times] for _ in range(2))
        values = [7 + 0.5 * t + 3 * g + h for t, g, h in zip(times, guests, held)]
        self.assertAlmostEqual(slope(times, values, [guests, held]), 0.5, 6)
        self.assertAlmostEqual(slope(times, [7 + 3 * g + h for g, h in zip(guests, held)], [guests, held]), 0, 6)

    def test_causes_that_tell_nothing(self):
        times = list(range(50))
        self.assertAlmostEqual(slope(times, [2 * t for t in times], [[4] * 50]), 2, 6)
        self.assertAlmostEqual(slope(times, [2 * t for t in times], [[3 * t for t in times]]), 2, 6)
        self.assertEqual(slope([5] * 50, [1] * 50, []), 0)


class Verdict(unittest.TestCase):
    def test_a_leak_is_complained_about_and_noise_is_not(self):
        chance = random.Random(2)
        noise = [chance.uniform(-800, 800) for _ in range(120)]
        self.assertEqual(list(growth(lambda i: 20000 + noise[i]).complaints()), [])
        leak = 2 * BOUNDS["held_kib"] / 80  # a reading; 80 of 120 are after the warm-up
        found = list(growth(lambda i: 20000 + noise[i] + leak * i).complaints())
        self.assertEqual(len(found), 1)
        self.assertIn("held_kib", found[0])

    def test_what_has_grown_is_told_by_its_mapping(self):
        found = Growth("it")
        for i in range(120):
            mappings = {"/lib/it.so": 5000 + 40 * min(i, 30), "[heap]": 1000 + 100 * i, "[stack]": 100 + i % 2}
            found.add(i * 5, {"held_kib": sum(mappings.values()), "rss_kib": 1, "descriptors": 9, "threads": 3}, (0, 0), mappings)
        self.assertEqual([name for name, _ in found.mappings()], ["[heap]"])
        self.assertAlmostEqual(found.mappings()[0][1], 7900, 0)
        self.assertIn("most of it: [heap] +7900", list(found.complaints())[0])

    def test_growth_during_the_warm_up_is_none(self):
        self.assertEqual(list(growth(lambda i: 10000 + 500 * min(i, 39)).complaints()), [])

    def test_one_late_outlier_is_none(self):
        """Two points would have told of a growth of 8 MiB."""
        self.assertEqual(list(growth(lambda i: 20000 + (8192 if i == 119 else 0)).complaints()), [])

    def test_descriptors_of_guests_are_no_leak_and_others_are(self):
        chance = random.Random(3)
        guests = [chance.randrange(5, 20) + i // 10 for i in range(120)]
        for leak, complaints in ((0, 0), (0.1, 1)):
            found = Growth("it")
            for i in range(120):
                found.add(i * 5, {"held_kib": 1, "rss_kib": 1, "descriptors": int(20 + 2 * guests[i] + leak * i), "threads": 3}, (guests[i], 0))
            self.assertEqual(len(list(found.complaints())), complaints, leak)

    def test_too_few_readings_tell_nothing(self):
        found = growth(lambda i: i * 10**6, count=6)
        self.assertEqual(found.report()["held_kib"], {"first": 0, "last": 5 * 10**6, "most": 5 * 10**6, "grown": None})
        self.assertEqual((list(found.complaints()), Growth("nothing").report()), ([], {}))


class Reading(unittest.TestCase):
    def test_of_oneself(self):
        before = read(os.getpid())
        self.assertGreater(before["rss_kib"], 1000)
        with open(os.devnull, encoding="ascii"):
            self.assertEqual(read(os.getpid())["descriptors"], before["descriptors"] + 1)

    def test_mappings_add_up_to_what_is_resident(self):
        mappings = by_name(read_mappings(os.getpid()))
        self.assertGreater(mappings["[heap]"], 100)
        self.assertGreater(mappings["[anonymous]"], 100)
        self.assertTrue(any(name.startswith("/") for name in mappings))
        self.assertAlmostEqual(sum(mappings.values()), read(os.getpid())["rss_kib"], delta=2048)

    def test_what_is_held_is_all_but_code(self):
        for permissions, name, code in (("r-xp", "/lib/it.so", True), ("r--p", "/lib/it.so", True), ("rw-p", "/lib/it.so", False),
                                        ("r--s", "/var/history.db", False), ("rw-s", "/var/history.db-shm", False),
                                        ("r--p", "[vvar]", False), ("rw-p", "[heap]", False), ("rw-p", "[anonymous]", False)):
            self.assertEqual(is_code(permissions, name), code, name)
        before = read(os.getpid())["held_kib"]
        held = bytearray(os.urandom(8 << 20))
        self.assertAlmostEqual(read(os.getpid())["held_kib"] - before, len(held) >> 10, delta=1024)

    def test_of_nobody(self):
        self.assertIsNone(read(2**22 + 1))
        self.assertEqual(read_mappings(2**22 + 1), [])


if __name__ == "__main__":
    unittest.main()
