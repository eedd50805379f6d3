"""Without this, the weights of the steps at which a sink forms would be gone by the time that anybody knows which they were."""
import io
import json
import os
import signal
import unittest
import zipfile

import numpy as np

from harness import Case, read, result_of_run, run_folders

NECESSITY = os.path.join(os.path.dirname(os.environ["TESTS_DIR"]), "experiments", "necessity", "experiment.yaml")
ONE = f"""\
extends: {NECESSITY}
name: one
seeds: 1
train: {{steps: 500, batch_size: 32}}
checkpoint: {{around_onset: 2}}
"""
ARM = ("--set", "mask=causal", "--set", "score=softmax")


class AroundOnset(Case):
    def only_run(self):
        (run,) = [folder for name, folder in run_folders(self.at("results", os.listdir(self.at("results"))[0])).items()]
        return run

    def steps(self, run, part):
        return sorted(int(name[5:13]) for name in os.listdir(os.path.join(run, part)) if name.startswith("step-"))

    def member(self, run, name, member):
        with zipfile.ZipFile(os.path.join(run, "snapshots", name)) as npz:
            return np.load(io.BytesIO(npz.read(f"{member}.npy")))

    def test_of_a_sink_that_forms(self):
        self.write("one.yaml", ONE)
        self.refframe("run", "one.yaml", *ARM)
        run = self.only_run()
        steps = self.steps(run, "snapshots")
        floor = max(0.3, 3 * max(self.member(run, "baselines.npz", f"{kind}/sink_mass_idle").max() for kind in ("uniform", "position")))
        is_beyond = [self.member(run, f"step-{step:08d}.npz", "sink_mass_idle")[0].max() > floor for step in steps]
        onset = next(i for i in range(len(steps) - 2) if all(is_beyond[i:i + 3]))
        self.assertTrue(2 < onset < len(steps) - 4, steps[onset])
        around = [step for step in steps[onset - 2:onset + 3] if step > 0]
        self.assertEqual(self.steps(run, "checkpoints"), sorted({*around, 500}))
        told = self.refframe("measure", os.path.relpath(run, self.folder)).stdout
        self.assertIn(f"{len(around) + 1} snapshots measured again, 0 changed", told)
        self.refframe("status", os.path.relpath(os.path.dirname(run), self.folder), "--verify")
        self.check_interrupted(run, steps[onset])
        self.check_longer(around)

    def check_interrupted(self, calm, onset):
        """Killed before and behind the onset, it leaves the same files."""
        for n, at in enumerate((onset - 25, onset + 25)):
            folder = self.at(f"again-{n}")
            os.mkdir(folder)
            with open(os.path.join(folder, "run.yaml"), "wb") as file:
                file.write(read(os.path.join(calm, "run.yaml")))
            process = self.start("train", f"again-{n}", "--threads", 1)
            while not os.path.exists(os.path.join(folder, "checkpoints", f"step-{at:08d}.safetensors")) and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.refframe("train", f"again-{n}", "--threads", 2)
            self.assertEqual(json.loads(read(os.path.join(folder, "manifest.json")))["n_resumes"], 1)
            self.assertSameResults(result_of_run(folder), result_of_run(calm))

    def check_longer(self, around):
        """More steps leave what one stretch leaves: the checkpoints around the onset go along."""
        self.write("longer.yaml", ONE.replace("steps: 500", "steps: 560").replace("name: one", "name: longer"))
        self.assertIn("goes on where a shorter one ended", self.refframe("run", "longer.yaml", *ARM).stdout)
        self.refframe("run", "longer.yaml", *ARM, "--results", "stretch")
        (mine, whole) = (next(iter(run_folders(folder).values())) for folder in (
            self.at("results", next(name for name in os.listdir(self.at("results")) if name.startswith("longer"))), self.at("stretch", "longer")))
        self.assertEqual(self.steps(mine, "checkpoints"), sorted({*around, 560}))
        self.assertSameResults(result_of_run(mine), result_of_run(whole))

    def test_of_none_that_does(self):
        self.write("one.yaml", ONE.replace("steps: 500", "steps: 60"))
        self.refframe("run", "one.yaml", *ARM)
        self.assertEqual(self.steps(self.only_run(), "checkpoints"), [60])


if __name__ == "__main__":
    unittest.main()
