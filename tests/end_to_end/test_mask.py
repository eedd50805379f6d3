"""Without this, a mask of another shape could be trained under, and measured, classified or drawn as if it were causal: it
goes from the YAML file to the page here. The mask is the template's, a window and the first keys: two ranges a query."""
import base64
import csv
import io
import json
import os
import re
import unittest

import numpy

from harness import Case, read, run_folders

PROGRAM = [os.path.abspath(os.environ["REFFRAME_WITH_TEMPLATES"])]
T, WIDTH, FIRST = 64, 12, 3

# Weights of nothing: attention is uniform within the mask, in every head, and stays so for the two steps.
YAML = f"""\
seeds: 2
model: {{n_layers: 2, n_heads: 2, d_model: 16, context_length: {T}, position.kind: none, mask.kind: template, mask.width: {WIDTH},
  mask.n_first: {FIRST}, init.weight: constant, init.weight_std: 1e-9}}
data: {{source.kind: text}}
train: {{steps: 2, batch_size: 4, lr: 1e-9}}
measure: {{sequences: 4, half_every: 1}}
snapshot: {{every: 1, maps: 1}}
"""


def sees(length):
    """(length, length): whether query i sees key j."""
    i, j = numpy.mgrid[:length, :length]
    return (j <= i) & ((j < FIRST) | (j > i - WIDTH))


def from_ranges(ranges):
    j = numpy.arange(len(ranges))
    return ((ranges[:, :, :1] <= j) & (j < ranges[:, :, 1:])).any(axis=1)


