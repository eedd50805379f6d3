"""Without this, the shipped experiment on the necessity of sinks could lose a part of the paper's setting, and its numbers with it
(Ran-Milo, arXiv 2603.11487, figure 3): one seed of each of its arms, from start to end. And what is committed of an experiment, tables,
verdicts, figures and the page that a reader opens without training, could be other than what its runs give."""
import io
import os
import unittest
import zipfile

import numpy as np

from harness import Case, read, run_folders

ROOT = os.path.dirname(os.environ["TESTS_DIR"])
EXPERIMENT = os.path.join(ROOT, "experiments", "necessity", "experiment.yaml")
COMMITTED = ("changes.csv", "early.svg", "frames.csv", "labels.svg", "onset.csv", "report.html", "runs.csv", "summary.csv", "verdicts.json")


class Necessity(Case):
    def test_one_seed_has_the_numbers(self):
        self.write("one.yaml", f"extends: {EXPERIMENT}\nseeds: 1\nsnapshot.every: 400\n")
        self.refframe("run", "one.yaml", "--threads", 2, timeout=240)
        runs = {name.rsplit("-s1-")[0]: path for name, path in run_folders(self.at("results", "one")).items()}
        self.assertEqual(sorted(runs), ["causal-relu", "causal-softmax", "full-relu", "full-softmax"])

        def values(run, step, *names):
            with zipfile.ZipFile(os.path.join(runs[run], "snapshots", f"step-{step:08d}.npz")) as npz:
                return [float(np.load(io.BytesIO(npz.read(f"{name}.npy"))).flat[0]) for name in names]

        for run in runs:  # solved; the ReLU head, causal, nearly
            (before,), (after,) = values(run, 0, "held_out_loss"), values(run, 800, "held_out_loss")
            self.assertLess(after, before * (0.01 if run == "causal-relu" else 0.002), run)
        self.assertGreater(values("causal-softmax", 800, "sink_mass_idle")[0], 0.995)
        start, end = values("full-softmax", 800, "sink_mass_idle", "end_mass")
        self.assertAlmostEqual(start + end * 15 / 14, 1, delta=0.01)  # all but the trigger's row goes to both ends
        self.assertTrue(0.4 < start < 0.6, start)
        for run in ("causal-relu", "full-relu"):
            self.assertEqual(values(run, 800, "empty_rows"), [15])
        self.assertIn("n_parameters\": 1024", read(os.path.join(runs["causal-softmax"], "manifest.json")).decode())

    def test_what_is_committed_comes_again(self):
        """Byte for byte, all 24 runs; reference.json names the machine."""
        self.refframe("run", EXPERIMENT, timeout=600)
        for name in COMMITTED:
            with self.subTest(file=name):
                self.assertEqual(read(self.at("results", "necessity", name)), read(os.path.join(ROOT, "results", "necessity", name)))


if __name__ == "__main__":
    unittest.main()
