"""Without these, a base configuration could name a key that is gone, or a paper's setting lose a part of what makes it that
paper's, and every experiment that starts from it would train something else."""
import glob
import io
import os
import re
import unittest
import zipfile

import numpy as np

from harness import Case, read, run_folders

CONFIGS = os.path.join(os.path.dirname(os.environ["TESTS_DIR"]), "configs")


class Configs(Case):
    def test_all_are_accepted(self):
        paths = sorted(glob.glob(os.path.join(CONFIGS, "*.yaml")))
        self.assertGreater(len(paths), 2)
        for path in paths:
            self.assertIn("claims", self.refframe("check", path).stdout)

    def test_guo_one_layer(self):
        """The weights that it starts from are those that the paper's code draws, whatever the keys are called: 1 layer, 1 head, d 256,
        T 256, embeddings N(0, 1), linear layers without biases uniform within fan-in^-1/2, LayerNorm before each branch."""
        path = os.path.join(CONFIGS, "guo_one_layer.yaml")
        self.refframe("run", path, "--results", "results", "--set", "train.steps=1", "--set", "train.batch_size=2", "--set",
                      "snapshot.weights=true", "--set", "measure.sequences=2", "--set", "snapshot.maps=0", timeout=240)
        (run,) = run_folders(self.at("results", "guo_one_layer")).values()
        settings = read(os.path.join(run, "run.yaml")).decode()
        for line in ("n_heads: 1", "norm_placement: pre", "activation: relu", "lr: 0.0003", "beta1: 0.9", "beta2: 0.99",
                     "weight_decay: 0.0001", "clip: 0"):
            self.assertRegex(settings, rf"(?m)^ +{re.escape(line)}$")
        self.assertRegex(read(path).decode(), r"(?m)^  batch_size: 512$")
        with zipfile.ZipFile(os.path.join(run, "snapshots", "step-00000000.npz")) as npz:
            weights = {name[len("weights/"):-len(".npy")]: np.load(io.BytesIO(npz.read(name)))
                       for name in npz.namelist() if name.startswith("weights/")}
        V = len(weights["embedding.token"])
        block = "blocks.0."
        shapes = {"embedding.token": (V, 256), "embedding.position": (256, 256), "head.weight": (256, V),
                  block + "mlp.up.weight": (256, 1024), block + "mlp.down.weight": (1024, 256)}
        shapes.update({f"{block}attention.{x}.weight": (256, 256) for x in ("q", "k", "v", "out")})
        norms = [f"{place}norm.{part}" for place in (block + "attention.", block + "mlp.", "head.") for part in ("gain", "shift")]
        self.assertEqual(sorted(weights), sorted([*shapes, *norms]))
        for name, shape in shapes.items():
            with self.subTest(name):
                self.assertEqual(weights[name].shape, shape)
                bound = shape[0] ** -0.5
                if name.startswith("embedding."):
                    self.assertAlmostEqual(weights[name].std(), 1, delta=0.03)
                else:
                    self.assertLessEqual(np.abs(weights[name]).max(), bound)
                    self.assertAlmostEqual(weights[name].std() / (bound / 3 ** 0.5), 1, delta=0.03)

    def first_losses(self, name, *keys):
        """Held-out loss, of all and of each group, of a config's first arm at step 0, with other keys."""
        words = [word for key in ("train.steps=1", "train.batch_size=2", "snapshot.maps=0", "seeds=1", *keys) for word in ("--set", key)]
        self.refframe("run", os.path.join(CONFIGS, f"{name}.yaml"), "--results", "results", *words, timeout=240)
        folder = sorted(run_folders(self.at("results", name)).items())[0][1]
        with zipfile.ZipFile(os.path.join(folder, "snapshots", "step-00000000.npz")) as npz:
            return np.load(io.BytesIO(npz.read("held_out_loss.npy")))

    def test_broadcast_of_a_model_that_does_nothing(self):
        """With weights of 0 the answer is the input, and the loss what the donor adds to each goal: of C channels C - 1 are standard
        normal, and one is the largest of T - 1 normals."""
        losses = self.first_losses("broadcast", "model.output=identity", "model.init.weight=constant", "model.init.weight_std=0",
                                   "model.init.position_std=0", "measure.sequences=256")
        most = np.sort(np.random.default_rng(1).standard_normal((20000, 31)), 1)[:, -1]
        expected = (63 + (most ** 2).mean()) / 64
        for value in losses:  # content, donor and ends alike; of 256 sums of squares
            self.assertAlmostEqual(value, expected, delta=4 * (2 / 64 / 256) ** 0.5)
        self.assertEqual(losses.size, 4)

    def test_retrieval_of_a_model_that_knows_nothing(self):
        """With a head of 0 each of the 37 ids is as likely, whatever is asked for; no held-out query asks for another place than three."""
        losses = self.first_losses("retrieval", "model.init.weight=constant", "model.init.weight_std=0", "model.init.bias=zero",
                                   "model.init.head_std=0", "measure.sequences=64")
        np.testing.assert_allclose(losses[:4], np.log(37), rtol=1e-6)
        self.assertTrue(np.isnan(losses[4]))


if __name__ == "__main__":
    unittest.main()
