"""Without these, a run that is given more steps would begin again at step 0, or go on from where it could not have been."""
import json
import os
import shutil
import unittest

from harness import MODEL, SWEEP, Case, change_manifest, read, result_of_run, run_folders
from killing import SMALL, KillCase, kind_of

CONSTANT = SWEEP + MODEL.replace("  warmup_steps: 4\n", "  warmup_steps: 4\n  schedule: {kind: constant}\n")
STABLE = CONSTANT.replace("{kind: constant}", "{kind: wsd, decay_share: 0.5}").replace("keep: 2", "keep: 4")
COSINE = CONSTANT.replace("{kind: constant}", "{kind: cosine}")
SHORTER = "where a shorter one ended that is the same up to there, with the checkpoints that it kept: results/tiny/"


class Longer(Case):
    def run_twice(self, yaml, steps):
        """The words of a second run with more steps, and what came of it beside what one at a stretch gives."""
        self.write("tiny.yaml", yaml)
        self.refframe("run", "tiny.yaml")
        more = "run", "tiny.yaml", "--set", f"train.steps={steps}"
        done = self.refframe(*more).stdout
        self.refframe(*more, "--results", f"calm-{steps}")
        name = f"tiny+train.steps={steps}"
        mine, calm = run_folders(self.at("results", name)), run_folders(self.at(f"calm-{steps}", "tiny"))
        self.assertEqual(mine.keys(), calm.keys())
        for run, folder in mine.items():
            self.assertSameResults(result_of_run(folder), result_of_run(calm[run]))
        self.refframe("status", f"results/{name}", "--verify")
        self.refframe("status", "results/tiny", "--verify")
        return done, mine

    def first_line(self, folder):
        """Of this run's own process: where it began."""
        lines = read(os.path.join(folder, "log.txt")).decode().splitlines()
        return [line for line in lines if "started at" in line or "resumed at" in line][-1]

    def check_goes_on(self, yaml, steps, at):
        done, runs = self.run_twice(yaml, steps)
        self.assertIn(f"note: 4 runs go on {SHORTER}", done)
        for folder in runs.values():
            self.assertIn(f"resumed at step {at} of {steps}", self.first_line(folder))
            self.assertEqual(json.loads(read(os.path.join(folder, "manifest.json")))["n_resumes"], 1)

    def test_goes_on_from_the_end(self):
        self.check_goes_on(CONSTANT, 21, 12)

    def test_an_end_that_was_measured_otherwise_is_measured_again(self):
        """The last snapshot has every metric; the longer run, at that step, only those that are due."""
        self.check_goes_on(CONSTANT.replace("\n  steps: 12", "\n  steps: 15"), 21, 15)

    def test_check_says_so_and_takes_nothing(self):
        self.write("tiny.yaml", CONSTANT)
        self.refframe("run", "tiny.yaml")
        before = self.everything()
        self.assertIn(f"4 runs go on {SHORTER}", self.refframe("check", "tiny.yaml", "--set", "train.steps=20").stdout)
        self.assertNotIn("shorter", self.refframe("check", "tiny.yaml", "--set", "train.steps=11").stdout)
        self.assertEqual(self.everything(), before)

    def test_a_longer_one_goes_on_from_the_longest(self):
        self.write("tiny.yaml", CONSTANT)
        for steps in (12, 16, 14):
            self.refframe("run", "tiny.yaml", "--set", f"train.steps={steps}")
        self.refframe("run", "tiny.yaml", "--set", "train.steps=18")
        for folder in run_folders(self.at("results", "tiny+train.steps=18")).values():
            self.assertIn("resumed at step 16 of 18", self.first_line(folder))

    def test_of_two_that_are_the_same_the_whole_one_serves(self):
        """Another experiment has the same runs, and its checkpoints are gone."""
        self.write("tiny.yaml", CONSTANT)
        self.write("atiny.yaml", CONSTANT)  # looked at first, by its name
        for name in ("tiny", "atiny"):
            self.refframe("run", f"{name}.yaml")
        for folder in run_folders(self.at("results", "atiny")).values():
            shutil.rmtree(os.path.join(folder, "checkpoints"))
            os.mkdir(os.path.join(folder, "checkpoints"))
        self.assertIn(f"4 runs go on {SHORTER}", self.refframe("check", "tiny.yaml", "--set", "train.steps=20").stdout)

    def test_a_stable_rate_goes_on_from_before_its_fall(self):
        """After 4 of warm-up the first 5 of 8 updates have the peak's rate; steps 3, 6, 9 and 12 have checkpoints."""
        self.check_goes_on(STABLE, 24, 9)

    def test_a_rate_that_knows_the_end_starts_anew(self):
        done, runs = self.run_twice(COSINE, 20)
        self.assertNotIn(SHORTER, done)
        self.assertRegex(done, r"note: results/tiny/\S+ is the same with fewer steps, but can't be gone on from: from step 6 on its "
                               r"learning rate is another \(train.schedule\)")
        for folder in runs.values():
            self.assertIn("started at step 0 of 20", self.first_line(folder))

    def test_what_cannot_be_gone_on_from_is_said(self):
        self.write("tiny.yaml", CONSTANT.replace("seeds: 2", "seeds: 1").replace("[rope, none]", "[rope]"))
        self.refframe("run", "tiny.yaml")
        (run,) = run_folders(self.at("results", "tiny")).values()
        checkpoints = os.path.join(run, "checkpoints")

        def refused(why):
            told = self.refframe("check", "tiny.yaml", "--set", "train.steps=20").stdout
            self.assertRegex(told, "can't be gone on from: " + why)
            self.assertNotIn(SHORTER, told)

        calm = read(os.path.join(run, "manifest.json"))
        change_manifest(run, libm_bits="0" * 16)
        refused("it was trained on a machine that computes other bits")
        with open(os.path.join(run, "manifest.json"), "wb") as file:
            file.write(calm)
        for name in os.listdir(checkpoints):
            with open(os.path.join(checkpoints, name), "r+b") as file:
                file.seek(-1, os.SEEK_END)
                file.write(b"\x55")
        refused("its checkpoints are gone or not what was written")
        os.remove(os.path.join(run, "snapshots", "step-00000005.npz"))
        refused("snapshots/step-00000005.npz is gone")
        done = self.refframe("run", "tiny.yaml", "--set", "train.steps=20").stdout
        self.assertIn("1 run trained, 0 were there already", done)

    def test_other_settings_are_not_the_same_run(self):
        self.write("tiny.yaml", CONSTANT)
        self.refframe("run", "tiny.yaml")
        self.assertNotIn("shorter", self.refframe("run", "tiny.yaml", "--set", "train.steps=20", "--set", "train.lr=0.01").stdout)


