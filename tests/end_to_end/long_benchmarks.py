"""A benchmark cannot fail by its figures, but it can stop working, and nobody would notice: none is run by `make test`."""
import os
import re
import subprocess
import sys
import unittest

from harness import REFFRAME, Case

BENCHES, TABLE = os.path.join(os.environ["BUILD_DIR"], "tests"), os.path.join(os.environ["TESTS_DIR"], "train", "bench_engines.py")


class Benchmarks(Case):
    def check_bench(self, name):
        """Comes to its end, and has figures beyond nothing to tell."""
        done = subprocess.run([os.path.join(BENCHES, name)], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"[1-9][\d.]* +(ms|us|%)")
        self.assertNotRegex(done.stdout, r"\b(nan|inf)\b")
        return done.stdout

    def test_every_program(self):
        names = [name for name in os.listdir(BENCHES) if re.fullmatch(r"bench_\w+", name)]
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            with self.subTest(name):
                self.check_bench(name)

    def test_families(self):
        """Every family of metrics has its row, but those that add up what passes of a model gave."""
        rows = re.findall(r"^  (\w+) +[\d.]+ ms; every", self.check_bench("bench_geometry_families"), re.M)
        listed = re.findall(r"^(\w+): ", self.refframe("list", "metrics").stdout, re.M)
        timed = [name for name in listed if name not in ("slots", "interventions")]
        self.assertEqual(rows, timed * 2)  # of two sizes

    def test_engines(self):
        """The table of all engines, of one round of one size."""
        done = subprocess.run([sys.executable, TABLE, REFFRAME, "--rounds", "1", "--seconds", "1", "--sizes", "S", "--threads", "1"],
                              capture_output=True, text=True, timeout=600, check=True)
        rows = re.findall(r"^\| exact \| (\d[\d.]*) \[\1, \1\] \|$", done.stdout, re.M)
        self.assertEqual(len(rows), 3, done.stdout)  # tokens a second, share, over those of exact
        self.assertEqual(rows[2], "1.00")
        self.assertGreater(int(rows[0]), 0)
        self.assertRegex(done.stdout, r"\| exact \| [1-9]\d* \|")  # memory


if __name__ == "__main__":
    unittest.main()
