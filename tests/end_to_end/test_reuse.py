"""Without these, an arm that is renamed, an axis that is added or a second experiment would train again what is there; or would
take for it what is damaged, half-written, of another machine or still being trained."""
import fcntl
import glob
import json
import os
import shutil
import signal
import unittest

from harness import SINGLE, TINY, Case, change_manifest, read, result_of_run, run_folders
from killing import SMALL, KillCase, kind_of

RENAMED = TINY.replace("  model.position.kind: [rope, none]\n", """\
  encoding:
    turned: {model.position.kind: rope}
    bare: {model.position.kind: none}
""")
MORE = TINY.replace("[rope, none]\n", "[rope, none]\n  model.norm: [layernorm, rmsnorm]\n")


class Reuse(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml")
        self.runs = run_folders(self.at("results", "tiny"))

    def check_counts(self, done, n_trained, n_there):
        self.assertRegex(done.stdout, rf"\n{n_trained} runs? trained, {n_there} (was|were) there already")

    def by_id(self, name):
        return {run[-12:]: folder for run, folder in run_folders(self.at("results", name)).items()}

    def check_same(self, name):
        """Each run of an experiment that tiny has, too, has the same bytes; each folder stands as it was written."""
        mine = self.by_id(name)
        for id_, folder in self.by_id("tiny").items():
            if id_ in mine:
                self.assertSameResults(result_of_run(mine[id_]), result_of_run(folder))
        for each in ("tiny", name):
            self.refframe("status", f"results/{each}", "--verify")

    def test_arms_that_were_renamed(self):
        self.write("tiny.yaml", RENAMED)
        checked = self.refframe("check", "tiny.yaml").stdout
        done = self.refframe("run", "tiny.yaml")
        note = "4 runs are in other folders already, found by their ids: results/tiny/rope-s1-"
        self.assertIn(f"  note      {note}", checked)
        self.assertIn(f"note: {note}", done.stdout)
        self.check_counts(done, 0, 4)
        status = self.refframe("status", "results/tiny").stdout
        self.assertIn("4 of 4 runs finished\n4 runs that no plan here names: none-s1-", status)
        self.assertIn("refframe clean results/tiny --yes removes them", status)
        new = {folder[-12:]: folder for folder in run_folders(self.at("results", "tiny")).values()
               if os.path.basename(folder).startswith(("turned-", "bare-"))}
        self.assertEqual(len(new), 4)
        for folder in self.runs.values():
            self.assertSameResults(result_of_run(new[folder[-12:]]), result_of_run(folder))
        self.refframe("status", "results/tiny", "--verify")

    def test_an_axis_more(self):
        self.write("tiny.yaml", MORE)
        self.check_counts(self.refframe("run", "tiny.yaml"), 4, 4)
        self.check_same("tiny")

    def test_another_experiment_and_an_override(self):
        self.write("other.yaml", RENAMED.replace("seeds: 2", "seeds: [1, 2, 5]"))
        self.check_counts(self.refframe("run", "other.yaml"), 2, 4)
        self.check_same("other")
        changed = self.refframe("run", "tiny.yaml", "--set", "seeds=[2]")
        self.check_counts(changed, 0, 2)

    def test_what_one_of_two_does_leaves_the_other_alone(self):
        self.write("other.yaml", TINY)
        self.refframe("run", "other.yaml")
        (mine,) = [folder for folder in run_folders(self.at("results", "other")).values() if "rope-s1" in folder]
        before = result_of_run(mine)
        (theirs,) = [folder for folder in self.runs.values() if "rope-s1" in folder]
        checkpoint = sorted(glob.glob(os.path.join(theirs, "checkpoints", "*")))[-1]
        self.assertEqual(os.stat(checkpoint).st_nlink, 2)  # no second copy
        self.refframe("measure", os.path.relpath(theirs, self.folder))  # writes its log, snapshots, the manifest
        self.assertSameResults(result_of_run(mine), before)
        self.check_same("other")
        shutil.rmtree(theirs)
        self.refframe("status", "results/other", "--verify")

    def test_an_unfinished_run_goes_on_where_it_was(self):
        (ended,) = [folder for folder in self.runs.values() if "rope-s2" in folder]
        calm = result_of_run(ended)
        process = self.cut_back(ended)
        self.assertEqual(process["status"], "interrupted")
        self.write("other.yaml", RENAMED)
        done = self.refframe("run", "other.yaml")
        self.assertIn("4 runs are in other folders already, found by their ids, 1 not finished: ", done.stdout)
        self.check_counts(done, 1, 3)
        mine = self.by_id("other")[ended[-12:]]
        self.assertSameResults(result_of_run(mine), calm)
        log = read(os.path.join(mine, "log.txt")).decode()
        self.assertIn(f"until here this was results/tiny/{os.path.basename(ended)}", log)
        self.assertEqual(json.loads(read(os.path.join(mine, "manifest.json")))["n_resumes"], 1)
        self.assertEqual(json.loads(read(os.path.join(ended, "manifest.json")))["status"], "interrupted")

    def cut_back(self, run):
        """The run trained anew, until Ctrl-C behind its first checkpoint."""
        settings = read(os.path.join(run, "run.yaml"))
        shutil.rmtree(run)
        os.mkdir(run)
        with open(os.path.join(run, "run.yaml"), "wb") as file:
            file.write(settings)
        steps = "/snapshots/step-00000005.npz"
        process = self.start("train", os.path.relpath(run, self.folder), "--threads", 1)
        while not os.path.exists(run + steps) and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate()
        return json.loads(read(os.path.join(run, "manifest.json")))

    def test_one_of_another_machine_is_not_gone_on_with(self):
        (ended,) = [folder for folder in self.runs.values() if "rope-s2" in folder]
        self.assertEqual(self.cut_back(ended)["status"], "interrupted")
        change_manifest(ended, libm_bits="0" * 16)
        self.write("other.yaml", RENAMED)
        self.check_counts(self.refframe("run", "other.yaml"), 1, 3)

    def test_what_is_damaged_is_not_used_and_said(self):
        (ended,) = [folder for folder in self.runs.values() if "none-s1" in folder]
        with open(os.path.join(ended, "train.csv"), "a", encoding="utf-8") as file:
            file.write("13,1,1,1,1\n")
        self.write("other.yaml", TINY)
        done = self.refframe("run", "other.yaml")
        self.check_counts(done, 1, 3)
        self.assertRegex(done.stdout, r"note: results/tiny/none-s1-\w+ has the id of a run of this plan and was finished, but is not "
                                      r"used: .*train\.csv")

    def test_what_has_another_id_is_not_used(self):
        (ended,) = [folder for folder in self.runs.values() if "none-s1" in folder]
        change_manifest(ended, id="0" * 12)
        self.write("other.yaml", TINY)
        self.check_counts(self.refframe("run", "other.yaml"), 1, 3)

    def test_what_others_are_training_is_trained_here_too(self):
        (ended,) = [folder for folder in self.runs.values() if "none-s1" in folder]
        change_manifest(ended, status="running")
        lock = os.open(os.path.join(ended, "lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.addCleanup(os.close, lock)
        self.write("other.yaml", TINY)
        self.check_counts(self.refframe("run", "other.yaml"), 1, 3)

    def test_clean(self):
        self.write("tiny.yaml", RENAMED)
        self.refframe("run", "tiny.yaml")
        folder = self.at("results", "tiny")
        kept, in_use, half = (os.path.join(folder, name) for name in (
            os.path.basename(self.named("none-s1")), os.path.basename(self.named("none-s2")), "rope-s9-000000000000.tmp-2147483647"))
        with open(os.path.join(kept, "snapshots", "mine.txt"), "w", encoding="utf-8") as file:
            file.write("a note")
        shutil.copytree(in_use, half)
        os.mkdir(os.path.join(folder, "figures"))
        os.mkdir(os.path.join(folder, "backup.tmp-2147483646"))  # somebody's own, whatever it is called
        self.write("results/tiny/backup.tmp-2147483646/thesis.txt", "years of work")
        self.refframe("report", "results/tiny")
        before = self.everything()
        told = self.refframe("clean", "results/tiny").stdout
        self.assertEqual(self.everything(), before)
        self.assertIn("; stays, as snapshots/mine.txt is no file of a run", told)
        self.assertRegex(told, r"3 runs, 1 half-written, .*: nothing was removed yet; --yes removes them")
        told = self.refframe("clean", "results/tiny", "--yes").stdout
        self.assertRegex(told, r"3 runs, 1 half-written, .*: removed")
        left = [name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))]
        self.assertEqual(sorted(left), sorted([os.path.basename(kept), "figures", "backup.tmp-2147483646"] + [name for name in left if "turned" in name or "bare" in name]))
        self.assertEqual(len(left), 7)
        os.remove(os.path.join(kept, "snapshots", "mine.txt"))
        self.assertIn("1 run, 0 half-written", self.refframe("clean", "results/tiny", "--yes").stdout)
        self.assertIn("nothing to remove", self.refframe("clean", "results/tiny", "--yes").stdout)
        os.rmdir(os.path.join(folder, "figures"))
        shutil.rmtree(os.path.join(folder, "backup.tmp-2147483646"))
        self.refframe("status", "results/tiny", "--verify")

    def named(self, start):
        (folder,) = [folder for name, folder in self.runs.items() if name.startswith(start)]
        return folder

    def test_clean_knows_no_orphans_without_a_plan(self):
        os.mkdir(self.at("results", "shipped"))
        for verb in ("clean", "status"):
            self.assertIn("results/shipped: has no plan.json: nothing was run into it",
                          self.refframe(verb, "results/shipped", code=2).stderr)
        with open(self.at("results", "tiny", "plan.json"), "r+b") as file:
            file.seek(30)
            file.write(b"?")
        done = self.refframe("clean", "results/tiny", "--yes", code=2)
        self.assertIn("plan.json", done.stderr)
        self.assertEqual(len(run_folders(self.at("results", "tiny"))), 4)


class KilledReuse(KillCase):
    """A kill while a run is given its second name leaves it whole there, or not at all."""
    yaml = SMALL

    def test_killed_at_every_kind_of_call(self):
        self.write("other.yaml", self.yaml)
        seen = set()
        for call in self.calls("counted", *self.second("counted")):
            if kind_of(call.what) in seen:
                continue
            seen.add(kind_of(call.what))
            with self.subTest(call=call):
                folder = f"second-{call.number}-{call.half}"
                self.kill_at(call, *self.second(folder))
                self.assertWhole(self.at(folder))
                done = self.refframe(*self.second(folder, prepared=True))
                self.assertRegex(done.stdout, "0 runs trained, 1 was there already")
                self.refframe("clean", f"{folder}/other", "--yes")  # what the killed one left half-written
                (mine,) = run_folders(self.at(folder, "other")).values()
                self.assertSameResults(result_of_run(mine), result_of_run(self.calm_run))
                self.refframe("status", f"{folder}/one", "--verify")
        self.assertGreater(self.n_kills, 10)

    def second(self, folder, prepared=False):
        """The words that run other.yaml beside a copy of the calm results."""
        if not prepared:
            shutil.copytree(self.at("calm"), self.at(folder))
        return "run", "other.yaml", "--threads", 1, "--results", folder


if __name__ == "__main__":
    unittest.main()
