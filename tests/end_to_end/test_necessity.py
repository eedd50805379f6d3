"""Without this, the shipped experiment on the necessity of sinks could lose a part of the paper's setting, and its numbers with it
(Ran-Milo, arXiv 2603.11487, figure 3): one seed of each of its arms, from start to end."""
import io
import os
import unittest
import zipfile

import numpy as np

from harness import Case, read, run_folders

EXPERIMENT = os.path.join(os.path.dirname(os.environ["TESTS_DIR"]), "experiments", "necessity", "experiment.yaml")


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


if __name__ == "__main__":
    unittest.main()
