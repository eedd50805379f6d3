"""Without these, an export could be measured as another model than the run that it came from, or a wrong file of ids be taken for
sequences."""
import csv
import io
import json
import os
import subprocess
import unittest

import numpy

from exported import RUNS, experiment
from harness import REFFRAME, Case, printed, read, run_folders


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
        """To the bit, of every metric but those of losses: a run knows what follows its last id, and a file of ids does not
        (tests/train/test_given.c has those, too)."""
        for name in "gpt2", "llama", "gpt_neox", "gpt_oss", "bloom":
            with self.subTest(architecture=name):
                _, snapshot = self.export(RUNS[name], name)
                n_same, found = 0, set()
                for row in self.pooled(name, "--ids", "ids.npy"):
                    if row["metric"] not in snapshot.files or "ablation" in row["metric"]:
                        continue
                    value = snapshot[row["metric"]][0]
                    for scope in "layer", "head":
                        value = value[int(row[scope])] if row[scope] else value
                    self.assertEqual(float(row["value"]), float(value), row)
                    n_same += 1
                    found.add(row["metric"])
                self.assertGreater(n_same, 800)
                more = {"value_drain", "value_norm", "head_output_norm", "logit_gap", "residual_peak", "matrix_entropy"}
                self.assertLessEqual(more & set(snapshot.files), found)
                self.assertGreater(len(more & set(snapshot.files)), 4)

    def test_rows_are_said_to_sum_to_what_they_do(self):
        """gpt-oss gives part of each query's attention to no key; nobody counts a model's rows, and counts are not zeros."""
        for name, sums_to_one in ("gpt2", True), ("gpt_oss", False):
            with self.subTest(architecture=name):
                self.export(RUNS[name], name)
                document = json.loads(self.refframe("measure", name, "--ids", "ids.npy", "--format", "json", "--html", f"{name}.html").stdout)
                self.assertIs(document["rows_sum_to_one"], sums_to_one)
                self.assertEqual([document[key] for key in ("rows_of_zeros", "rows_below_one", "rows_above_one")], [None] * 3)
                page = read(self.at(f"{name}.html")).decode()
                self.assertIn(f'"rows_sum_to_one":{json.dumps(sums_to_one)}', page)

    def test_families_are_chosen(self):
        """By the keys of a run's measure.FAMILY: what is off by itself, on how many sequences, and where."""
        self.export(RUNS["gpt2"], "gpt2")
        rows = lambda *words: {(row["metric"], row["layer"], row["head"]): row for row in self.pooled("gpt2", "--ids", "ids.npy", *words)}
        by_itself = rows()
        self.assertEqual(by_itself["ablation_cost", "", ""]["n"], "2")
        self.assertFalse([key for key in by_itself if "@hide" in key[0] or "fisher" in key[0]])
        self.assertGreater(float(by_itself["loss", "", ""]["value"]), 0)
        chosen = rows("--set", "measure.interventions.every=1", "--set", "measure.pub_fisher.every=1", "--set", "measure.sink.every=0",
                      "--set", "measure.ablation.sequences=1")
        self.assertEqual(chosen["ablation_cost", "", ""]["n"], "1")
        self.assertNotIn(("sink_mass", "0", "0"), chosen)
        for metric in "cost@hide", "cost@zero_value", "cost@spread", "cost@zero_query_bias", "cost@zero_position", "cost@zero_mlp":
            self.assertIn((metric, "", ""), chosen)
        hidden = rows("--set", "measure.interventions.every=1", "--set", "measure.interventions.place=-1")
        self.assertNotEqual(hidden["cost@hide", "", ""]["value"], chosen["cost@hide", "", ""]["value"])
        self.assertTrue([key for key in chosen if "fisher" in key[0]])
        for words, error in (
                (("--set", "measure.sink"), 'refframe measure: --set wants KEY=VALUE, not "measure.sink"'),
                (("--set", "measure.interventions.every=1", "--set", "measure.interventions.place=16"),
                 "--set: measure.interventions.place: not every sequence that is changed has a place 16; the shortest has 16 tokens"),
                (("--set", "measure.interventions.every=1", "--set", "measure.interventions.layer=2"),
                 "--set: measure.interventions.layer: 2 is none of the model's 2 layers"),
                (("--set", "measure.sink.evry=1"), '--set: unknown key "measure.sink.evry"; did you mean "measure.sink.every"?')):
            with self.subTest(words=words):
                self.assertEqual(self.refframe("measure", "gpt2", "--ids", "ids.npy", *words, code=2).stderr, printed(error) + "\n")

    def test_a_place_is_one_of_the_sequences_that_are_changed(self):
        """A shorter one behind them is not, and has no cost."""
        self.export_text()
        self.write("text.txt", "the cat sat\nit is so\nhm\n")
        words = ("character", "--text", "text.txt", "--sentences", "--set", "measure.interventions.every=1", "--set", "measure.interventions.place=5")
        rows = {row["metric"]: row for row in self.pooled(*words, "--set", "measure.interventions.sequences=2") if not row["layer"]}
        self.assertEqual(rows["cost@hide"]["n"], "2")
        for n in 0, 3:
            self.assertEqual(self.refframe("measure", *words, "--set", f"measure.interventions.sequences={n}", code=2).stderr,
                             "refframe: --set: measure.interventions.place: not every sequence that is changed has a place 5; the shortest has 3 tokens\n")

    def test_an_encoder_predicts_nothing(self):
        self.export(RUNS["bert"], "bert")
        metrics = {row["metric"] for row in self.pooled("bert", "--ids", "ids.npy", "--set", "measure.interventions.every=1")}
        self.assertLessEqual({"value_drain", "residual_peak", "sink_mass"}, metrics)
        self.assertFalse(metrics & {"loss", "ablation_cost", "cost@hide"})

    def test_layers_are_chosen(self):
        """The rows of the others are left out, and nothing else changes."""
        self.export(RUNS["gpt2"], "gpt2")
        words = ("measure", "gpt2", "--ids", "ids.npy")
        everything = list(csv.DictReader(io.StringIO(self.refframe(*words, "--format", "csv").stdout)))
        chosen = list(csv.DictReader(io.StringIO(self.refframe(*words, "--layers", "1", "--format", "csv").stdout)))
        self.assertEqual(chosen, [row for row in everything if row["layer"] != "0"])
        self.assertEqual(list(csv.DictReader(io.StringIO(self.refframe(*words, "--layers", "1,0-1", "--format", "csv").stdout))), everything)
        document = json.loads(self.refframe(*words, "--layers", "1-1", "--format", "json").stdout)
        whole = json.loads(self.refframe(*words, "--format", "json").stdout)
        self.assertEqual((document["layers"], whole["layers"]), ([1], [0, 1]))
        self.assertEqual(document["frames"], {**whole["frames"], "layers": whole["frames"]["layers"][1:], "heads": whole["frames"]["heads"][1:]})
        for one, all in zip(document["metrics"], whole["metrics"]):
            self.assertEqual(one["values"], all["values"] if all["level"] == "model" else all["values"][1:], one["name"])
        table = self.refframe(*words, "--layers", 1).stdout
        self.assertIn("\n  layer 1 ", table)
        self.assertNotIn("layer 0", table)
        self.assertNotIn("\n  0.0 ", table)
        for layers in "2", "1-0", "0,", "x", "-1", "0-", "0;1", "", "99999999999999999999":
            with self.subTest(layers=layers):
                self.assertEqual(self.refframe(*words, "--layers", layers, code=2).stderr,
                                 f'refframe measure: --layers: "{layers}" is no list of layers such as 0,4-7; they are 0 to 1\n')
        self.assertEqual(self.refframe(*words, "--layers", 0, "--html", "page.html", code=2).stderr,
                         "refframe measure: --layers is for --format; the page has all layers\n")

    def test_what_was_measured_is_said(self):
        """Of which model and text, with which tokens around them; and what of the text was not measured."""
        self.export_text()
        self.write("text.txt", "the cat sat on the mat\ni\nit is so\n")
        words = ("measure", "character", "--text", "text.txt")
        table = self.refframe(*words, "--sentences", "--length", 16, "--special", "none").stdout
        for line in ("architecture gpt2", "text text.txt", "sequences a line each, cut at 16 positions", "special nothing",
                     "special tokens are not as the model's tokenizer has them: nothing, where it has <bos> in front",
                     "1 line of fewer than two tokens was left out", "1 line was cut at 16 positions"):
            self.assertIn(f"\n  {line}\n", table)
        document = json.loads(self.refframe(*words, "--length", 12, "--format", "json").stdout)
        self.assertEqual(document["model"], {"architecture": "gpt2", "text": "text.txt", "sequences": "windows of 12 positions",
                                             "special": "<bos> in front"})
        self.assertEqual((document["lengths"], document["files"]), ([12, 12, 12], []))
        self.assertIn("1 token at the end of the text fills no window", document["notes"])
        subprocess.run([REFFRAME, "measure", ".", "--text", "../text.txt", "--html", "../page.html"], cwd=self.at("character"),
                       stdout=subprocess.DEVNULL, check=True)
        page = read(self.at("page.html")).decode()
        self.assertIn("<title>character \u00b7 refframe</title>", page)
        for setting in '["Architecture","gpt2"]', '["Text","../text.txt"]', '["Sequences","windows of 16 positions"]', '["Special tokens",':
            self.assertIn(setting, page)

    def test_more_positions_than_are_measured(self):
        """A model that has more than 16,384 is not said to have as many."""
        self.export(RUNS["llama"], "llama")
        path = self.at("llama", "config.json")
        self.write(path, json.dumps({**json.loads(read(path)), "max_position_embeddings": 131072}))
        numpy.save(self.at("long.npy"), numpy.zeros((1, 16385), numpy.int32))
        self.assertEqual(self.refframe("measure", "llama", "--ids", "long.npy", code=2).stderr,
                         "refframe: long.npy: ids are (N, T), sequences of 2 to 16384 positions, the most that is measured (the model has 131072)\n")

    def test_progress_is_told_on_a_terminal(self):
        """On stderr, so that stdout may go to a file; nowhere else."""
        self.export(RUNS["gpt2"], "gpt2")
        ours, theirs = os.openpty()
        words = [REFFRAME, "measure", "gpt2", "--ids", "ids.npy", "--format", "csv", "--threads", "1"]
        done = subprocess.run(words, cwd=self.folder, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}, check=True)
        os.close(theirs)
        told = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertIn("measured 1 of 2 sequences", told)
        self.assertTrue(told.endswith("\r\x1b[K"), told)
        self.assertEqual(done.stdout.decode(), self.refframe("measure", "gpt2", "--ids", "ids.npy", "--format", "csv").stdout)

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
                (("gpt2",), "refframe measure: --ids IDS.npy or --text FILE is missing: what gpt2 is to be run on"),
                (("gpt2", "--ids", "none.npy"), "cannot open none.npy: No such file or directory"),
                (("gpt2", "--ids", "beyond.npy"), f"beyond.npy: sequence 0, position 1: {V} is no id of this model; they are 0 to {V - 1}"),
                (("gpt2", "--ids", "negative.npy"), f"negative.npy: sequence 0, position 1: -1 is no id of this model; they are 0 to {V - 1}"),
                (("gpt2", "--ids", "long.npy"), f"long.npy: {shape}"),
                (("gpt2", "--ids", "deep.npy"), f"deep.npy: {shape}"),
                (("gpt2", "--ids", "single.npy"), f"single.npy: {shape}"),
                (("gpt2", "--ids", "floats.npy"), "floats.npy: its items are float64; ids are int32, int64 or uint8"),
                (("gpt2", "--ids", "ids.npy", "--mask", "full"), "refframe measure: --mask and --tokens are for maps; gpt2 is a model"),
                ((run, "--ids", "ids.npy"), f"refframe measure: --ids is for a model; {run} is a run"),
                (("ids.npy", "--ids", "ids.npy"), "refframe measure: --ids is for a model's folder; ids.npy has no config.json")):
            with self.subTest(words=words):
                self.assertEqual(self.refframe("measure", *words, code=2).stderr, printed(error) + "\n")

    def export_text(self, kind="character"):
        """An export of a run on a text, and what its ids of texts are."""
        text = "the cat sat on the mat.\nit is so\n\nthe caf\u00e9 \u4e2d \x01\t\U0001f600 <bos>, it is the end\r\nhm\n"
        self.write("corpus.txt", text * 60)
        data = f"data: {{source: {{kind: text, files: [corpus.txt]}}, tokenizer: {{kind: {kind}}}}}\n"
        self.write(f"{kind}.yaml", experiment(RUNS["gpt2"], data))
        self.refframe("run", f"{kind}.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", kind)).values()
        self.refframe("export", run, "--to", kind)
        alphabet = {character: 3 + i for i, character in enumerate(sorted(set(text)))}
        self.write("text.txt", text)
        if kind == "byte":
            return text, lambda part: [3 + byte for byte in part.encode()]
        return text, lambda part: [alphabet[character] for character in part]

    def same(self, folder, words, ids):
        """A text is measured as its ids are."""
        numpy.save(self.at("same.npy"), numpy.array(ids))
        ours = self.refframe("measure", folder, "--text", "text.txt", *words, "--format", "csv").stdout
        self.assertEqual(ours, self.refframe("measure", folder, "--ids", "same.npy", "--format", "csv").stdout)

    def test_text_in_windows(self):
        """Of characters and bytes, each with what its tokenizer.json puts around a text: BOS (0), or what was asked for."""
        for kind in "character", "byte":
            with self.subTest(tokenizer=kind):
                text, ids_of = self.export_text(kind)
                ids = ids_of(text)
                windows = lambda n, front: [front + ids[at:at + n] for at in range(0, len(ids) - n + 1, n)]
                self.same(kind, (), windows(15, [0]))
                self.same(kind, ("--special", "as-model", "--length", 9), windows(8, [0]))
                self.same(kind, ("--special", "none"), windows(16, []))
                self.same(kind, ("--special", "none", "--limit", 2), windows(16, [])[:2])
                self.same(kind, ("--special", "first:<mask>", "--length", 6), windows(5, [2]))
        self.write("text.txt", "the cat")  # shorter than a window
        self.same("byte", (), [[0] + ids_of("the cat")])

    def test_sentences(self):
        """Each line at its own length, measured as it is alone; an empty one is none."""
        text, ids_of = self.export_text()
        lines = [line.rstrip("\r")[:15] for line in text.split("\n") if line]
        done = self.refframe("measure", "character", "--text", "text.txt", "--sentences", "--length", 16, "--format", "csv")
        found = {}
        for row in csv.DictReader(io.StringIO(done.stdout)):
            found.setdefault(row.pop("sequence"), []).append(row)
        self.assertEqual(sorted(found), [""] + [str(s) for s in range(len(lines))])
        for s, line in enumerate(lines):
            numpy.save(self.at("line.npy"), numpy.array([0] + ids_of(line)))
            done = self.refframe("measure", "character", "--ids", "line.npy", "--format", "csv")
            alone = [row for row in csv.DictReader(io.StringIO(done.stdout)) if row.pop("sequence") == "0"]
            self.assertEqual(found[str(s)], alone)
        table = self.refframe("measure", "character", "--text", "text.txt", "--sentences", "--length", 16, "--threads", 3).stdout
        self.assertIn("4 sequences of 3 to 16 tokens", table)
        self.assertEqual(json.loads(self.refframe("measure", "character", "--text", "text.txt", "--sentences", "--length", 16, "--format", "json").stdout)
                         ["lengths"][1], 9)

    def test_what_is_left_out(self):
        """Lines that have no map: of nothing, and of one token."""
        self.export_text()
        self.write("short.txt", "i\n\nit is\n")
        for words, n in (("none", "1 sequence of 5 tokens"), ("as-model", "2 sequences of 2 to 6 tokens")):
            self.assertIn(n, self.refframe("measure", "character", "--text", "short.txt", "--sentences", "--special", words).stdout)

    def test_bad_text(self):
        self.export_text()
        self.write("odd.txt", "the\nca\u00fft\n")
        self.write("bytes.txt", b"the \xff")
        self.write("empty.txt", "\n")
        text = ("character", "--text")
        for words, error in (
                ((*text, "none.txt"), "cannot open none.txt: No such file or directory"),
                ((*text, "odd.txt"), "odd.txt: \"\u00ff\" is no token, and there is none for the unknown"),
                ((*text, "odd.txt", "--sentences"), "odd.txt:2: \"\u00ff\" is no token, and there is none for the unknown"),
                ((*text, "bytes.txt"), "bytes.txt: byte 4 is no UTF-8"),
                ((*text, "empty.txt", "--sentences"), "empty.txt: there is no sequence of two tokens in it"),
                ((*text, "text.txt", "--sentences"), "text.txt:1: 24 tokens, and the model has 16 positions; with --length longer sentences are cut"),
                ((*text, "text.txt", "--length", 17), "refframe measure: --length: \"17\" is not a whole number in 2..16"),
                ((*text, "text.txt", "--special", "some"), "refframe measure: --special: \"some\" is not one of as-model, none, first:TOKEN"),
                ((*text, "text.txt", "--special", "first:xy"), "refframe measure: --special: \"xy\" is no token of this model's tokenizer"),
                ((*text, "text.txt", "--ids", "ids.npy"), "refframe measure: both --ids and --text; character is run on one of them"),
                (("character", "--ids", "ids.npy", "--sentences"), "refframe measure: --sentences is for --text"),
                (("ids.npy", "--limit", 2), "refframe measure: --limit is for a model's folder; ids.npy has no config.json")):
            with self.subTest(words=words):
                self.assertEqual(self.refframe("measure", *words, code=2).stderr, printed(error) + "\n")
        path = self.at("character", "tokenizer.json")
        whole = json.loads(read(path))
        whole["post_processor"]["special_tokens"]["<bos>"]["ids"] = [999]
        self.write(path, json.dumps(whole))
        done = self.refframe("measure", *text, "text.txt", code=2)
        self.assertRegex(done.stderr, r'^refframe: text.txt: "a token around it" has the id 999; those of this model are 0 to \d+\n$')
        self.write(path, json.dumps({**json.loads(read(path)), "normalizer": {"type": "Nmt"}}))
        done = self.refframe("measure", *text, "text.txt", code=2)
        self.assertEqual(done.stderr, 'refframe: character/tokenizer.json: normalizer "Nmt": not one that refframe knows\n')
        os.remove(path)
        done = self.refframe("measure", *text, "text.txt", code=2)
        self.assertEqual(done.stderr, "refframe: cannot open character/tokenizer.json: No such file or directory\n")

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
