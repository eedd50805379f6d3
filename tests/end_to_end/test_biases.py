"""Without this, what is measured of a learned bias could be that of another step, layer or query, or of none: a logit gap beside
the bias, a floor that position alone does not give. Both are made again here, from the maps and weights of the snapshots."""
import os
import unittest

import numpy

from harness import Case, run_folders

T, WIDTH, FIRST = 48, 20, 2
YAML = f"""\
seeds: 1
model: {{n_layers: 2, n_heads: 2, d_model: 16, context_length: {T}}}
data: {{source.kind: text}}
train: {{steps: 4, batch_size: 4, lr: 0.1, warmup_steps: 0}}
measure: {{sequences: 2, half_every: 1}}
snapshot: {{every: 4, maps: 2, weights: true}}
sweep:
  model.position.kind: [kerple, fire, alibi_learned]
  variant:
    causal: {{}}
    window: {{model.mask.kind: window, model.mask.width: {WIDTH}, model.mask.first: {FIRST}}}
    prefix: {{model.mask.kind: prefix, objective.kind: masked}}
"""


def gelu(x):
    return x / 2 * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x ** 3)))


def bias_of(kind, weights, layer, length):
    """(H,T,T), from a snapshot's weights; L of FIRE starts at a quarter of the context, however long the sequence."""
    t = numpy.arange(length)
    distance = abs(t[:, None] - t)
    of = {name.split("attention.")[1]: numpy.float64(weights[name]) for name in weights.files
          if name.startswith(f"weights/blocks.{layer}.attention.")}
    if kind == "alibi_learned":
        return -(2.0 ** (-4 * numpy.arange(1, 3)) + of["slope_offset"].ravel())[:, None, None] * distance
    if kind == "kerple":
        r1, r2 = numpy.exp(of["kerple"]) * [[1], [0.5]]
        return -r1[:, None, None] * numpy.log1p(r2[:, None, None] * distance)
    c, limit = numpy.exp(of["fire.scales"].ravel()) * [0.1, T / 4]
    x = numpy.log1p(c * distance) / numpy.log1p(c * numpy.maximum(t, limit))[:, None]
    hidden = gelu(x[..., None] * of["fire.in.weight"].ravel() + of["fire.in.bias"].ravel())
    return (hidden @ of["fire.out.weight"] + of["fire.out.bias"].ravel()).transpose(2, 0, 1)


def shown_by(ranges):
    """(T,T): whether query i sees key j."""
    j = numpy.arange(len(ranges))
    return ((ranges[:, :, :1] <= j) & (j < ranges[:, :, 1:])).any(axis=1)


def mean_gap(scores, shown):
    """Mean over queries i >= 2 of the first key's score less the mean of the others'."""
    gaps = []
    for i in range(2, len(scores)):
        others = shown[i].copy()
        others[[0, i]] = False
        if shown[i, 0] and others.any():
            gaps.append(scores[i, 0] - scores[i, others].mean())
    return numpy.mean(gaps)


class Biases(Case):
    def check_run(self, kind, run):
        start, last, baselines = (numpy.load(os.path.join(run, "snapshots", name))
                                  for name in ("step-00000000.npz", "step-00000004.npz", "baselines.npz"))
        for layer in range(2):
            self.assertGreater(abs(bias_of(kind, last, layer, T) - bias_of(kind, start, layer, T)).max(), 0.01)
            for half in (False, True):
                shown = shown_by(start["visible_half" if half else "visible"])
                scores = numpy.where(shown, bias_of(kind, start, layer, len(shown)), -numpy.inf)
                weights = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
                weights /= weights.sum(axis=-1, keepdims=True)
                others = shown & ~numpy.eye(len(shown), dtype=bool)
                with numpy.errstate(invalid="ignore"):
                    expected = (weights * others).sum(axis=1) / others.sum(axis=0)
                found = baselines["position/importance_half" if half else "position/importance"]
                numpy.testing.assert_allclose(found[layer], expected, rtol=2e-5, atol=1e-7)
        maps = last["map"]  # (2,L,H,T,T): their logarithms are the scores, but for a number of each row
        with numpy.errstate(divide="ignore"):
            scores = numpy.log(numpy.float64(maps))
        for layer, head in numpy.ndindex(2, 2):
            gap = numpy.mean([mean_gap(scores[n, layer, head], shown_by(last["visible"])) for n in range(2)])
            self.assertAlmostEqual(last["logit_gap"][0, layer, head], gap, delta=1e-4 * (1 + abs(gap)))

    def test_gaps_and_floors(self):
        self.write("biases.yaml", YAML)
        self.refframe("run", "biases.yaml", "--jobs", 1)
        runs = run_folders(self.at("results", "biases"))
        self.assertEqual(len(runs), 9)
        for name, run in runs.items():
            with self.subTest(name):
                self.check_run(next(kind for kind in ("kerple", "fire", "alibi_learned") if kind in name), run)


if __name__ == "__main__":
    unittest.main()
