"""Without these, a full disk could leave half a checkpoint under a good name, or a run that calls itself finished."""
import os
import resource
import shutil
import subprocess
import unittest

from harness import SINGLE, Case, read, results, run_folders

# Weights and moments are some 600 kB, a snapshot less: the first snapshots fit where a checkpoint does not.
YAML = SINGLE.replace("d_model: 16", "d_model: 96")
LIMIT = 500_000


class Disk(Case):
    def setUp(self):
        super().setUp()
        self.write("one.yaml", YAML)
        self.refframe("run", "one.yaml", "--results", "calm")
        self.calm = results(self.at("calm", "one"))
        largest = max(len(data) for name, data in self.calm.items() if "checkpoints/" in name)
        self.assertGreater(largest, LIMIT)

    def assert_whole(self, folder):
        """Whatever stands there under its name is complete, and nothing else stands there."""
        self.assertWhole(folder)
        for root, _, names in os.walk(folder):
            for name in names:
                self.assertNotIn(".tmp-", name)
                if name.endswith(".csv"):
                    self.assertTrue(read(os.path.join(root, name)).endswith(b"\n"), name)

    def assert_failed_and_resumable(self, done, reason):
        self.assertIn(reason, done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 3, done.stderr)
        (run,) = run_folders(self.at("full", "one")).values()
        self.assert_whole(self.at("full"))
        self.assertNotIn(b'"finished"', read(os.path.join(run, "manifest.json")))
        status = self.refframe("status", "full/one").stdout
        self.assertIn("0 of 1 run finished", status)

    def assert_goes_on(self):
        self.refframe("run", "one.yaml", "--results", "full")
        self.assertSameResults(results(self.at("full", "one")), self.calm)

    def test_files_may_not_grow(self):
        """A limit on the size of files: the same error as a full disk, without needing to be root."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
        done = self.refframe("run", "one.yaml", "--results", "full", code=1, preexec_fn=limit)
        self.assert_failed_and_resumable(done, "File too large")
        self.assert_goes_on()

    def test_a_disk_that_fills_up(self):
        disk = self.at("full")
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", disk], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("mounting needs root")
        try:
            done = self.refframe("run", "one.yaml", "--results", "full", code=1)
            self.assert_failed_and_resumable(done, "No space left on device")
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            self.assert_goes_on()
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_a_full_disk_can_be_cleaned(self):
        """What makes room needs none."""
        disk = self.at("full")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True).returncode != 0:
            self.skipTest("mounting needs root")
        try:
            self.refframe("run", "one.yaml", "--results", "full")
            self.write("one.yaml", "seeds: [2]\n" + YAML.split("\n", 1)[1])
            self.refframe("run", "one.yaml", "--results", "full")
            with self.assertRaises(OSError), open(os.path.join(disk, "much"), "wb", buffering=0) as file:
                while file.write(bytes(4096)) == 4096:
                    pass
                raise OSError
            self.assertIn("No space left", self.refframe("report", "full/one", code=1).stderr)
            self.assertRegex(self.refframe("clean", "full/one", "--yes").stdout, "\n1 run, 0 half-written, .*: removed\n")
            self.assertEqual(len(run_folders(self.at("full", "one"))), 1)
            self.refframe("report", "full/one")
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_standard_output_is_full(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        for words in ("list",), ("--help",), ("--version",), ("run", "--help"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = self.refframe(*words, code=1, stdout=full)
            self.assertEqual(done.stderr, "refframe: cannot write to standard output\n")

    def test_a_folder_that_vanishes(self):
        shutil.rmtree(self.at("calm", "one"))
        self.refframe("run", "one.yaml", "--results", "calm")
        self.assertSameResults(results(self.at("calm", "one")), self.calm)


if __name__ == "__main__":
    unittest.main()