class KilledLonger(KillCase):
    """A kill while a run is given its beginning leaves it whole, or not there; it ends with the same bytes."""
    yaml = SMALL.replace("warmup_steps: 2", "warmup_steps: 2, schedule: {kind: constant}")

    def test_killed_at_every_kind_of_call(self):
        seen = set()
        self.write("longer.yaml", self.yaml.replace("steps: 4,", "steps: 6,"))
        self.refframe(*self.longer("stretch"))
        (calm,) = run_folders(self.at("stretch", "longer")).values()
        for call in self.calls("counted", *self.longer("counted", "calm")):
            if kind_of(call.what) in seen:
                continue
            seen.add(kind_of(call.what))
            with self.subTest(call=call):
                folder = f"longer-{call.number}-{call.half}"
                self.kill_at(call, *self.longer(folder, "calm"))
                self.wait_for_locks()
                self.assertWhole(self.at(folder))
                self.refframe(*self.longer(folder))
                self.refframe("clean", f"{folder}/longer", "--yes")
                (mine,) = run_folders(self.at(folder, "longer")).values()
                self.assertSameResults(result_of_run(mine), result_of_run(calm))
                self.refframe("status", f"{folder}/one", "--verify")
        self.assertGreater(self.n_kills, 10)

    def longer(self, folder, beside=None):
        """The words that run one.yaml's run with two steps more, beside a copy of results where there are some."""
        if beside:
            shutil.copytree(self.at(beside), self.at(folder))
        return "run", "longer.yaml", "--threads", 1, "--results", folder


if __name__ == "__main__":
    unittest.main()
