"""Without this, a file that is lost or damaged between two commands could be missing among the results without a word."""
import json
import os
import unittest

from harness import SINGLE, Case, change_manifest, read, result_of_run, results, run_folders


class Losses(Case):
    def setUp(self):
        super().setUp()
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml")
        self.results = results(self.at("results", "one"))
        (self.run,) = run_folders(self.at("results", "one")).values()

    def snapshot(self, step):
        return os.path.join(self.run, "snapshots", f"step-{step:08d}.npz")

    def assert_told(self, what):
        """`run` says which run has lost what, exits 1, changes nothing of it, and goes on when its folder is gone."""
        before = result_of_run(self.run)
        done = self.refframe("run", "one.yaml", code=1)
        folder = os.path.relpath(self.run, self.folder)
        self.assertEqual(done.stderr, f"refframe: {os.path.basename(self.run)} failed: it was finished, but {what}; remove {folder}, "
                         "and the same command trains it anew\nrefframe: 1 of 1 run failed\n")
        self.assertEqual(result_of_run(self.run), before)
        os.rename(self.run, self.at("old"))
        self.refframe("run", "one.yaml")
        self.assertSameResults(results(self.at("results", "one")), self.results)

    def test_a_snapshot_of_a_finished_run_is_gone(self):
        os.remove(self.snapshot(10))
        self.assert_told("snapshots/step-00000010.npz is gone")

    def test_one_bit_of_a_finished_run_is_another(self):
        data = bytearray(read(self.snapshot(5)))
        data[len(data) // 2] ^= 1
        self.write(self.snapshot(5), bytes(data))
        self.assert_told("snapshots/step-00000005.npz is not what was written")

    def test_a_snapshot_with_its_checkpoint_is_measured_again(self):
        """One that is gone, and one that is damaged."""
        for harm in (os.remove, lambda path: os.truncate(path, 100)):
            harm(self.snapshot(12))
            self.refframe("run", "one.yaml", code=1)
            self.assertIn("1 snapshot measured again, 1 changed", self.refframe("measure", self.run).stdout)
            self.assertIn("1 was there already", self.refframe("run", "one.yaml").stdout)
            self.assertSameResults(results(self.at("results", "one")), self.results)

    def test_what_killed_reports_left_goes(self):
        folder = self.at("results", "one")
        stale, living = os.path.join(folder, "geometry.csv.tmp-2147483647"), os.path.join(folder, f"x.csv.tmp-{os.getpid()}")
        for path in (stale, living):
            self.write(path, "x")
        self.refframe("report", folder)
        self.assertFalse(os.path.exists(stale))
        self.assertTrue(os.path.exists(living))

    def test_settings_of_a_finished_run_come_back(self):
        text = read(os.path.join(self.run, "run.yaml"))
        os.remove(os.path.join(self.run, "run.yaml"))
        self.refframe("run", "one.yaml")
        self.assertEqual(read(os.path.join(self.run, "run.yaml")), text)

    def test_a_run_that_measures_nothing_has_lost_nothing(self):
        words = ("one.yaml", "--set", "measure.enabled=false", "--results", "bare")
        for trained in ("1 run", "0 runs"):
            self.assertIn(f"{trained} trained", self.refframe("run", *words).stdout)

    def test_checkpoints_of_a_finished_run_may_go(self):
        for name in os.listdir(os.path.join(self.run, "checkpoints")):
            os.remove(os.path.join(self.run, "checkpoints", name))
        self.assertIn("1 was there already", self.refframe("run", "one.yaml").stdout)

    def test_an_unfinished_run_is_shown(self):
        """Its manifest knows the snapshots up to its last checkpoint; later ones are none of others."""
        files = json.loads(read(os.path.join(self.run, "manifest.json")))["files"]
        change_manifest(self.run, status="interrupted", rows={}, files={name: value for name, value in files.items()
                                                                        if name.startswith("snapshots/") and "12" not in name})
        self.assertIn("step 12", self.refframe("show", self.run).stdout)

    def test_what_an_unfinished_run_has_lost_is_trained_again(self):
        change_manifest(self.run, status="interrupted")
        os.remove(self.snapshot(10))
        done = self.refframe("run", "one.yaml")
        name = os.path.basename(self.run)
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"note: {name}: ")]
        self.assertEqual([line.partition(name + ": ")[2].partition(":")[0] for line in lines],
                         ["does not go on from step 12"])
        self.assertIn("step-00000010.npz is gone", lines[0])
        self.assertSameResults(results(self.at("results", "one")), self.results)


if __name__ == "__main__":
    unittest.main()
