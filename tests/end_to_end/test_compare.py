"""Without these, experiments laid side by side could lose runs or values, take unfinished or damaged ones for results, or write over
an experiment's own tables."""
import csv
import fcntl
import json
import os
import shutil
import unittest

from harness import TINY, Case, change_manifest, read, result_of_run, results, run_folders

OTHER = TINY.replace("  model.position.kind: [rope, none]\n", """\
  model.norm: [rmsnorm]
  train.lr: [0.0020, 0.0040]
  special: {some: {data.bos: always}}
""").replace("seeds: 2", "seeds: [2, 3]") + "model.position.kind: rope\nexpect:\n  - {text: some, that: \"median(sink_mass:strongest) > 0\"}\n"


class Compare(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)
        self.write("other.yaml", OTHER)
        self.refframe("run", "tiny.yaml")
        self.refframe("run", "other.yaml")
        self.place = self.at("results", "tiny-vs-other")

    def compare(self, *more, code=0):
        return self.refframe("compare", "results/tiny", "results/other/", *more, code=code)

    def rows(self, name):
        with open(os.path.join(self.place, name), newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_arms_of_both(self):
        done = self.compare()
        plan = json.loads(read(os.path.join(self.place, "plan.json")))
        self.assertEqual([(axis["name"], axis["values"]) for axis in plan["axes"]], [
            ("experiment", ["tiny", "other"]), ("model.position.kind", ["rope", "none"]), ("model.norm", ["layernorm", "rmsnorm"]),
            ("train.lr", ["0.002", "0.0040"]), ("special", ["-", "some"])])
        self.assertEqual([arm["name"] for arm in plan["arms"]],
                         ["tiny.rope", "tiny.none", "other.rmsnorm-0.0020-some", "other.rmsnorm-0.0040-some"])
        self.assertEqual(plan["arms"][0]["values"], {"experiment": "tiny", "model.position.kind": "rope", "model.norm": "layernorm",
                                                     "train.lr": "0.002", "special": "-"})
        self.assertEqual(plan["arms"][2]["values"], {"experiment": "other", "model.position.kind": "rope", "model.norm": "rmsnorm",
                                                     "train.lr": "0.002", "special": "some"})  # 0.0020 is the same
        self.assertEqual(sorted(plan["seeds"]), [1, 2, 3])
        self.assertEqual(plan["claims"], [])
        self.assertEqual(plan["notes"], ["1 claim is judged where it was declared, and not here"])
        self.assertEqual([(row["arm"], row["runs"], row["finished"]) for row in self.rows("summary.csv")],
                         [(arm["name"], "2", "2") for arm in plan["arms"]])
        self.assertIn("tiny and other, side by side", done.stdout)

    def test_runs_are_the_same_and_stand_alone(self):
        self.compare()
        sources = {folder[-12:]: folder for name in ("tiny", "other") for folder in run_folders(self.at("results", name)).values()}
        runs = run_folders(self.place).values()
        self.assertEqual(len(runs), 8)
        for folder in runs:
            self.assertSameResults(result_of_run(folder), result_of_run(sources[folder[-12:]]))
        whole = results(self.place)
        for name in ("tiny", "other"):
            self.refframe("status", f"results/{name}", "--verify")
            shutil.rmtree(self.at("results", name))
        self.refframe("status", "results/tiny-vs-other", "--verify")
        self.refframe("report", "results/tiny-vs-other")
        self.assertSameResults(results(self.place), whole)

    def test_twice_is_the_same(self):
        self.compare("--name", "both", "--results", "elsewhere")
        self.place = self.at("elsewhere", "both")
        once = results(self.place)
        self.compare("--name", "both", "--results", "elsewhere")
        self.assertSameResults(results(self.place), once)
        self.refframe("status", "elsewhere/both", "--verify")

    def test_a_run_that_was_measured_again_is_taken_again(self):
        self.compare()
        (mine,) = [folder for name, folder in run_folders(self.place).items() if name.startswith("tiny.none-s2")]
        (theirs,) = [folder for name, folder in run_folders(self.at("results", "tiny")).items() if name.startswith("none-s2")]
        with open(os.path.join(mine, "snapshots", "mine"), "w", encoding="utf-8") as file:
            file.write("left in the copy")
        change_manifest(theirs, n_other_machines=1)
        self.compare()
        self.assertEqual(read(os.path.join(mine, "manifest.json")), read(os.path.join(theirs, "manifest.json")))
        self.refframe("status", "results/tiny-vs-other", "--verify")

    def test_what_somebody_holds_is_not_left_out_in_silence(self):
        (run,) = [folder for name, folder in run_folders(self.at("results", "tiny")).items() if name.startswith("none-s2")]
        with open(os.path.join(run, "lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn(f"{os.path.basename(run)} is in use: compare again when it is not", self.compare(code=1).stderr)
        self.compare()

    def test_what_has_not_finished_is_left_out_and_said(self):
        (run,) = [folder for name, folder in run_folders(self.at("results", "tiny")).items() if name.startswith("none-s2")]
        change_manifest(run, status="interrupted")
        self.assertIn("1 of 4 runs of tiny has not finished and is left out",
                      json.dumps(json.loads(read(os.path.join(self.place, "plan.json")))["notes"]) if self.compare() else "")
        self.assertEqual(len(run_folders(self.place)), 7)

    def test_what_is_damaged_is_refused(self):
        (run,) = [folder for name, folder in run_folders(self.at("results", "tiny")).items() if name.startswith("none-s2")]
        with open(os.path.join(run, "train.csv"), "a", encoding="utf-8") as file:
            file.write("13,1,1,1,1\n")
        error = self.compare(code=1).stderr
        self.assertIn(f"{os.path.basename(run)} is finished, but cannot be compared: ", error)
        self.assertEqual(len(error.splitlines()), 1)
        self.assertFalse(os.path.exists(self.place))

    def test_refusals(self):
        for words, line in (
                (("results/tiny",), "usage: refframe compare results/A results/B"),
                (("results/tiny", "results/none"), "results/none: there is no such folder"),
                (("results/tiny", "results/../results/tiny"), "two folders of one name can't be told apart"),
                (("results/tiny", "results/other", "--name", "other"), "results/other holds an experiment of its own; --name gives this"),
                (("results/tiny", "results/other", "--name", "../x"), 'can\'t be the name of a folder')):
            before = self.everything()
            error = self.refframe("compare", *words, code=2).stderr
            self.assertIn(line, error)
            self.assertEqual(self.everything(), before)
        self.compare()
        error = self.refframe("compare", "results/other", "results/tiny", "--name", "tiny-vs-other", code=2).stderr
        self.assertIn("results/tiny-vs-other holds a comparison of others; --name gives this", error)
        error = self.refframe("compare", "results/tiny", "results/tiny-vs-other", code=2).stderr
        self.assertIn("has an axis `experiment`, as a comparison has; compare what it was made of", error)
        for name in ("tiny", "other"):
            for folder in run_folders(self.at("results", name)).values():
                shutil.rmtree(folder)
        error = self.refframe("compare", "results/tiny", "results/other", "--name", "new", code=2).stderr
        self.assertIn("none of the 8 runs has finished: there is nothing to compare", error)
        self.assertFalse(os.path.exists(self.at("results", "new")))


if __name__ == "__main__":
    unittest.main()