class Mask(Case):
    def setUp(self):
        super().setUp()
        self.write("window.yaml", YAML)
        self.refframe("run", "window.yaml", program=PROGRAM)
        self.results = self.at("results", "window")
        self.runs = list(run_folders(self.results).values())

    def snapshot(self, run, step):
        return numpy.load(os.path.join(run, "snapshots", f"step-{step:08d}.npz"))

    def test_from_training_to_the_page(self):
        snapshot = self.snapshot(self.runs[0], 2)
        baselines = numpy.load(os.path.join(self.runs[0], "snapshots", "baselines.npz"))
        shown = sees(T)
        uniform = shown / shown.sum(axis=1, keepdims=True)
        with self.subTest("the snapshot says what the mask shows"):
            numpy.testing.assert_array_equal(from_ranges(snapshot["visible"]), shown)
            numpy.testing.assert_array_equal(from_ranges(snapshot["visible_half"]), sees(T // 2))
        with self.subTest("attention is uniform within the mask, and nothing without"):
            numpy.testing.assert_allclose(snapshot["map_mean"], numpy.broadcast_to(uniform, snapshot["map_mean"].shape), atol=1e-6)
        with self.subTest("which is all the entropy that there can be"):
            numpy.testing.assert_allclose(snapshot["attention_entropy_normalised"], 1, atol=1e-5)
            numpy.testing.assert_allclose(baselines["uniform/attention_entropy_normalised"], 1, atol=1e-5)
        with self.subTest("importance is over those that see a key, and its floor the same"):
            others = shown & ~numpy.eye(T, dtype=bool)
            with numpy.errstate(invalid="ignore"):
                expected = (uniform * others).sum(axis=0) / others.sum(axis=0)
            for found in (snapshot["importance"], baselines["uniform/importance"], baselines["position/importance"]):
                numpy.testing.assert_allclose(found, numpy.broadcast_to(expected, found.shape), rtol=1e-5)
        with self.subTest("no head has an anchor, or a frame"):
            self.assertEqual(numpy.nanmax(snapshot["n_anchors"]), 0)
            with open(os.path.join(self.results, "onset.csv"), newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            kinds = {row["kind"] for row in rows if row["of"].startswith("frame") and not row["of"].endswith(":none")}
            self.assertEqual(kinds, {"never"})
        with self.subTest("and no metric is beyond its threshold before anything is learnt"):
            self.assertEqual([row["of"] for row in rows if row["kind"] == "at_start" and row["of"][-5:] != ":none"], [])
        self.check_page(snapshot["map_mean"])

    def check_page(self, maps):
        page = read(os.path.join(self.results, "report.html")).decode()
        documents = [json.loads(text) for text in re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.S)]
        (drawn,) = [arm["maps"] for document in documents for arm in document.get("arms", [])]
        packed = numpy.frombuffer(base64.b64decode(drawn["mean"]), numpy.uint8)
        cells = numpy.zeros((T, T), bool)
        for i, runs in enumerate(drawn["visible"]):
            for first, end in runs:
                cells[i, first:end] = True
        with self.subTest("the page has the mask's cells and no others"):
            numpy.testing.assert_array_equal(cells, sees(T))
            self.assertTrue(drawn["rows_sum_to_one"])
        with self.subTest("and their weights"):
            last = packed.reshape(len(drawn["steps"]), *maps.shape[:2], cells.sum())[-1]
            numpy.testing.assert_array_equal(last, numpy.round(255 * numpy.sqrt(maps[:, :, cells])).astype(numpy.uint8))

    def test_what_position_alone_gives_is_that_of_step_0(self):
        """Whatever a score function has learned since: measured again from later weights, it comes from the seed."""
        self.write("learned.yaml", YAML.replace("n_heads: 2", "n_heads: 2, score.kind: template, score.offset: 2")
                   .replace("init.weight: constant, init.weight_std: 1e-9", "init.weight: fan_in")
                   .replace("lr: 1e-9", "lr: 0.1, warmup_steps: 0").replace("seeds: 2", "seeds: 1").replace("maps: 1", "maps: 1, weights: true"))
        self.refframe("run", "learned.yaml", program=PROGRAM)
        (run,) = run_folders(self.at("results", "learned")).values()
        baselines, last = (os.path.join(run, "snapshots", name) for name in ("baselines.npz", "step-00000002.npz"))
        before = read(baselines), read(last)
        offsets = numpy.load(last)["weights/blocks.0.attention.score_offset"]
        self.assertGreater(abs(offsets - 2).max(), 0.01)  # or this test says nothing
        position = numpy.load(baselines)["position/sink_mass"]
        numpy.testing.assert_allclose(position, 1 / (1 + numpy.exp(2)) / 4, rtol=1e-6)
        os.remove(baselines)
        self.refframe("measure", run, program=PROGRAM)
        self.assertEqual((read(baselines), read(last)) == before, True)

    def test_maps_of_others_under_the_same_mask(self):
        shown = sees(T)
        numpy.save(self.at("maps.npy"), (shown / shown.sum(axis=1, keepdims=True)).astype(numpy.float32))
        out = self.refframe("measure", "maps.npy", "--mask", f"template:width={WIDTH},n_first={FIRST}", "--format", "csv", program=PROGRAM)
        rows = list(csv.DictReader(io.StringIO(out.stdout)))
        self.assertTrue(any(row["metric"] == "attention_entropy_normalised" and abs(float(row["value"]) - 1) < 1e-5 for row in rows), rows[:3])
        self.assertTrue(any(row["metric"] == "n_anchors" and float(row["value"]) == 0 for row in rows))
        for said in (f"template:n_first={FIRST},width={WIDTH}", f"template:width={WIDTH},n_first={FIRST}"):
            self.assertIn(f"  mask template:width={WIDTH},n_first={FIRST}\n",
                          self.refframe("measure", "maps.npy", "--mask", said, program=PROGRAM).stdout)
            found = json.loads(self.refframe("measure", "maps.npy", "--mask", said, "--format", "json", program=PROGRAM).stdout)
            self.assertEqual((found["mask"], found["mask_given"]), (f"template:width={WIDTH},n_first={FIRST}", True))
        for wrong, text in ((f"template:width={WIDTH - 1}", f"where the mask template:width={WIDTH - 1},n_first=2 hides the key"),
                            (f"template:width={WIDTH},width={WIDTH}", "gives width twice"), ("template:width=0", "0 is not in 1..16384"),
                            ("template:wide=3", '"wide" is not one of width, n_first; did you mean "width"?'),
                            ("template:width", 'should go on with KEY=VALUE behind "template:"'),
                            ("causal:width=3", 'causal has no keys, so no "width"'), ("templat", 'did you mean "template"?')):
            done = self.refframe("measure", "maps.npy", "--mask", wrong, code=2, program=PROGRAM)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
