"""Without this, sequences of several lengths could be right in each part of the program and wrong between them: from the YAML file
over snapshots and baselines to the page, and back where somebody else's file is damaged."""
import base64
import json
import os
import re
import unittest

import numpy

from harness import Case, list_again, read, run_folders

T, LEAST = 40, 12

# Weights of nothing: attention is uniform over what a query sees of its own sequence, and stays so for the two steps.
YAML = f"""\
seeds: 1
model: {{n_layers: 2, n_heads: 2, d_model: 16, context_length: {T}, position.kind: none, init.weight: constant, init.weight_std: 1e-9}}
data: {{source.kind: text, lengths: {{kind: uniform, least: {LEAST}}}, eos: always}}
train: {{steps: 2, batch_size: 4, lr: 1e-9}}
measure: {{sequences: 6}}
snapshot: {{every: 1, maps: 2}}
"""


def uniform(length, causal):
    """A map (length, length) in rows of T, not a number behind."""
    shown = numpy.tril(numpy.ones((length, length))) if causal else numpy.ones((length, length))
    wide = numpy.full((T, T), numpy.nan)
    wide[:length, :length] = shown / shown.sum(axis=1, keepdims=True)
    return wide


def importances(length, causal):
    """(T,) mean over the other queries that see a key, and (4, T) over those one to four eighths of the sequence away."""
    rows = uniform(length, causal)[:length, :length]
    i, k = numpy.mgrid[:length, :length]
    found = numpy.full((5, T), numpy.nan)
    for d in range(5):
        counted = (rows > 0) & (numpy.abs(i - k) >= max(1, -(-d * length // 8)))
        with numpy.errstate(invalid="ignore"):
            found[d, :length] = (rows * counted).sum(axis=0) / counted.sum(axis=0)
    return found[0], found[1:]


class Lengths(Case):
    def run_it(self, name, extra):
        self.write(f"{name}.yaml", YAML + extra)
        self.refframe("run", f"{name}.yaml")
        (run,) = run_folders(self.at("results", name)).values()
        return run

    def test_from_training_to_the_page(self):
        for name, extra, causal in (("causal", "", True), ("full", "model.mask.kind: full\nobjective.kind: masked\n", False)):
            with self.subTest(name):
                run = self.run_it(name, extra)
                snapshot = numpy.load(os.path.join(run, "snapshots", "step-00000002.npz"))
                baselines = numpy.load(os.path.join(run, "snapshots", "baselines.npz"))
                lengths = snapshot["lengths"]
                self.assertTrue((lengths >= LEAST).all() and (lengths <= T).all() and len(set(lengths)) > 2)
                self.check_ids(snapshot, lengths)
                self.check_attention(snapshot, baselines, lengths, causal)
                self.check_page(self.at("results", name, "report.html"), snapshot, causal)

    def check_ids(self, snapshot, lengths):
        strings = [text.decode() for text in snapshot["token_strings"]]
        for tokens, targets, length in zip(snapshot["tokens"], snapshot["targets"], lengths):
            self.assertEqual(strings[tokens[length - 1]], "<eos>")  # at the sequence's own end
            self.assertTrue((tokens[:length] >= 0).all() and (tokens[length:] == -1).all())
            self.assertTrue((targets[length - 1:] == -1).all())

    def check_attention(self, snapshot, baselines, lengths, causal):
        maps = numpy.array([uniform(length, causal) for length in lengths])
        for h in numpy.ndindex(2, 2):
            numpy.testing.assert_allclose(snapshot["map"][(slice(None), *h)], maps[:2], atol=1e-6)
            with numpy.errstate(all="ignore"):
                mean = numpy.nansum(maps, axis=0) / numpy.isfinite(maps).sum(axis=0)
            numpy.testing.assert_allclose(snapshot["map_mean"][h], mean, atol=1e-6)
        near, afar = (numpy.array(part) for part in zip(*(importances(length, causal) for length in lengths)))
        for found in (snapshot["importance"], baselines["uniform/importance"], baselines["position/importance"]):
            numpy.testing.assert_allclose(found, numpy.broadcast_to(near[:, None, None], found.shape), rtol=1e-5)
        for found in (snapshot["importance_afar"], baselines["uniform/importance_afar"], baselines["position/importance_afar"]):
            numpy.testing.assert_allclose(found, numpy.broadcast_to(afar[:, None, None], found.shape), rtol=1e-5)
        numpy.testing.assert_allclose(snapshot["attention_entropy_normalised"], 1, atol=1e-5)
        alpha = numpy.mean([numpy.nanmean(rows[:, 0][~numpy.isnan(rows[:, 0])]) for rows in maps])
        for found in (snapshot["alpha"][0], baselines["uniform/alpha"], baselines["position/alpha"]):
            numpy.testing.assert_allclose(found, alpha, rtol=1e-5)
        self.assertEqual(numpy.nanmax(snapshot["n_anchors"]), 0)

    def check_page(self, path, snapshot, causal):
        documents = [json.loads(text) for text in
                     re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', read(path).decode(), re.S)]
        (drawn,) = [arm["maps"] for document in documents for arm in document.get("arms", [])]
        cells = numpy.tril(numpy.ones((T, T), bool)) if causal else numpy.ones((T, T), bool)
        longest = max(snapshot["lengths"])
        self.assertLess(longest, T)
        cells[longest:] = cells[:, longest:] = False  # no sequence has these
        shown = numpy.zeros((T, T), bool)
        for i, runs in enumerate(drawn["visible"]):
            for first, end in runs:
                shown[i, first:end] = True
        numpy.testing.assert_array_equal(shown, cells)
        for kind, maps in (("mean", snapshot["map_mean"]), ("first", snapshot["map"][0])):
            packed = numpy.frombuffer(base64.b64decode(drawn[kind]), numpy.uint8).reshape(len(drawn["steps"]), 2, 2, -1)[-1]
            weights = numpy.nan_to_num(maps[:, :, cells]).astype(float)
            numpy.testing.assert_array_equal(packed, numpy.floor(255 * numpy.sqrt(weights) + 0.5).astype(numpy.uint8))
        length = snapshot["lengths"][0]
        self.assertTrue(all(drawn["tokens"][:length]) and not any(drawn["tokens"][length:]))

    def test_damaged_lengths_are_refused(self):
        run = self.run_it("causal", "")
        path = os.path.join(run, "snapshots", "step-00000002.npz")
        whole = dict(numpy.load(path))
        lengths, visible = whole["lengths"], whole["visible_each"]
        beyond, empty = visible.copy(), visible.copy()
        beyond[1, 0, 0, 1], empty[2, 0] = T + 1, 0
        for damage in ({"lengths": lengths * 0}, {"lengths": lengths + T}, {"lengths": lengths[1:]}, {"lengths": lengths.astype("i8")},
                       {"visible_each": beyond}, {"visible_each": empty}, {"visible_each": visible[:, 1:]}, {"visible_each": None}):
            numpy.savez(path, **{name: value for name, value in {**whole, **damage}.items() if value is not None})
            list_again(run)
            error = self.refframe("show", run, "--step", 2, code=2).stderr
            self.assertRegex(error, r"^refframe: [^\n]*step-00000002.npz: (`lengths` is not int32 \(N,\) of 1 to T, or `visible_each` "
                             r"not the key ranges of each query, int32 \(N, T, 2, 2\)|`(lengths|visible_each)` is int(32|64) "
                             r"\([0-9, ]*\), not int32 \(N[^)]*\)[^\n]*)\n$")
        numpy.savez(path, **whole)
        list_again(run)
        self.refframe("show", run, "--step", 2)


if __name__ == "__main__":
    unittest.main()
