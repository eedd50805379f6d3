"""Without these, a training that was published in steps could be read in another order than it went, one revision on other ids
than the next, or its onsets by other rules than those of our own runs."""
import csv
import io
import json
import os
import shutil
import subprocess
import unittest

import numpy

from harness import REFFRAME, Case, read, run_folders

STEPS = [0, 1, 2, 4, 8, 10, 20, 30, 40, 50, 60]
RUN = """\
seeds: 1
model: {n_layers: 2, d_model: 32, %s}
data: {source: {kind: text}}
train: {steps: 60, batch_size: %d, warmup_steps: 2, lr: 0.01}
measure: {sequences: 4}
snapshot: {every: 10, maps: 0, weights: %s}
checkpoint: {every: 30, keep: 2}
"""
ROPE = "n_heads: 2, context_length: 32, d_ff: 64, norm: rmsnorm, activation: swiglu, position: {kind: rope}", 8
ALIBI = "n_heads: 8, context_length: 128, bias: true, bias_head: false, embedding_norm: true, position: {kind: alibi}", 2  # as many tokens a step


class Revisions(Case):
    def trained(self, weights="true", model=ROPE):
        """A run's folder and its measuring set as ids.npy."""
        self.write("run.yaml", RUN % (*model, weights))
        self.refframe("run", "run.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", "run")).values()
        numpy.save(self.at("ids.npy"), numpy.load(os.path.join(run, "snapshots", "step-00000060.npz"))["tokens"])
        return run

    def series(self, *words, folder="rev"):
        done = self.refframe("measure", folder, "--ids", "ids.npy", "--format", "csv", *words)
        return list(csv.DictReader(io.StringIO(done.stdout)))

    def test_a_run_is_its_revisions(self):
        """Each step has the snapshot's numbers, and each metric the onset, and the head, of the run's report."""
        self.assertEqual(self.check_revisions(self.trained()), {"found", "never"})

    def test_position_alone_is_a_floor(self):
        """ALiBi's own slopes are no onset, as in the run's report: by itself the steepest head has less than half of uniform attention's entropy."""
        self.check_revisions(self.trained(model=ALIBI))
        rows = self.series()
        onset, = (row for row in rows if row["metric"] == "onset:attention_entropy_normalised")
        self.assertEqual(onset["label"], "never")
        values = [float(row["value"]) for row in rows if row["metric"] == "attention_entropy_normalised" and row["layer"]]
        self.assertLess(min(values), 0.5)

    def check_revisions(self, run):
        """Returns the kinds of onset that there are."""
        done = self.refframe("export", run, "--to", "rev", "--revisions")
        self.assertEqual(sorted(os.listdir(self.at("rev"))), sorted(f"step{step}-tokens{256 * step}" for step in STEPS))
        self.assertEqual([line.split(":")[0] for line in done.stdout.splitlines()], [f"rev/step{step}-tokens{256 * step}" for step in STEPS])
        rows = self.series()
        self.assertEqual(list(dict.fromkeys(row["step"] for row in rows if not row["metric"].startswith("onset:"))), [str(step) for step in STEPS])
        n_same = 0
        for row in rows:
            if row["metric"] not in ("sink_mass", "value_drain", "residual_peak", "attention_entropy"):
                continue
            value = numpy.load(os.path.join(run, "snapshots", f"step-{int(row['step']):08}.npz"))[row["metric"]][0][int(row["layer"])]
            self.assertEqual(float(row["value"]), value[int(row["head"])] if row["head"] else value, row)
            self.assertEqual(row["tokens"], str(256 * int(row["step"])))
            n_same += 1
        self.assertGreater(n_same, 100)
        with open(self.at("results", "run", "onset.csv"), encoding="utf-8", newline="") as file:
            theirs = {row["of"]: row for row in csv.DictReader(file) if row["level"] == "first"}
        kinds = set()
        for row in rows:
            name = row["metric"].removeprefix("onset:")
            if name == row["metric"] or name not in theirs:
                continue
            own = theirs[name]
            self.assertEqual((row["label"], row["layer"], row["head"]), (own["kind"], own["layer"], own["head"]), name)
            self.assertEqual((row["value"], row["step"] if own["kind"] == "found" else own["by"]), (own["after"], own["by"]), name)
            kinds.add(own["kind"])
        return kinds

    def test_formats(self):
        """A line a revision; the same numbers in json; layers that are chosen."""
        run = self.trained()
        self.refframe("export", run, "--to", "rev", "--revisions")
        rows = self.series()
        document = json.loads(self.refframe("measure", "rev", "--ids", "ids.npy", "--format", "json").stdout)
        self.assertEqual((document["steps"], document["tokens"]), (STEPS, [256 * step for step in STEPS]))
        self.assertEqual(document["losses"], [float(row["value"]) for row in rows if row["metric"] == "loss"])
        metrics = {metric["name"]: metric["values"] for metric in document["metrics"]}
        n_same = {"sink_mass": 0, "matrix_entropy": 0, "ablation_cost": 0}
        for row in rows:
            if row["metric"] in n_same:
                value = metrics[row["metric"]][STEPS.index(int(row["step"]))]
                for scope in "layer", "head":
                    value = value[int(row[scope])] if row[scope] else value
                self.assertEqual(value, float(row["value"]))
                n_same[row["metric"]] += 1
        self.assertEqual(n_same, {"sink_mass": 4 * len(STEPS), "matrix_entropy": 2 * len(STEPS), "ablation_cost": len(STEPS)})
        frames = {onset["of"]: onset["kind"] for onset in document["frame_onsets"] if onset["kind"] != "never"}
        self.assertEqual({row["metric"][6:]: row["label"] for row in rows if row["metric"].startswith("onset:")},
                         {**{onset["of"]: onset["kind"] for onset in document["onsets"]}, **frames})
        self.assertIn("sink_mass", {onset["of"] for onset in document["onsets"]})
        self.assertGreater(len(frames), 0)
        self.assertEqual([frame["by_position"] for frame in document["frames"]],
                         [row["label"] for row in rows if row["metric"] == "frame" and not row["layer"]])
        self.assertEqual([document[key] for key in ("lengths", "n_layers", "n_heads", "layers")], [[32] * 4, 2, 2, [0, 1]])
        chosen = json.loads(self.refframe("measure", "rev", "--ids", "ids.npy", "--layers", 1, "--format", "json").stdout)
        self.assertEqual((chosen["n_layers"], chosen["layers"]), (2, [1]))
        for one, every in zip(chosen["metrics"], document["metrics"]):
            self.assertEqual(one["values"], [values if every["level"] == "model" else values[1:] for values in every["values"]], one["name"])
        table = self.refframe("measure", "rev", "--ids", "ids.npy").stdout
        for step, loss in zip(STEPS, document["losses"]):
            self.assertRegex(table, rf"\n  {step} +{256 * step} +{loss:.4f} ")
        self.assertEqual(self.series("--layers", 1), [row for row in rows if row["layer"] != "0" or row["metric"].startswith("onset:")])

    def test_a_step_has_the_rows_of_one_model(self):
        """All that `measure` of the revision alone says of its set, margins of labels among it, and nothing else."""
        run = self.trained()
        self.refframe("export", run, "--to", "rev", "--revisions")
        alone = csv.DictReader(io.StringIO(self.refframe("measure", "rev/step60-tokens15360", "--ids", "ids.npy", "--format", "csv").stdout))
        expected = [row for row in alone if not row.pop("sequence")]
        found = [{key: row[key] for key in expected[0]} for row in self.series() if row["step"] == "60" and not row["metric"].startswith("onset:")]
        in_order = lambda rows: sorted(rows, key=lambda row: tuple(row.values()))
        self.assertEqual(in_order(found), in_order(expected))
        self.assertIn("frame_by_token_margin", {row["metric"] for row in found})

    def test_onsets_take_two_sequences(self):
        """A head that is chosen on even sequences is read on odd ones: where there is none, nothing is said of when it came."""
        run = self.trained()
        self.refframe("export", run, "--to", "rev", "--revisions")
        self.assertEqual(self.refframe("measure", "rev", "--ids", "ids.npy", "--limit", 1, code=2).stderr,
                         "refframe: rev: a series takes two sequences or more, for its onsets; here is one\n")
        onsets = lambda rows: {row["metric"] for row in rows if row["metric"].startswith("onset:")}
        by_itself, rows = onsets(self.series()), self.series("--set", "measure.sink.sequences=1")
        self.assertIn("sink_mass", {row["metric"] for row in rows})
        gone = by_itself - onsets(rows)
        self.assertIn("onset:sink_mass", gone)
        self.assertLess(onsets(rows), by_itself)
        self.assertIn("onset:value_drain", onsets(rows))

    def test_help_says_what_a_series_is(self):
        """The columns that it names are those that are written."""
        run = self.trained()
        self.refframe("export", run, "--to", "rev", "--revisions")
        told = " ".join(self.refframe("measure", "--help").stdout.split())
        self.assertIn("REVISIONS: a folder of such folders", told)
        self.assertIn(f"Its csv has the columns {', '.join(self.series()[0])}.", told)

    def test_which_folders_are_read(self):
        """By step, whatever they are called besides; others are left alone. Steps may be missing at the start."""
        run = self.trained()
        self.refframe("export", run, "--to", "all", "--revisions")
        os.mkdir(self.at("rev"))
        for step, name in ((40, "stage1-step40-tokens10B"), (8, "step8"), (10, "step10")):
            shutil.copytree(self.at("all", f"step{step}-tokens{256 * step}"), self.at("rev", name))
        os.mkdir(self.at("rev", "step9"))  # no model's
        self.write("rev/step11", "a file")
        for name in "main", "step1.5", "step0x10", "step1e-3", "step1e1", "step9-tokens8.new.tmp-7", "step40-tokens8.old.tmp-7":
            shutil.copytree(self.at("rev", "step8"), self.at("rev", name))
        rows = [row for row in self.series() if row["metric"] == "loss"]
        self.assertEqual([(row["step"], row["tokens"]) for row in rows], [("8", ""), ("10", ""), ("40", "10000000000")])
        self.assertIn("\n  the first revision is of step 8: what had emerged by then counts as there at the start\n",
                      self.refframe("measure", "rev", "--ids", "ids.npy").stdout)
        self.assertEqual(self.refframe("measure", "rev", "--ids", "ids.npy", "--html", "page.html", code=2).stderr,
                         "refframe measure: --html is for maps and models; rev is a folder of revisions\n")
        shutil.copytree(self.at("rev", "step8"), self.at("rev", "step8-tokens5"))
        self.assertEqual(self.refframe("measure", "rev", "--ids", "ids.npy", code=2).stderr, "refframe: rev: step8 and step8-tokens5 are of one step\n")
        shutil.rmtree(self.at("rev", "step8-tokens5"))
        path = self.at("rev", "step10", "config.json")
        self.write(path, read(path).replace(b'"num_hidden_layers": 2', b'"num_hidden_layers": 1'))
        self.assertRegex(self.refframe("measure", "rev", "--ids", "ids.npy", code=2).stderr, r"^refframe: rev/step10/model.safetensors: [^\n]*\n$")

    def test_progress_has_no_commands_for_a_terminal(self):
        """Whatever a folder of others is called."""
        run = self.trained()
        self.refframe("export", run, "--to", "all", "--revisions")
        os.mkdir(self.at("rev"))
        shutil.copytree(self.at("all", "step10-tokens2560"), self.at("rev", "\x1b[2J-step10"))
        ours, theirs = os.openpty()
        subprocess.run([REFFRAME, "measure", "rev", "--ids", "ids.npy", "--threads", "1"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=theirs,
                       env={**os.environ, "TERM": "xterm"}, check=True)
        os.close(theirs)
        told = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertIn("-step10: measured 1 of 4 sequences", told)
        self.assertNotIn("\x1b[2J", told)

    def test_revisions_are_of_one_text(self):
        """A tokenizer that changed would make another series of each revision."""
        run = self.trained()
        self.refframe("export", run, "--to", "rev", "--revisions")
        self.write("text.txt", "It was a dark and stormy night, and the rain fell in torrents. " * 2)
        words = ("measure", "rev", "--text", "text.txt", "--format", "csv")
        self.refframe(*words)
        path = self.at("rev", "step20-tokens5120", "tokenizer.json")
        tokenizer = json.loads(read(path))
        vocabulary = tokenizer["model"]["vocab"]
        vocabulary["a"], vocabulary["i"] = vocabulary["i"], vocabulary["a"]
        self.write(path, json.dumps(tokenizer))
        self.assertEqual(self.refframe(*words, code=2).stderr, "refframe: rev: step20-tokens5120 makes other ids of the text than step0-tokens0\n")

    def test_what_is_exported(self):
        """Without weights in snapshots those of the checkpoints; one step or all; and nothing where nothing is kept."""
        run = self.trained("false")
        self.refframe("export", run, "--to", "rev", "--revisions")
        self.assertEqual(sorted(os.listdir(self.at("rev"))), ["step30-tokens7680", "step60-tokens15360"])
        self.refframe("export", run, "--to", "one", "--step", 30)
        for name in os.listdir(self.at("one")):
            self.assertEqual(read(self.at("one", name)), read(self.at("rev", "step30-tokens7680", name)), name)
        self.refframe("export", run, "--to", "rev", "--revisions")  # an earlier export is replaced
        self.assertEqual(self.refframe("export", run, "--to", "rev", "--revisions", "--step", 30, code=2).stderr,
                         "refframe export: --revisions writes every step, and --step one\n")
        shutil.rmtree(os.path.join(run, "checkpoints"))
        self.assertEqual(self.refframe("export", run, "--to", "none", "--revisions", code=2).stderr,
                         f"refframe: {run}: no snapshot and no checkpoint has its weights; train with snapshot.weights: true\n")


if __name__ == "__main__":
    unittest.main()
