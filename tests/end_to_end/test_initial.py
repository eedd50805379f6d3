"""Without these, runs that start from other weights could share an id, or a run could lose its id with the place of a file."""
import json
import os
import re
import shutil
import unittest

from harness import SINGLE, Case, read, run_folders

GIVEN = SINGLE + "model.init.from: given/weights.safetensors\n"


class Initial(Case):
    def ids(self, name):
        return re.findall(r"(?m)^ +(all-s1-[0-9a-f]{12}) ", self.refframe("check", name).stdout)

    def give(self, step, folder="given"):
        """The checkpoint of a run without a file, as initial weights."""
        (run,) = run_folders(self.at("results", "first")).values()
        os.makedirs(self.at(folder), exist_ok=True)
        shutil.copy(os.path.join(run, "checkpoints", f"step-{step:08}.safetensors"), self.at(folder, "weights.safetensors"))

    def setUp(self):
        super().setUp()
        self.write("first.yaml", SINGLE)
        self.refframe("run", "first.yaml")
        self.give(12)
        self.write("second.yaml", GIVEN)

    def test_the_file_is_part_of_the_id(self):
        usual, given = self.ids("first.yaml"), self.ids("second.yaml")
        self.assertEqual((len(usual), len(given)), (1, 1))
        self.assertNotEqual(usual, given)
        self.give(12, "elsewhere")
        self.write("third.yaml", GIVEN.replace("given/", "elsewhere/"))
        self.assertEqual(self.ids("third.yaml"), given, "the same weights at another place")
        self.give(9)
        self.assertNotEqual(self.ids("second.yaml"), given, "other weights at the same place")

    def test_it_starts_where_the_other_ended(self):
        """Its first loss is that of the checkpoint's weights."""
        self.refframe("run", "second.yaml")
        (first,), (second,) = (run_folders(self.at("results", name)).values() for name in ("first", "second"))
        losses = [[float(line.split(",")[1]) for line in read(os.path.join(run, "train.csv")).decode().splitlines()[1:]]
                  for run in (first, second)]
        self.assertLess(losses[1][0], losses[0][0] - 0.01)
        self.assertIn(json.loads(read(os.path.join(second, "manifest.json")))["id"], second)

    def test_a_run_wants_the_weights_it_was_given(self):
        self.refframe("run", "second.yaml")
        (second,) = run_folders(self.at("results", "second")).values()
        self.give(9)
        for verb in ("measure", "train"):
            error = self.refframe(verb, second, code=2).stderr
            self.assertEqual(len(error.splitlines()), 1, error)
            self.assertIn("changed", error)


if __name__ == "__main__":
    unittest.main()
