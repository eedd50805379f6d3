"""Without this, the Python reader could say something else than the report does, or take a damaged file for a result."""
import contextlib
import csv
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy

from harness import MODEL, REFFRAME, Case

PYTHON = os.path.join(os.environ["TESTS_DIR"], os.pardir, "python")
sys.path.insert(0, PYTHON)
import refframe  # noqa: E402

SWEEP = """\
claim: a model of two layers trains
seeds: 1
sweep:
  model.position.kind: [rope, none]
  ends: {both: {data.eos: always}, bare: {data.bos: never}}
""" + MODEL.replace("n_layers: 1", "n_layers: 2\n  activation: relu")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Reader(Case):
    @classmethod
    def setUpClass(cls):
        """Trains once; each test has a copy of its own to spoil."""
        cls.trained = tempfile.mkdtemp(prefix="refframe-test-")
        cls.addClassCleanup(shutil.rmtree, cls.trained, ignore_errors=True)
        with open(os.path.join(cls.trained, "small.yaml"), "w", encoding="utf-8") as file:
            file.write(SWEEP)
        for words in (("run", "small.yaml", "--results", "results"), ("report", "results/small", "--table", "geometry", "--table", "heads")):
            subprocess.run([REFFRAME, *words], cwd=cls.trained, check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(self.trained, "results"), self.at("results"))
        self.results = refframe.load(self.at("results", "small"))

    def test_it_says_what_the_tables_say(self):
        """Layers and models of every metric as in geometry.csv, final values of the strongest heads as in summary.csv."""
        found = {}
        for level in ("layer", "model"):
            curves = self.results.curves(*self.results.metrics_measured(), level=level)
            for row in zip(*(curves[name] for name in ("run", "step", "tokens", "layer", "metric", "value"))):
                found[(*row[:3], "" if row[3] is None else str(row[3]), row[4])] = row[5]
        expected = {(row["run"], int(row["step"]), int(row["tokens"]), row["layer"], row["metric"]): float(row["value"])
                    for row in rows_of(self.at("results", "small", "geometry.csv")) if row["value"] and row["metric"] in self.results.metrics}
        self.assertGreater(len(expected), 1000)
        self.assertEqual({key for key in expected if key not in found}, set())
        for key, value in expected.items():
            self.assertAlmostEqual(found[key], value, delta=1e-12 * max(1, abs(value)), msg=key)

        for row in rows_of(self.at("results", "small", "summary.csv")):
            curves = self.results.curves(row["metric"], "held_out_loss")
            for metric, column in ((row["metric"], "final"), ("held_out_loss", "loss")):
                mine = (curves["arm"] == row["arm"]) & (curves["metric"] == metric)
                self.assertEqual(set(curves["ends"][mine]), {row["ends"]})
                self.assertEqual(numpy.median(curves["value"][mine][-3:]), float(row[column]), (row["arm"], metric))

    def test_it_says_what_the_tables_of_runs_and_curves_say(self):
        """Every column that both have, and every curve of a metric or a loss."""
        mine, told = self.results.runs_table(), self.results.table("runs")
        both = [name for name in mine if name in told]
        self.assertEqual(both, ["run", "arm", "model.position.kind", "ends", "seed", "id", "status", "tokens", "loss", "frame",
                                "frame_by_token"])
        for name in both:
            self.assertEqual(list(mine[name]), list(told[name]), name)
        self.assertEqual(list(mine["steps"]), list(told["step"]))

        rows = [row for row in rows_of(self.at("results", "small", "curves.csv")) if row["value"] and ":" not in row["metric"]]
        expected = {(row["arm"], row["ends"], int(row["step"]), int(row["tokens"]), row["metric"],
                     "model" if row["metric"] == "held_out_loss" else row["level"], row["layer"], row["head"]): float(row["value"]) for row in rows}
        self.assertEqual(len(expected), len(rows), "no curve stands there twice")
        metrics = list(dict.fromkeys(row["metric"] for row in rows))
        self.assertIn("held_out_loss", metrics)
        self.assertEqual(len(metrics), 4)
        found = {}
        for level in ("strongest", "model", "layer"):
            curves = self.results.curves(*metrics, level=level)
            for *key, metric, layer, head, value in zip(*(curves[name] for name in ("arm", "ends", "step", "tokens", "metric", "layer", "head",
                                                                                    "value"))):
                place = ["" if at is None else str(at) for at in (layer, head)]
                found[(*key, metric, "model" if metric == "held_out_loss" else level, *place)] = value
        self.assertEqual(found.keys(), expected.keys())
        for key, value in expected.items():
            self.assertAlmostEqual(found[key], value, delta=1e-12 * max(1, abs(value)), msg=key)

        run = self.results.run("none-both", 1)
        heads = {(row["run"], int(row["step"]), row["metric"], int(row["layer"]), int(row["head"])): float(row["value"])
                 for row in rows_of(self.at("results", "small", "heads.csv")) if row["value"]}
        values = run.values("sink_mass")
        for (s, layer, head), value in numpy.ndenumerate(values):
            self.assertEqual(heads[run.folder_name, int(run.steps[s]), "sink_mass", layer, head], value)

    def test_columns_are_told_of(self):
        """columns.csv names every column of every table; those of numbers hold nothing else."""
        told = self.results.table("columns")
        names = sorted(name for name in os.listdir(self.at("results", "small")) if name.endswith(".csv"))
        self.assertEqual(sorted(set(told["table"])), names)
        for name in names:
            table, own = self.results.table(name), told["table"] == name
            self.assertEqual(list(told["column"][own]), list(table))
            for column, kind in zip(told["column"][own], told["kind"][own]):
                if kind == "numbers":
                    self.assertIn(table[column].dtype.kind, "if", f"{name}: {column}")

    def test_axes_called_like_columns(self):
        for run in self.results.runs:
            run.values_of_axes = {"seed": "s", "loss": run.values_of_axes["ends"], "ends": "e"}
        table, curves = self.results.runs_table(), self.results.curves("sink_mass")
        self.assertEqual(list(table["loss (axis)"]), ["both", "bare"] * 2)
        self.assertEqual(list(table["seed"]), [1] * 4)
        self.assertEqual(set(curves["seed (axis)"]), {"s"})
        self.assertEqual(set(curves["loss"]), {"both", "bare"})

    def test_runs_and_their_files(self):
        table = self.results.runs_table()
        self.assertEqual(list(table["arm"]), ["rope-both", "rope-bare", "none-both", "none-bare"])
        self.assertEqual(list(table["ends"]), ["both", "bare"] * 2)
        self.assertEqual(set(table["status"]), {"finished"})
        self.assertEqual(len(set(table["id"])), 4)
        frames = {row["run"]: row["final"] for row in rows_of(self.at("results", "small", "frames.csv")) if not row["layer"]}
        self.assertEqual(dict(zip(table["run"], table["frame"])), frames)
        run = self.results.run("none-both", 1)
        self.assertEqual(list(run.steps), [0, 1, 2, 4, 5, 10, 12])
        self.assertEqual(list(run.tokens), [64 * step for step in run.steps])
        self.assertEqual(list(run.train["step"]), list(range(1, 13)))
        self.assertEqual(run.train["loss"].dtype, float)
        self.assertEqual(run.map(12).shape, (2, 2, 16, 16))
        numpy.testing.assert_allclose(run.map(12).sum(-1), 1, atol=1e-5)
        self.assertEqual(run.values("sink_mass").shape, (7, 2, 2))
        self.assertEqual(run.values("held_out_loss").shape[0], 7)
        self.assertEqual(sorted(run.weights(9)), sorted(run.weights()))
        self.assertEqual(run.weights()["blocks.1.mlp.up.weight"].shape, (16, 64))
        self.assertIn("uniform/sink_mass", run.baselines())

    def test_what_is_not_what_the_run_left_is_refused(self):
        run = self.results.run("none-both", 1)
        path = os.path.join(run.folder, "snapshots", "step-00000012.npz")
        with open(path, "r+b") as file:
            file.seek(os.path.getsize(path) // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        with self.assertRaisesRegex(refframe.Error, r"step-00000012\.npz: is not what the run left"):
            run.snapshot(12)
        with self.assertRaisesRegex(refframe.Error, r"step-00000012\.npz: is not what the run left"):
            self.results.curves("sink_mass")
        run.snapshot(10)
        shutil.copy(path, os.path.join(run.folder, "snapshots", "step-00000011.npz"))
        self.assertNotIn(11, run.steps)
        os.remove(os.path.join(run.folder, "train.csv"))
        with self.assertRaisesRegex(refframe.Error, "train.csv: No such file"):
            run.train

    def test_one_bit_anywhere_is_refused(self):
        """Of plan, metrics, a table, a manifest: each bit of a byte here and there, which may well leave a number a number."""
        run = self.results.runs[0].folder_name
        for name, reads in (("plan.json", lambda results: results.axes), ("metrics.json", lambda results: results.metrics),
                            ("summary.csv", lambda results: results.table("summary")), ("runs.csv", lambda results: results.runs_table()),
                            (f"{run}/manifest.json", lambda results: results.runs_table())):
            path = self.at("results", "small", name)
            with open(path, "rb") as file:
                whole = file.read()
            for at in range(0, len(whole) - 100, len(whole) // 7):
                with self.subTest(file=name, at=at):
                    self.write(path, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                    with self.assertRaisesRegex(refframe.Error, os.path.basename(name)):
                        reads(refframe.load(self.at("results", "small")))
            self.write(path, whole)
            reads(refframe.load(self.at("results", "small")))

    def test_what_is_not_there_is_named(self):
        run = self.results.run("none-both", 1)
        for ask, words in ((lambda: run.snapshot(3), "no snapshot of step 3; there are 0, 1, 2, 4"),
                           (lambda: run.values("sink_mas"), "no snapshot has the metric 'sink_mas'"),
                           (lambda: run.traces("sink_mass", "heads"), "level 'heads' is none of"),
                           (lambda: run.weights(5), "no weights of step 5; checkpoints are of 9, 12"),
                           (lambda: self.results.run("none", 1), "arms are rope-both, rope-bare, none-both, none-bare"),
                           (lambda: self.results.table("sumary"), "sumary.csv: No such file"),
                           (lambda: refframe.load(self.at("nowhere")), "plan.json: No such file")):
            with self.assertRaisesRegex(refframe.Error, re.escape(words)):
                ask()

    def test_runs_that_have_not_finished_are_said_to_be_so(self):
        run = self.results.run("rope-both", 1)
        os.remove(os.path.join(run.folder, "manifest.json"))
        again = refframe.load(self.at("results", "small"))
        self.assertEqual([run.status for run in again.runs], ["planned", "finished", "finished", "finished"])
        self.assertEqual(set(again.curves("sink_mass")["arm"]), {"rope-bare", "none-both", "none-bare"})

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
    def test_pandas_takes_a_table(self):
        import pandas

        curves = pandas.DataFrame(self.results.curves("sink_mass"))
        wide = curves.pivot_table(index="step", columns="arm", values="value", aggfunc="median")
        self.assertEqual(wide.shape, (7, 4))
        self.assertEqual(pandas.DataFrame(self.results.table("summary"))["runs"].sum(), 4)

    @unittest.skipUnless(importlib.util.find_spec("torch"), "torch is not installed")
    def test_the_readme_runs_a_checkpoint_in_torch(self):
        """Its code, on a model of this test's; the loss is the one that the run measured."""
        with open(os.path.join(PYTHON, "README.md"), encoding="utf-8") as file:
            (code,) = [code for code in re.findall("```python\n(.*?)```", file.read(), re.S) if "torch" in code]
        code = code.replace("results/quickstart", self.at("results", "small")).replace('"none"', '"none-both"')
        names = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "README.md", "exec"), names)
        self.assertAlmostEqual(names["loss"], names["snapshot"]["held_out_loss"][0], delta=1e-5)
        numpy.testing.assert_allclose(names["attention"].mean(0), names["snapshot"]["map_mean"][-1], atol=1e-5)

    def test_it_can_be_installed(self):
        if not all(map(importlib.util.find_spec, ("pip", "setuptools"))):
            self.skipTest("pip or setuptools is not installed")
        shutil.copytree(PYTHON, self.at("python"), ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
                               "--target", self.at("there"), self.at("python")], text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(self.at("there", "refframe.py")))


if __name__ == "__main__":
    unittest.main()
