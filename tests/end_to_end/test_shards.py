"""Without these, the runs of a sweep could not be spread over machines: a run could be in two shards or in none, and processes that
write in one results folder at a time could leave hashes of files that do not stand."""
import os
import unittest

from harness import TINY, Case, results, run_folders


class Shards(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)

    def shard(self, text, results="results"):
        return self.start("run", "tiny.yaml", "--shard", text, "--jobs", 1, "--threads", 1, "--results", results)

    def test_three_at_a_time_are_one_sweep(self):
        """Four runs: two, one and one. Then the report is the one of a plain run, to the byte."""
        self.refframe("run", "tiny.yaml", "--results", "whole")
        processes = [self.shard(f"{i}/3") for i in (1, 2, 3)]
        for i, process in enumerate(processes, 1):
            out, err = process.communicate(timeout=240)
            self.assertEqual((process.returncode, err), (0, ""))
            n = 2 if i == 1 else 1
            self.assertIn(f"tiny: 4 runs (2 arms x 2 seeds), {n} of them here as shard {i}/3, 1 at a time", out)
            self.assertIn(f"shard {i}/3: {n} run{'s' if n > 1 else ''} trained, 0 were there already; when all shards have ended: "
                          "refframe report results/tiny\n", out)
        self.refframe("report", "results/tiny")
        self.assertSameResults(results(self.at("results", "tiny")), results(self.at("whole", "tiny")))
        self.refframe("status", "results/tiny", "--verify")
        again = self.refframe("run", "tiny.yaml", "--shard", "1/3").stdout
        self.assertIn("shard 1/3: 0 runs trained, 2 were there already", again)

    def test_more_shards_than_runs(self):
        out = self.refframe("run", "tiny.yaml", "--shard", "7/9").stdout
        self.assertIn("0 of them here as shard 7/9", out)
        self.assertIn("1 of them here as shard 2/2147483647", self.refframe("run", "tiny.yaml", "--shard", "2/2147483647", "--results", "other").stdout)
        self.assertIn("shard 7/9: 0 runs trained, 0 were there already", out)
        self.assertEqual(run_folders(self.at("results", "tiny")), {})

    def test_what_is_no_shard(self):
        for text in ("0/3", "4/3", "3", "1/0", "-1/3", "1/3x", "/", "a/b", "1/99999999999"):
            error = self.refframe("run", "tiny.yaml", "--shard", text, code=2).stderr
            self.assertEqual(error, f'refframe run: --shard: "{text}" is not I/N with I in 1..N, as 3/8\n')

    def test_a_shard_of_another_plan(self):
        """A cluster's task that waited while somebody edited the file: nothing is mixed, and nothing is written."""
        self.refframe("run", "tiny.yaml", "--shard", "1/2")
        self.write("tiny.yaml", TINY.replace("seeds: 2", "seeds: 3"))
        before = self.everything("results")
        error = self.refframe("run", "tiny.yaml", "--shard", "2/2", code=2).stderr
        self.assertIn("results/tiny/plan.json: belongs to another plan than this shard: the experiment was changed since", error)
        self.assertEqual(self.everything("results"), before)
        self.refframe("run", "tiny.yaml")
        self.refframe("run", "tiny.yaml", "--shard", "2/2")

    def test_a_shard_on_another_kind_of_machine(self):
        """It leaves what another wrote, and with it the hashes of the tables."""
        def files():
            return [each for each in self.everything("results") if os.path.isfile(each[0])]

        self.refframe("run", "tiny.yaml")
        before = files()
        self.refframe("run", "tiny.yaml", "--shard", "2/2", env={**os.environ, "REFFRAME_KERNELS": "plain"})
        self.assertEqual(files(), before)
        self.refframe("status", "results/tiny", "--verify")

    def test_a_plan_that_changes_while_a_report_is_made(self):
        """A report lists the plan that it has read, or waits until the other stands: never the hash of one that is gone."""
        self.refframe("run", "tiny.yaml")
        for other in ("a model of one layer trains", "it does") * 3:
            self.write("other.yaml", "name: tiny\n" + TINY.replace("a model of one layer trains", other))
            processes = [self.start("report", "results/tiny"), self.start("run", "other.yaml")]
            self.assertEqual([process.wait(240) for process in processes], [0, 0])
            self.refframe("status", "results/tiny", "--verify")

    def test_reports_at_the_same_time(self):
        """Whatever the order of their writing, what SHA256SUMS lists stands."""
        self.refframe("run", "tiny.yaml")
        for _ in range(3):
            processes = [self.start("report", "results/tiny") for _ in range(4)] + [self.shard("1/2")]
            self.assertEqual([process.wait(240) for process in processes], [0] * 5)
            self.refframe("status", "results/tiny", "--verify")


if __name__ == "__main__":
    unittest.main()
