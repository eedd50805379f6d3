"""Without these, an export could be measured as another model than the run that it came from, or a wrong file of ids be taken for
sequences."""
import csv
import io
import json
import os
import unittest

import numpy

from exported import RUNS, experiment
from harness import Case, read, run_folders


class MeasuredModels(Case):
    def export(self, settings, name):
        """A run's folder, and its export as NAME; ids.npy has its measuring set."""
        self.write(f"{name}.yaml", experiment(settings))
        self.refframe("run", f"{name}.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", name)).values()
        self.refframe("export", run, "--to", name)
        snapshot = numpy.load(os.path.join(run, "snapshots", "step-00000006.npz"))
        numpy.save(self.at("ids.npy"), snapshot["tokens"])
        return run, snapshot

    def pooled(self, *words):
        done = self.refframe("measure", *words, "--format", "csv")
        return [row for row in csv.DictReader(io.StringIO(done.stdout)) if not row["sequence"]]

    def test_the_metrics_are_the_runs(self):
        """To the bit, of every metric of maps alone."""
        for name in "gpt2", "llama", "gpt_neox":
            with self.subTest(architecture=name):
                _, snapshot = self.export(RUNS[name], name)
                n_same = 0
                for row in self.pooled(name, "--ids", "ids.npy"):
                    if row["metric"] not in snapshot.files or not row["layer"]:
                        continue
                    values = snapshot[row["metric"]][0][int(row["layer"])]
                    value = values[int(row["head"])] if row["head"] else values
                    self.assertTrue(float(row["value"]) == float(value) or numpy.isnan(value), row)
                    n_same += 1
                self.assertGreater(n_same, 500)

    def test_formats_and_threads(self):
        self.export(RUNS["gpt2"], "gpt2")
        table = self.refframe("measure", "gpt2", "--ids", "ids.npy").stdout
        self.assertIn("2 sequences of 16 tokens, 2 layers of 4 heads; float32\n  mask causal\n", table)
        self.assertEqual(self.refframe("measure", "gpt2/", "--ids", "ids.npy", "--threads", 3).stdout.replace("gpt2/", "gpt2"), table)
        json.loads(self.refframe("measure", "gpt2", "--ids", "ids.npy", "--format", "json").stdout)
        one = numpy.load(self.at("ids.npy"))[0].astype(numpy.uint8)
        numpy.save(self.at("one.npy"), one)
        numpy.save(self.at("short.npy"), one[None, :9].astype(numpy.int64))
        self.assertIn("1 sequence of 16 tokens", self.refframe("measure", "gpt2", "--ids", "one.npy").stdout)
        self.assertIn("1 sequence of 9 tokens", self.refframe("measure", "gpt2", "--ids", "short.npy").stdout)

    def test_bad_input(self):
        run, _ = self.export(RUNS["gpt2"], "gpt2")
        V = json.loads(read(self.at("gpt2", "config.json")))["vocab_size"]
        for name, array in {"beyond": numpy.array([[3, V]]), "negative": numpy.array([[3, -1]]), "long": numpy.zeros((1, 17), int),
                            "deep": numpy.zeros((1, 1, 4), int), "floats": numpy.zeros((1, 4)), "single": numpy.array([3])}.items():
            numpy.save(self.at(name + ".npy"), array)
        shape = "ids are (N, T), sequences of 2 to 16, which is as many positions as the model has"
        for words, error in (
                (("gpt2",), "refframe measure: --ids IDS.npy is missing: what gpt2 is to be run on"),
                (("gpt2", "--ids", "none.npy"), "cannot open none.npy: No such file or directory"),
                (("gpt2", "--ids", "beyond.npy"), f"beyond.npy: sequence 0, position 1: {V} is no id of this model; they are 0 to {V - 1}"),
                (("gpt2", "--ids", "negative.npy"), f"negative.npy: sequence 0, position 1: -1 is no id of this model; they are 0 to {V - 1}"),
                (("gpt2", "--ids", "long.npy"), f"long.npy: {shape}"),
                (("gpt2", "--ids", "deep.npy"), f"deep.npy: {shape}"),
                (("gpt2", "--ids", "single.npy"), f"single.npy: {shape}"),
                (("gpt2", "--ids", "floats.npy"), "floats.npy: its items are float64; ids are int32, int64 or uint8"),
                (("gpt2", "--ids", "ids.npy", "--mask", "full"), "refframe measure: --mask and --tokens are for maps; gpt2 is a model"),
                ((run, "--ids", "ids.npy"), f"refframe measure: --ids is for a model's folder, with a config.json; {run} is a run"),
                (("ids.npy", "--ids", "ids.npy"), "refframe measure: --ids is for a model's folder; ids.npy has no config.json")):
            with self.subTest(words=words):
                self.assertEqual(self.refframe("measure", *words, code=2).stderr, f"refframe: {error}\n")

    def test_damaged_weights(self):
        self.export(RUNS["gpt2"], "gpt2")
        path = self.at("gpt2", "model.safetensors")
        data = bytearray(read(path))
        data[len(data) // 2] ^= 1
        self.write(path, bytes(data))
        done = self.refframe("measure", "gpt2", "--ids", "ids.npy", code=2)
        self.assertRegex(done.stderr, r"^refframe: gpt2/model.safetensors: .*it is damaged\n$")
        os.remove(path)
        done = self.refframe("measure", "gpt2", "--ids", "ids.npy", code=2)
        self.assertEqual(done.stderr, "refframe: cannot open gpt2/model.safetensors: No such file or directory\n")


if __name__ == "__main__":
    unittest.main()
