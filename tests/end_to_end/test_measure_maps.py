"""Without these, somebody who brings maps of another model could get numbers that NumPy does not get from them, other numbers
than a run has of the same maps, or a puzzle where a file is wrong."""
import csv
import glob
import io
import json
import os
import re
import signal
import time
import unittest

from harness import SINGLE, Case, printed, run_folders

try:
    import numpy as np
except ImportError:
    np = None


def random_maps(shape, causal, seed=1):
    """Softmax of random scores with a sink on the first key, in float64."""
    n, layers, heads, length = shape
    scores = np.random.default_rng(seed).normal(size=(n, layers, heads, length, length))
    scores[..., 0] += 2
    if causal:
        scores = np.where(np.tril(np.ones((length, length), bool)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def by_numpy(maps, causal):
    """name -> (N, L, H), from the definitions in src/geometry/DEFINITIONS.md."""
    length = maps.shape[-1]
    visible = np.arange(1, length + 1) if causal else np.full(length, length)
    rows = slice(1, None) if causal else slice(None)
    entropy = -(maps * np.log(np.where(maps > 0, maps, 1))).sum(-1)[..., rows]
    distance = np.abs(np.arange(length)[:, None] - np.arange(length))
    return {
        "alpha": maps[..., 0].mean(-1),
        "sink_mass": maps[..., 8:, 0].mean(-1),
        "start_mass": maps[..., 1:, 0].mean(-1),
        "max_inflow": maps.mean(-2).max(-1),
        "attention_entropy": entropy.mean(-1),
        "attention_entropy_normalised": (entropy / np.log(visible[rows])).mean(-1),
        "mean_distance": (maps * distance).sum(-1).mean(-1),
    }


@unittest.skipUnless(np, "there is no NumPy")
class MeasureMaps(Case):
    def save(self, name, array):
        np.save(self.at(name), array)
        return name

    def rows(self, *words):
        """(sequence, layer, head, metric) -> (value, baseline), as the CSV writes them; of a label (word, "")."""
        text = self.refframe("measure", *words, "--format", "csv").stdout
        self.assertTrue(text.startswith("sequence,layer,head,metric,value,baseline,n,label\n"))
        return {(row["sequence"], row["layer"], row["head"], row["metric"]): (row["label"] or row["value"], row["baseline"])
                for row in csv.DictReader(io.StringIO(text))}

    def json(self, *words):
        return json.loads(self.refframe("measure", *words, "--format", "json").stdout)

    def assert_as_numpy(self, rows, maps, causal, tolerance, first=0):
        uniform = np.tril(np.ones(maps.shape[-2:])) if causal else np.ones(maps.shape[-2:])
        floors = by_numpy(np.broadcast_to(uniform / uniform.sum(-1, keepdims=True), maps.shape), causal)
        for name, values in by_numpy(maps, causal).items():
            for n, layer, head in np.ndindex(values.shape):
                value, floor = map(float, rows[str(n + first), str(layer), str(head), name])
                self.assertAlmostEqual(value, values[n, layer, head], delta=tolerance, msg=name)
                self.assertAlmostEqual(floor, floors[name][n, layer, head], delta=1e-6, msg=name)

    def test_numbers_are_those_of_numpy(self):
        for causal in (True, False):
            maps = random_maps((3, 2, 2, 17), causal)
            texts = set()
            for kind, tolerance in (("f2", 2e-3), ("f4", 1e-6), ("f8", 1e-6)):
                for order in "CF":
                    name = self.save("maps.npy", np.asarray(maps.astype(kind), order=order))
                    rows = self.rows(name)
                    self.assert_as_numpy(rows, maps, causal, tolerance)
                    for name, values in by_numpy(maps, causal).items():
                        for layer, head in np.ndindex(2, 2):
                            value = float(rows["", str(layer), str(head), name][0])
                            self.assertAlmostEqual(value, values[:, layer, head].mean(), delta=tolerance)
                    if kind != "f2":
                        texts.add(json.dumps(sorted(rows.items())))
            self.assertEqual(len(texts), 1, "float64 rounds to the same float32, whatever the order")

    def test_fewer_axes(self):
        maps = random_maps((1, 2, 3, 20), True)
        whole = self.rows(self.save("a.npy", maps))
        self.assertEqual(self.rows(self.save("b.npy", maps[0])), whole)
        one = self.rows(self.save("c.npy", maps[0, 1, 2]))
        self.assertEqual(one["", "0", "0", "alpha"], whole["", "1", "2", "alpha"])

    def test_sentences_of_several_lengths(self):
        os.mkdir(self.at("set"))
        os.mkdir(self.at("ids"))
        sizes, sets = [(2, 2, 2, 30), (1, 2, 2, 6), (3, 2, 2, 50)], []
        for number, size in enumerate(sizes):
            sets.append(random_maps(size, False, seed=number))
            self.save(f"set/{number}.npy", sets[-1].astype("f4"))
            self.save(f"ids/{number}.npy", 1000 * number + np.arange(size[0] * size[3]).reshape(size[0], size[3]))
        rows = self.rows("set")
        first = 0
        for maps in sets:
            if maps.shape[-1] > 8:
                self.assert_as_numpy(rows, maps, False, 1e-6, first)
            first += len(maps)
        alpha = [maps[:, 1, 0, :, 0].mean(-1) for maps in sets]
        self.assertAlmostEqual(float(rows["", "1", "0", "alpha"][0]), np.concatenate(alpha).mean(), delta=1e-6)
        floors = [1 / size[3] for size in sizes for _ in range(size[0])]
        self.assertAlmostEqual(float(rows["", "1", "0", "alpha"][1]), np.mean(floors), delta=1e-6)
        found = self.json("set", "--tokens", "ids")
        self.assertEqual([(file["first_sequence"], file["n_sequences"], file["length"]) for file in found["files"]],
                         [(0, 2, 30), (2, 1, 6), (3, 3, 50)])
        self.assertEqual(found["frames"]["model"]["by_position"], "centralized")
        self.assertEqual(found["frames"]["model"]["by_token"], "distributed", "ids are all different")
        sink = next(metric for metric in found["metrics"] if metric["name"] == "sink_mass")
        self.assertEqual(sink["n"], [[5, 5], [5, 5]], "six tokens have no query 8")
        with io.StringIO(self.refframe("measure", "set", "--format", "csv").stdout) as text:
            counts = {(row["sequence"], row["metric"]): row["n"] for row in csv.DictReader(text) if row["head"] == "0"}
        self.assertEqual([counts["", "sink_mass"], counts["", "alpha"], counts["4", "sink_mass"], counts["", "frame"]], ["5", "6", "1", ""])

    def test_local_windows_are_no_frames(self):
        """Forty heads that see the last eight keys alone, with a lognormal taste for tokens: a late key has few queries, all near,
        and draws much from them; yet nothing is what the sequence turns to."""
        rng = np.random.default_rng(8)
        n, layers, heads, length = 4, 4, 10, 64
        near = np.tril(np.ones((length, length))) * (np.arange(length)[:, None] - np.arange(length) < 8)
        maps = near * rng.lognormal(size=(n, layers, heads, 1, length))
        maps /= maps.sum(-1, keepdims=True)
        others = np.arange(length)[:, None] != np.arange(length)
        means = (maps * others).sum(-2)[..., :48] / np.tril(others)[:, :48].sum(0)
        self.assertGreater((means > 0.1).any(-1).mean(), 0.5, "they draw as much as anchors do, but for the distance")
        found = self.json(self.save("windows.npy", maps.astype("f4")))["frames"]
        labels = [head["by_position"] for layer in found["heads"] for head in layer]
        self.assertEqual(labels, ["none"] * layers * heads)
        self.assertEqual(found["model"]["by_position"], "none")

    def test_maps_too_short_have_no_label(self):
        maps = np.full((2, 1, 1, 6, 6), 0.002 / 5)
        maps[..., 0] = 0.998
        found = self.json(self.save("short.npy", (np.tril(maps) / np.tril(maps).sum(-1, keepdims=True)).astype("f4")))
        self.assertIsNone(found["frames"]["model"]["by_position"])
        self.assertIn("not available", self.refframe("measure", "short.npy").stdout)
        self.assertIn("too short to tell frames apart", self.refframe("measure", "short.npy").stdout)

    def test_the_answer_comes_first(self):
        """Before any number: the model's labels, what it rests on, the strongest head; and at the end, where the rest is."""
        maps = np.tile(np.tril(np.ones((40, 40))), (4, 2, 3, 1, 1))
        maps /= maps.sum(-1, keepdims=True)
        maps[:, 1, 2] *= 0.25
        maps[:, 1, 2, :, 0] += 0.75
        self.save("one.npy", maps.astype("f4"))
        lines = self.refframe("measure", "one.npy").stdout.splitlines()
        answer = [line.strip() for line in lines if line.strip()][3:5]
        self.assertEqual(answer[0], "model: centralized by position, 1.00 of the excess on position 0; by token not available")
        self.assertRegex(answer[1], r"^strongest sink: head 1\.2, 0\.\d+ of its attention on the first key \(uniform: 0\.\d+\)$")
        self.assertIn("--format csv has every number", " ".join(" ".join(lines[-6:]).split()))
        np.save(self.at("ids.npy"), np.full((4, 40), 7, dtype="i4"))
        self.assertIn("; by token centralized, 1.00 of it on 7\n", self.refframe("measure", "one.npy", "--tokens", "ids.npy").stdout)
        self.save("local.npy", np.tile(np.eye(40), (4, 2, 3, 1, 1)).astype("f4"))
        self.assertIn("  model: none by position; by token not available\n", self.refframe("measure", "local.npy").stdout)

    def test_words_and_numbers_have_columns_of_their_own(self):
        text = self.refframe("measure", self.save("uniform.npy", self.causal()), "--format", "csv").stdout
        for row in csv.DictReader(io.StringIO(text)):
            self.assertEqual(row["label"] != "", row["metric"] in ("frame", "frame_by_token"))
            self.assertEqual(row["value"] == "", row["label"] != "")
            float(row["value"] or 0)

    @staticmethod
    def causal():
        maps = np.tile(np.tril(np.ones((40, 40))), (2, 2, 2, 1, 1))
        return (maps / maps.sum(-1, keepdims=True)).astype("f4")

    def test_labels_have_margins(self):
        """Of eight sequences six have the anchor: 0.25 from the share that a frame needs, and three of four agree."""
        maps = np.tile(np.tril(np.ones((40, 40))), (8, 1, 1, 1, 1))
        maps /= maps.sum(-1, keepdims=True)
        maps[:6] *= 0.2
        maps[:6, ..., 0] += 0.8
        rows = self.rows(self.save("six.npy", maps.astype("f4")))
        self.assertEqual(rows["", "", "", "frame"][0], "centralized")
        self.assertEqual(rows["", "", "", "frame_agreement"][0], "0.75")
        self.assertEqual(float(rows["", "", "", "frame_margin"][0]), 0.25)
        margin = self.json("six.npy")["frames"]["heads"][0][0]["position_margin"]
        self.assertEqual(margin, {"least": 0.25, "nearest": "present", "agreement": 0.75})
        self.assertRegex(self.refframe("measure", "six.npy").stdout, r"model .*centralized .*0\.25 from present, 75 %")

    def test_the_maps_of_a_run_say_what_the_run_said(self):
        """The same families, sequences and labels: every number that a snapshot has of maps alone, to the last digit."""
        for extra in ("", "model.mask.kind: full\nobjective.kind: masked\n"):
            results = f"results-{len(extra)}"
            self.write("one.yaml", extra + "model.position.kind: absolute\n" + SINGLE.replace("context_length: 16", "context_length: 32")
                       .replace("sequences: 4", "sequences: 2").replace("maps: 1", "maps: 2"))
            self.refframe("run", "one.yaml", "--results", results)
            (run,) = run_folders(self.at(results, "one")).values()
            snapshot = np.load(os.path.join(run, "snapshots", "step-00000012.npz"))
            baselines = np.load(os.path.join(run, "snapshots", "baselines.npz"))
            self.save("map.npy", snapshot["map"])
            self.save("ids.npy", snapshot["tokens"])
            found = self.json("map.npy", "--tokens", "ids.npy")
            self.assertEqual(found["mask"], "full" if extra else "causal")
            n_compared = 0
            for metric in found["metrics"]:
                name = metric["name"]
                if name in ("sink_mass_idle", "end_mass"):  # the source knows what is idle, and where its text ends
                    continue
                ours = np.array(metric["values"], float)
                theirs = np.where(np.isinf(snapshot[name][0]), np.nan, snapshot[name][0])
                np.testing.assert_array_equal(ours, theirs, name)
                np.testing.assert_array_equal(metric["n"], snapshot["n/" + name][0], name)
                if metric["baseline"] is not None:
                    floor = baselines["uniform/" + name]
                    np.testing.assert_array_equal(np.array(metric["baseline"], float), np.where(np.isinf(floor), np.nan, floor), name)
                n_compared += np.isfinite(ours).sum()
            self.assertGreater(n_compared, 25)
            shown = self.refframe("show", run).stdout
            labels = found["frames"]["model"]
            self.assertRegex(shown, rf"(?m)^  model +{labels['by_position']} +{labels['by_token']} ")

    def test_the_maps_of_a_run_with_several_lengths_say_what_the_run_said(self):
        """Each sequence's own map, as somebody else's: no number and no label knows of what stands behind a sequence. Without an
        encoding position alone gives uniform attention, so that even baselines are the same."""
        common = "data.lengths: {kind: uniform, least: 24}\n" + (
            SINGLE.replace("context_length: 16", "context_length: 48").replace("sequences: 4", "sequences: 6").replace("maps: 1", "maps: 6"))
        taught = common.replace("steps: 12", "steps: 300\n  lr: 0.01").replace("every: 5", "every: 300").replace("batch_size: 4", "batch_size: 8")
        for number, text in enumerate((
                common + "model.position.kind: none\n",
                common + "model.position.kind: none\nmodel.mask.kind: full\nobjective.kind: masked\ndata.eos: always\n",
                taught + "model.position.kind: absolute\nmodel.mask.kind: full\nobjective.kind: labelled\ndata.bos: never\n"
                "data.source: {kind: recall, task: ends}\n")):
            results, folder = f"lengths-{number}", f"maps-{number}"
            self.write("one.yaml", text)
            self.refframe("run", "one.yaml", "--results", results)
            (run,) = run_folders(self.at(results, "one")).values()
            snapshot = np.load(max(glob.glob(os.path.join(run, "snapshots", "step-*.npz"))))
            baselines = np.load(os.path.join(run, "snapshots", "baselines.npz"))
            lengths = snapshot["lengths"]
            self.assertGreater(len(set(lengths)), 3)
            for at in (folder, folder + "-ids"):
                os.mkdir(self.at(at))
            for s, length in enumerate(lengths):
                self.save(f"{folder}/{s}.npy", snapshot["map"][s, :, :, :length, :length])
                self.save(f"{folder}-ids/{s}.npy", snapshot["tokens"][s, :length])
            found = self.json(folder, "--tokens", folder + "-ids", "--mask", "full" if number else "causal")
            n_compared = 0
            for metric in found["metrics"]:
                name = metric["name"]
                if name in ("sink_mass_idle", "end_mass") or snapshot["n/" + name].max() < len(lengths):
                    continue
                theirs = np.where(np.isinf(snapshot[name][0]), np.nan, snapshot[name][0])
                np.testing.assert_array_equal(np.array(metric["values"], float), theirs, name)
                np.testing.assert_array_equal(metric["n"], snapshot["n/" + name][0], name)
                if metric["baseline"] is not None:
                    floor = baselines["uniform/" + name]
                    np.testing.assert_array_equal(np.array(metric["baseline"], float), np.where(np.isinf(floor), np.nan, floor), name)
                n_compared += 1
            self.assertGreater(n_compared, 15)
            shown = self.refframe("show", run).stdout
            labels = found["frames"]["model"]
            margin = labels["position_margin"]
            self.assertRegex(shown, rf"(?m)^  model +{labels['by_position']} +{labels['by_token']} +{margin['least']:.2f} from "
                             rf"{margin['nearest']}, {100 * margin['agreement']:.0f} %$")
        self.assertEqual(labels["by_position"], "centralized")

    def test_table(self):
        name = self.save("maps.npy", random_maps((2, 3, 2, 20), True).astype("f2"))
        text = self.refframe("measure", name).stdout
        self.assertNotIn("\x1b", text)
        self.assertIn("2 sequences of 20 tokens, 3 layers of 2 heads; float16, measured in float32\n"
                      "  mask causal (assumed: nothing is above the diagonal)\n", text)
        self.assertRegex(text, r"(?m)^  head +alpha +sink +max inflow +anchors +entropy +distance +by position +by token +margin, agree$")
        alpha = self.json(name)["metrics"][0]["values"]
        for layer in range(3):
            for head in range(2):
                self.assertRegex(text, rf"(?m)^  {layer}\.{head} +{alpha[layer][head]:.3f} ")
        self.assertRegex(text, r"(?m)^  uniform +0\.180 +")
        self.assertRegex(text, r"(?m)^  per layer +layer 0 +layer 1 +layer 2 +uniform$")
        self.assertRegex(text, r"(?m)^  head_agreement ")
        self.assertRegex(text, r"(?m)^  model +\w+ +not available +[0-9.]+ from \w+, [0-9]+ %$")
        text = self.refframe("measure", name, "--mask", "full").stdout
        self.assertIn("\n  mask full\n", text)
        self.assertNotIn("assumed", text)

    def masks(self):
        return re.findall(r"(?m)^  (\w+) ", self.refframe("list", "mask").stdout)

    def test_every_registered_mask(self):
        """The help names each, with its keys and their defaults; all of them take rows that see nothing."""
        name = self.save("maps.npy", np.zeros((2, 1, 2, 40, 40), "f4"))
        (offered,) = re.findall(r"(?m)^MASK: (.*)$", self.refframe("measure", "--help").stdout)
        words = offered.split(" | ")
        self.assertEqual([word.split(":")[0] for word in words], self.masks())
        for word in words:
            with self.subTest(word):
                found = self.json(name, "--mask", word)
                self.assertEqual((found["mask"], found["mask_given"]), (word, True))
        self.assertEqual([self.json(name)[key] for key in ("mask", "mask_given")], ["causal", False])

    def test_masks_with_keys(self):
        """Each shows what it says, to the last cell, when asked for; none of them is ever assumed."""
        i, j = np.mgrid[:40, :40]
        for word, shown in (("window:width=8,first=1", (j <= i) & ((i - j < 8) | (j < 1))),
                            ("window:symmetric=true,width=5", abs(i - j) < 5),
                            ("window:symmetric=true,width=5,first=7", (abs(i - j) < 5) | (j < 7)),
                            ("prefix:length=6", (j <= i) | ((i < 6) & (j < 6))),
                            ("isolate:token=3", np.where(i == 3, j == 3, j <= i))):
            with self.subTest(word):
                uniform = shown / shown.sum(axis=1, keepdims=True)
                name = self.save("maps.npy", np.broadcast_to(uniform, (2, 1, 2, 40, 40)).astype("f4"))
                rows = self.rows(name, "--mask", word)
                self.assertAlmostEqual(float(rows["", "0", "1", "attention_entropy_normalised"][0]), 1, delta=1e-5)
                floor = rows["", "0", "0", "max_inflow"]
                self.assertAlmostEqual(float(floor[0]), float(floor[1]), delta=1e-5)
                self.assertEqual(self.json(name)["mask"], "causal" if (shown <= (j <= i)).all() else "full")
                query, key = np.argwhere(~shown)[0]
                wrong = 0.9 * uniform
                wrong[query, key] = 0.01
                error = self.refframe("measure", self.save("wrong.npy", wrong.astype("f4")), "--mask", word, code=2).stderr
                self.assertIn(f"query {query}, key {key}: 0.01 is ", error)
        for word, text in (("window:width=0", "model.mask.width: 0 is not in 1..16384"),
                           ("prefix:length=0", "model.mask.length: 0 is not in 1..16384"),
                           ("isolate:token=-1", "model.mask.token: -1 is not in 0..16383")):
            self.assertIn(text, self.refframe("measure", "wrong.npy", "--mask", word, code=2).stderr)

    def test_what_is_kept_is_said(self):
        maps = random_maps((1, 1, 1, 32), True)
        maps[0, 0, 0, 3] = 0
        maps[0, 0, 0, 4] *= 0.5
        maps[0, 0, 0, 5] *= 1.005
        name = self.save("maps.npy", maps)
        notes = self.json(name)["notes"]
        self.assertEqual(notes, ["1 of 32 rows are zeros; they leave all means and are counted in empty_rows",
                                 "1 of 32 rows sum to less than one; kept as they are",
                                 "1 of 32 rows sum to more than one, by 0.01 at most; kept as they are"])
        text = self.refframe("measure", name).stdout
        for note in notes:
            self.assertIn(f"\n  {note}\n", text)
        self.assertEqual(self.rows(name)["", "0", "0", "empty_rows"][0], "1")
        short = self.json(self.save("short.npy", random_maps((2, 1, 1, 12), True)))
        self.assertEqual(short["notes"], ["2 of 2 sequences are too short to tell frames apart under the mask causal (13 tokens or fewer)"])

    def test_traces_above_the_diagonal(self):
        """A mask of finite numbers: the numbers and labels of the maps without its traces."""
        maps = random_maps((2, 2, 2, 24), True).astype("f4")
        traces = np.where(np.tril(np.ones((24, 24), bool)), maps, np.float32(1e-9))
        clean, found = self.json(self.save("clean.npy", maps)), self.json(self.save("traces.npy", traces))
        self.assertEqual(found["mask"], "causal")
        self.assertIn("184 of 192 rows have traces of attention, 2.3e-08 of a row at most, above the diagonal; taken as 0", found["notes"])
        self.assertEqual((found["metrics"], found["frames"]), (clean["metrics"], clean["frames"]))
        self.assertEqual(self.rows("traces.npy", "--mask", "causal"), self.rows("clean.npy"))

    def test_left_padding_is_not_a_full_mask(self):
        maps = random_maps((1, 2, 2, 24), True)
        maps[..., :5, :] = 1 / 24
        maps[..., 5:, :5] = 0
        maps[..., 5:, :] /= maps[..., 5:, :].sum(-1, keepdims=True)
        name = self.save("padded.npy", maps.astype("f4"))
        for mask in ((), ("--mask", "causal")):
            error = self.refframe("measure", name, *mask, code=2).stderr
            self.assertIn("sequence 0: in every head its first 5 queries attend evenly to all 24 keys", error)
            self.assertEqual(error.count("\n"), 1)
        self.assertEqual(self.json(name, "--mask", "full")["mask"], "full")
        self.save("cut.npy", maps[..., 5:, 5:].astype("f4"))
        self.assertEqual(self.json("cut.npy")["mask"], "causal")

    def test_padding_at_the_end_is_noticed(self):
        """By the places to which no query of any head gives anything, under either mask; maps without such are not noted."""
        for causal in (True, False):
            maps = random_maps((3, 2, 2, 20), causal)
            self.assertNotIn("padding", self.refframe("measure", self.save("whole.npy", maps)).stdout)
            for sequence, length in ((0, 16), (2, 11)):
                short = random_maps((1, 2, 2, length), causal, seed=length)[0]
                maps[sequence] = 0
                maps[sequence, ..., :length, :length] = short
                maps[sequence, ..., length:, :length] = 1 / length  # what a padded query gives
            name = self.save("padded.npy", maps)
            note = "in 2 of 3 sequences no query gives anything to the last places (9 at most): if that is padding"
            self.assertIn(note, " ".join(self.refframe("measure", name).stdout.split()))
            self.assertIn(note, json.loads(self.refframe("measure", name, "--format", "json").stdout)["notes"][0])

    def test_threads_change_nothing(self):
        name = self.save("maps.npy", random_maps((5, 2, 2, 24), False))
        outputs = {self.refframe("measure", name, "--format", form, "--threads", n).stdout
                   for form in ("csv",) for n in (1, 2, 4)}
        self.assertEqual(len(outputs), 1)

    def test_bad_input(self):
        good, masks = random_maps((2, 1, 2, 8), False), ", ".join(self.masks())

        def changed(place, value):
            maps = good.copy()
            maps[place] = value
            return maps
        self.save("good.npy", good)
        os.mkdir(self.at("empty"))
        os.mkdir(self.at("mixed"))
        self.save("mixed/a.npy", good)
        self.save("mixed/b.npy", good[:, :, :1])
        self.write("text.npy", "maps")
        self.write("maps.txt", "maps")
        with open(self.at("good.npy"), "rb") as file:
            self.write("cut.npy", file.read()[:-1])
        cases = [
            (["good.npy", "--format", "cvs"], 'refframe measure: --format: "cvs" is not one of table, csv, json; did you mean "csv"?'),
            (["good.npy", "--mask", "casual"], f'refframe measure: --mask: "casual" is not one of {masks}; did you mean "causal"?'),
            (["good.npy", "--mask", "full:width=3"], 'refframe measure: --mask: full has no keys, so no "width"'),
            (["good.npy", "--mask", "full:"], 'refframe measure: --mask: "full:" should go on with KEY=VALUE behind "full:"'),
            (["good.npy", "--mask", "full:width"], 'refframe measure: --mask: "full:width" should go on with KEY=VALUE behind "full:"'),
            (["good.npy", "--mask", ""], f'refframe measure: --mask: "" is not one of {masks}'),
            (["good.npy", "--threads", "0"], 'refframe measure: --threads: "0" is not a whole number in 1..1024'),
            (["good.npy", "--mask", "causal"], f"good.npy: sequence 0, layer 0, head 0, query 0, key 1: {good[0, 0, 0, 0, 1]:.6g} "
                                               "is above the diagonal, where the mask causal leaves 0"),
            (["good.npy", "--tokens", "absent.npy"], "absent.npy: there is no such file; it should hold the tokens of good.npy"),
            (["good.npy", "--tokens", self.save("t.npy", np.zeros((2, 7), int))],
             "t.npy: its shape is (2, 7); the maps in good.npy need (2, 8)"),
            (["good.npy", "--tokens", self.save("u.npy", np.zeros((2, 8)))],
             "u.npy: its items are float64; token ids are int32, int64 or uint8"),
            ([self.save("nan.npy", changed((1, 0, 1, 7, 3), np.nan))],
             "nan.npy: sequence 1, layer 0, head 1, query 7, key 3: nan is no finite number"),
            ([self.save("minus.npy", changed((1, 0, 0, 2, 5), -1e-3).astype("f4"))],
             "minus.npy: sequence 1, layer 0, head 0, query 2, key 5: -0.001 is negative; attention is not"),
            ([self.save("sum.npy", changed((0, 0, 1, 2), 0.25))],
             "sum.npy: sequence 0, layer 0, head 1, query 2: the row sums to 2; attention sums to at most 1"),
            ([self.save("axes.npy", good[0, 0])], "axes.npy: its shape is (2, 8, 8); attention maps are (N, L, H, T, T)"),
            ([self.save("oblong.npy", good[..., :7])], "oblong.npy: its shape is (2, 1, 2, 8, 7); the last two axes"),
            ([self.save("int.npy", good.astype(int))], "int.npy: its items are int64; attention maps are float16"),
            ([self.save("big.npy", good.astype(">f4"))], "big.npy: its items are '>f4', big-endian numbers"),
            ([self.save("none.npy", good[:0])], "none.npy: its shape is (0, 1, 2, 8, 8); from 1 to"),
            (["text.npy"], "text.npy: not a NumPy array"),
            (["cut.npy"], "cut.npy: its shape asks for another number of bytes"),
            (["mixed"], "mixed/b.npy: has 1 layers of 1 heads, but mixed/a.npy has 1 of 2"),
            (["mixed", "--tokens", "good.npy"], "good.npy: is no folder; the tokens of a folder of maps are a folder"),
            (["empty"], "empty: a folder with neither run.yaml nor .npy files; measure takes"),
            (["maps.txt"], "maps.txt: its name does not end in .npy; measure takes"),
            (["nowhere"], "nowhere: there is no such file; measure takes"),
            (["nowhere.npy"], "cannot open nowhere.npy: No such file or directory"),
        ]
        before = self.everything()
        for words, expected in cases:
            with self.subTest(" ".join(words)):
                done = self.refframe("measure", *words, code=2)
                self.assertEqual(done.stdout, "")
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertTrue(done.stderr.startswith(printed(expected)), done.stderr)
        self.assertEqual(self.everything(), before, "nothing is written")

    def test_options_of_maps_are_not_a_runs(self):
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", "one")).values()
        error = self.refframe("measure", run, "--mask", "full", code=2).stderr
        self.assertIn("--mask is for maps", error)

    def test_maps_beyond_this_machine(self):
        """A file with a hole of a terabyte: refused with the number, before it is read."""
        with open(self.at("huge.npy"), "wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False,
                                                        "shape": (4096, 32, 32, 512, 512)})
            try:
                file.truncate(file.tell() + 4096 * 32 * 32 * 512 * 512 * 2)
            except OSError:
                self.skipTest("this file system has no files of 2 TiB")
        error = self.refframe("measure", "huge.npy", code=2).stderr
        self.assertRegex(error, r"^refframe: huge.npy: to measure these maps takes [0-9.]+ TiB of memory; this machine has [^\n]*\n$")

    def test_interrupt(self):
        self.save("maps.npy", random_maps((64, 2, 8, 160), False).astype("f4"))
        process = self.start("measure", "maps.npy", "--threads", 1)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=60)
        self.assertIn((process.returncode, output == "", error),
                      [(130, True, "refframe: interrupted\n"), (0, False, "")])  # it may have been done already


if __name__ == "__main__":
    unittest.main()
