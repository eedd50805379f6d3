"""Without these, an export could hold other weights than the checkpoint, say another vocabulary, take the place of what somebody
else keeps there, or be left half-written. That it computes the same is tests/hub's and long_hub.py's."""
import json
import os
import shutil
import unittest

from exported import EXPECTED, RUNS, experiment, tensors
from harness import Case, read, run_folders
from killing import SMALL, KillCase

FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def contents(folder):
    return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}


class Export(Case):
    def train(self, settings, more="", name="one"):
        self.write(f"{name}.yaml", experiment(settings, more))
        self.refframe("run", f"{name}.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", name)).values()
        return run

    def check_tensors(self, run, step, folder):
        ours, _ = tensors(os.path.join(run, "checkpoints", f"step-{step:08}.safetensors"))
        theirs, metadata = tensors(os.path.join(folder, "model.safetensors"))
        config = json.loads(read(os.path.join(folder, "config.json")))
        expected = EXPECTED[config["model_type"]](ours, config)
        self.assertEqual(sorted(theirs), sorted(expected))
        for name, values in expected.items():
            self.assertEqual(theirs[name], values, name)
        self.assertEqual(metadata["format"], "pt")
        self.assertEqual(config["torch_dtype"], "float32")
        return config

    def test_every_architecture(self):
        """Names, shapes and values, as exported.py says them anew; every weight has moved, so no two are alike."""
        listed = self.refframe("list", "architecture").stdout
        for name, settings in RUNS.items():
            with self.subTest(architecture=name):
                self.assertIn(f"\n  {name} ", listed)
                run = self.train(settings, name=name)
                done = self.refframe("export", run, "--to", f"to/{name}")
                self.assertEqual(sorted(os.listdir(self.at("to", name))), FILES)
                config = self.check_tensors(run, 6, self.at("to", name))
                n = len(tensors(self.at("to", name, "model.safetensors"))[0])
                self.assertEqual(done.stdout, f"to/{name}: {name} of step 6 as {config['architectures'][0]}, {n} tensors, and its "
                                              "tokenizer\n")
                self.assertEqual(config["model_type"], name)
                self.assertEqual(config["refframe"], {"version": config["refframe"]["version"], "run": os.path.basename(run),
                                                      "step": 6})
                self.assertEqual((config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]), (0, 1, None))

    def test_the_alibi_of_the_quickstart_after_two_changes(self):
        """Those that its README and the verb's help name."""
        base = os.path.join(os.path.dirname(os.environ["TESTS_DIR"]), "configs", "base.yaml")
        help = " ".join(self.refframe("export", "--help").stdout.split())
        for changes, code in (("", 2), ("  embedding_norm: true\n  activation: gelu\n", 0)):
            self.write("alibi.yaml", f"extends: {base}\ndata: {{bos: always}}\nmodel:\n  position: {{kind: alibi}}\n{changes}"
                       "train: {steps: 1}\nsnapshot: {every: 1}\n")
            self.refframe("run", "alibi.yaml", "--results", f"results{code}")
            (run,) = run_folders(self.at(f"results{code}", "alibi")).values()
            done = self.refframe("export", run, "--to", f"out{code}", code=code)
            self.assertIn("model.position.kind: alibi has no place in" if code else "as BloomForCausalLM", done.stdout + done.stderr)
        self.assertIn("Only bloom has ALiBi. It needs model.embedding_norm: true and model.activation: gelu.", help)

    def test_a_step(self):
        run = self.train(RUNS["gpt_neox"])
        self.refframe("export", run, "--to", "out", "--step", 3)
        self.assertEqual(self.check_tensors(run, 3, self.at("out"))["refframe"]["step"], 3)
        done = self.refframe("export", run, "--to", "other", "--step", 4, code=2)
        self.assertEqual(done.stderr, f"refframe: {run}: has no checkpoint of step 4; there are those of 3, 6\n")
        shutil.rmtree(os.path.join(run, "checkpoints"))
        done = self.refframe("export", run, "--to", "other", code=2)
        self.assertEqual(done.stderr, f"refframe: {run}: has no checkpoint yet, and so no weights\n")
        self.assertFalse(os.path.exists(self.at("other")))

    def test_what_is_no_run(self):
        self.write("file", "")
        os.mkdir(self.at("folder"))
        for what, why in (("nothing", "there is no such folder"), ("file", "has no run.yaml"), ("folder", "has no run.yaml")):
            done = self.refframe("export", what, "--to", "out", code=2)
            self.assertEqual(done.stderr, f"refframe: {what}: {why}; export takes a run's folder, results/NAME/RUN\n")
        done = self.refframe("export", "folder", code=2)
        self.assertEqual(done.stderr, "refframe export: --to DIR is missing: where the folder is written\n")
        self.assertFalse(os.path.exists(self.at("out")))

    def test_a_damaged_checkpoint_and_another_text(self):
        self.write("text.txt", "a b c d e f g h\n\n" * 200)
        run = self.train(RUNS["gpt2"], "data: {source: {kind: text, files: [text.txt]}}\n")
        self.write("text.txt", "a b c d e f g i\n\n" * 200)
        done = self.refframe("export", run, "--to", "out", code=2)
        self.assertRegex(done.stderr, r"^refframe: \S+: its input files have changed since it was trained \(SHA-256 .*\)\n$")
        self.write("text.txt", "a b c d e f g h\n\n" * 200)
        self.refframe("export", run, "--to", "fine")
        path = os.path.join(run, "checkpoints", "step-00000006.safetensors")
        data = bytearray(read(path))
        data[len(data) // 2] ^= 1
        self.write(path, bytes(data))
        done = self.refframe("export", run, "--to", "out", code=2)
        self.assertRegex(done.stderr, r"^refframe: .*step-00000006.safetensors: .*it is damaged\n$")
        self.assertFalse(os.path.exists(self.at("out")))

    def test_characters(self):
        text = "A caf\u00e9, \u4e2d\u6587 \U0001f600\n\tx\x01<bos>\"\\\u00a0\n\n"
        self.write("text.txt", text * 100)
        run = self.train(RUNS["llama"], "data: {source: {kind: text, files: [text.txt]}}\n")
        self.refframe("export", run, "--to", "out")
        tokenizer = json.loads(read(self.at("out", "tokenizer.json")))
        content = {character: 3 + i for i, character in enumerate(sorted(set(text)))}
        self.assertEqual(tokenizer["model"]["vocab"], {"<bos>": 0, "<eos>": 1, "<mask>": 2, **content})
        self.assertEqual(tokenizer["pre_tokenizer"]["pattern"], {"Regex": r"[\s\S]"})
        self.assertEqual(json.loads(read(self.at("out", "config.json")))["vocab_size"], 3 + len(content))
        pieces = [list(piece.values())[0]["id"] for piece in tokenizer["post_processor"]["single"]]
        self.assertEqual(pieces, ["<bos>", "A"])

    def test_bytes_and_frames(self):
        data = "data: {tokenizer: {kind: byte}, eos: always, bos: never}\n"
        self.refframe("export", self.train(RUNS["bert"], data), "--to", "out")
        tokenizer = json.loads(read(self.at("out", "tokenizer.json")))
        vocabulary = tokenizer["model"]["vocab"]
        self.assertEqual(sorted(vocabulary.values()), list(range(259)))
        for character, byte in (("A", 65), ("~", 126), ("\u0120", 32), ("\u010a", 10), ("\u00ff", 255), ("\u0100", 0), ("\u0143", 173)):
            self.assertEqual(vocabulary[character], 3 + byte, character)
        pieces = [list(piece.values())[0]["id"] for piece in tokenizer["post_processor"]["single"]]
        self.assertEqual(pieces, ["A", "<eos>"])

    def test_without_a_tokenizer(self):
        for name, data in (("pairs", "{tokenizer: {kind: bpe, vocab_size: 280}}"), ("symbols", "{source: {kind: markov}}")):
            run = self.train(RUNS["gpt2"], f"data: {data}\n", name=name)
            self.assertNotIn("tokenizer", self.refframe("export", run, "--to", name).stdout)
            self.assertEqual(sorted(os.listdir(self.at(name))), FILES[:2])

    def test_what_has_no_home(self):
        """From a whole run: the line names run.yaml and its line, and nothing is written. Every key: tests/hub."""
        run = self.train("score: {kind: relu}, position: {kind: rope}")
        done = self.refframe("export", run, "--to", "some/where", code=2)
        self.assertRegex(done.stderr, r"^refframe: \S+/run\.yaml:[0-9]+: model\.score\.kind: relu has no place in Hugging Face's "
                                      r"architectures\n$")
        self.assertFalse(os.path.exists(self.at("some")))

    def test_what_stands_there(self):
        run = self.train(RUNS["gpt_neox"])
        os.mkdir(self.at("mine"))
        self.write("mine/config.json", '{"model_type": "gpt_neox"}')
        self.write("file", "mine")
        before = contents(self.at("mine"))
        done = self.refframe("export", run, "--to", "mine", code=2)
        self.assertEqual(done.stderr, "refframe: mine: is there, and no earlier export of refframe; give a folder that is not "
                                      "there yet\n")
        self.assertEqual(contents(self.at("mine")), before)
        done = self.refframe("export", run, "--to", "file", code=2)
        self.assertEqual(done.stderr, "refframe: file: is a file; give a folder that is not there yet\n")
        self.refframe("export", run, "--to", "out/", "--step", 3)
        first = contents(self.at("out"))
        self.refframe("export", run, "--to", "out")
        self.assertNotEqual(contents(self.at("out")), first)
        self.refframe("export", run, "--to", self.at("out"), "--step", 3)
        self.assertEqual(contents(self.at("out")), first)
        self.write("out/notes.txt", "mine")
        done = self.refframe("export", run, "--to", "out", code=2)
        self.assertEqual(done.stderr, "refframe: out: is an earlier export, with a file beside it that would be lost: notes.txt\n")
        self.assertEqual(contents(self.at("out")), {**first, "notes.txt": b"mine"})
        self.assertEqual([name for name in os.listdir(self.folder) if ".tmp-" in name], [])

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_that_is_not_to_be_written(self):
        run = self.train(RUNS["gpt_neox"])
        os.mkdir(self.at("locked"), 0o500)
        self.refframe("export", run, "--to", "locked/out", code=1)


class KilledExports(KillCase):
    yaml = SMALL

    def test_a_kill_at_every_call(self):
        """Over an earlier export and where there is none: what then stands there is whole, or nothing; the next export clears
        what is left."""
        for has_old in (False, True):
            def prepare():
                for name in os.listdir(self.folder):
                    if name.startswith("out"):
                        shutil.rmtree(self.at(name))
                if has_old:
                    self.refframe("export", self.calm_run, "--to", "out")
            prepare()
            calls = self.calls(f"over-{has_old}", "export", self.calm_run, "--to", "out")
            whole = contents(self.at("out"))
            self.assertGreater(len(calls), 10)
            for call in calls:
                prepare()
                self.preloaded("export", self.calm_run, "--to", "out", code=-9, at=call.number, half=call.half)
                if os.path.exists(self.at("out")):
                    self.assertEqual(contents(self.at("out")), whole, call)
                self.refframe("export", self.calm_run, "--to", "out")
                self.assertEqual(contents(self.at("out")), whole, call)
                self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("out") and name != "out"], [], call)


if __name__ == "__main__":
    unittest.main()
