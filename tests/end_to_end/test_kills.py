"""Without these, a kill in a snapshot's or a checkpoint's write, or between a rename and its folder's sync, could cost a
result; random instants hardly ever fall there. Once at each kind of call here; every single call: long_kills.py."""
import hashlib
import json
import os
import shutil
import unittest

from harness import read, result_of_run
from killing import KillCase


def one_of_each(calls):
    """The middle one of the calls that do the same to the same kind of file."""
    kinds = {}
    for call in calls:
        kinds.setdefault((call.what, call.half), []).append(call)
    return [kind[len(kind) // 2] for kind in kinds.values()]


class Kills(KillCase):
    def test_a_run_killed_in_every_phase(self):
        calls = self.train_calls()
        chosen = one_of_each(calls)
        phases = {call.what for call in chosen}
        for phase in ("work -",                                             # in a step, or in measuring
                      "write snapshots/step.npz", "rename snapshots/step.npz", "fsync snapshots",
                      "write checkpoints/step.safetensors", "rename checkpoints/step.safetensors", "fsync checkpoints",
                      "write train.csv", "fsync train.csv", "rename manifest.json", "write tokenizer.csv",
                      "unlink checkpoints/step.safetensors"):
            self.assertIn(phase, phases)
        for call in chosen:
            self.check_train(call)
        self.assertEqual(self.n_kills, len(chosen))
        self.assertGreaterEqual(self.n_kills, 40)

    def test_rows_are_written_as_steps_end(self):
        """Killed at the eighth row's write, between two checkpoints: seven rows are there."""
        writes = [call for call in self.train_calls() if call.what == "write train.csv" and not call.half]
        self.assertEqual(len(writes), 1 + 12)  # the header first
        self.kill_at(writes[8], "train", self.begun("rows"), "--threads", 2)
        rows = read(self.at("rows", "train.csv"))
        self.assertEqual(rows, read(os.path.join(self.calm_run, "train.csv"))[:len(rows)])
        self.assertEqual(rows.count(b"\n"), 1 + 7)

    def test_a_resume_killed_in_every_phase(self):
        """The first kill lies before the last checkpoint's rename, so that the resume has much to cut back."""
        last = [call for call in self.train_calls() if call.what == "rename checkpoints/step.safetensors"][-1]
        self.kill_at(last, "train", self.begun("torn"), "--threads", 2)
        chosen = one_of_each(self.train_calls("torn"))
        phases = {call.what for call in chosen}
        for phase in ("unlink snapshots/step.npz", "ftruncate train.csv", "fsync train.csv"):
            self.assertIn(phase, phases)
        for call in chosen:
            self.check_train(call, "torn")
        self.assertEqual(self.n_kills, 1 + len(chosen))

    def test_measuring_again_killed_in_every_phase(self):
        """Between a new snapshot and its hash in the manifest: the next measuring finds nothing to change but the hash."""
        snapshots = os.path.join(self.calm_run, "snapshots")
        expected = result_of_run(self.calm_run)
        shutil.copytree(self.calm_run, self.at("wrong"))
        shutil.copy(os.path.join(snapshots, "step-00000009.npz"), self.at("wrong", "snapshots", "step-00000012.npz"))
        shutil.copytree(self.at("wrong"), self.at("counted"))
        calls = self.calls("counted", "measure", "counted")
        self.assertIn("rename snapshots/step.npz", {call.what for call in calls})
        self.assertIn("rename manifest.json", {call.what for call in calls})
        for call in one_of_each(calls):
            with self.subTest(call=call):
                shutil.copytree(self.at("wrong"), self.at("r"))
                self.kill_at(call, "measure", "r")
                self.assertWhole(self.at("r"))
                self.refframe("measure", "r")
                found = result_of_run(self.at("r"))
                self.assertSameResults(found, expected)
                files = json.loads(read(self.at("r", "manifest.json")))["files"]
                self.assertEqual({name: hashlib.sha256(found[name]).hexdigest() for name in files}, files)
                shutil.rmtree(self.at("r"))

    def test_an_experiment_killed_in_its_own_files(self):
        """The parent's: plan, run.yaml, tables and report."""
        calls = self.calls("counted-run", *self.run_words("counted-run"))
        phases = {call.what for call in calls}
        for phase in ("rename run.yaml", "rename plan.json", "write report.html", "fsync one"):
            self.assertIn(phase, phases)
        chosen = [call for call in one_of_each(calls) if not call.what.startswith("open")][::3]
        for call in chosen:
            self.check_run(call)
        self.assertGreaterEqual(self.n_kills, 8)


if __name__ == "__main__":
    unittest.main()
