"""Without this, a new transformers could read our exports as other models, and the fixtures of tests/hub would not know. Here the
library itself loads them: logits of every case of tests/hub, and of a trained run of each architecture its attention maps and
held-out loss, as the run's own snapshot has them. Wants torch and transformers, and is skipped without."""
import csv
import importlib
import importlib.util
import io
import os
import subprocess
import sys
import unittest

from exported import RUNS, experiment
from harness import Case, run_folders

sys.path.insert(0, os.path.join(os.environ["TESTS_DIR"], "hub"))

TEXT = "A caf\u00e9, \u4e2d\u6587 \U0001f600\r\n\tx\x01<bos>\"\\\u00a0 <mask>  two\n\n"
TOLERANCE = 1e-5


def lacks():
    for name in "numpy", "torch", "transformers":
        try:
            importlib.import_module(name)
        except ImportError:
            return name
    return ""


@unittest.skipIf(lacks(), f"needs {lacks()}")
class HuggingFace(Case):
    def test_logits(self):
        """Also what the fixtures say of another version."""
        import numpy as np
        from hugging_face import left_by, logits_of
        worst = 0
        for name, ids, ours in left_by(os.path.join(os.environ["BUILD_DIR"], "tests", "test_hub_logits"), self.folder):
            theirs = logits_of(self.at(name), ids)
            apart = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
            worst = max(worst, apart)
            self.assertLessEqual(apart, TOLERANCE, name)
        print(f"# logits at most {worst:.1e} of the largest apart")

    def test_trained_runs(self):
        """Maps over all positions, and the mean loss over targets; of a masked run over its corrupted sequences."""
        import numpy as np
        import torch
        from hugging_face import load
        for name, settings in RUNS.items():
            with self.subTest(architecture=name):
                snapshot, folder = self.trained(name, settings)
                model = load(folder)
                asked = "corrupted/tokens" if "corrupted/tokens" in snapshot else "tokens"
                with torch.no_grad():
                    attention = model(torch.tensor(snapshot["tokens"]).long(), output_attentions=True).attentions
                    logits = model(torch.tensor(snapshot[asked]).long()).logits
                maps = torch.stack(attention, 1).numpy()
                self.assertEqual(maps.shape, snapshot["map"].shape)
                apart = float(np.abs(maps - snapshot["map"]).max())
                self.assertLessEqual(apart, TOLERANCE)
                targets = torch.tensor(snapshot["targets"]).long()
                loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).double(), targets.flatten(), ignore_index=-1)
                self.assertAlmostEqual(float(loss), float(snapshot["held_out_loss"][0]), delta=TOLERANCE * float(loss))
                print(f"# {name}: maps at most {apart:.1e} apart, losses {abs(float(loss) - snapshot['held_out_loss'][0]):.1e}")

    def trained(self, name, settings):
        import numpy as np
        self.write(f"{name}.yaml", experiment(settings).replace("maps: 1", "maps: 2"))
        self.refframe("run", f"{name}.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", name)).values()
        self.refframe("export", run, "--to", name)
        return np.load(os.path.join(run, "snapshots", "step-00000006.npz")), self.at(name)

    def test_models_of_the_library(self):
        """Folders that it writes itself: our maps of them, measured, are its own, measured as anybody's maps."""
        import numpy as np
        import torch
        import transformers
        from hugging_face import load
        sizes = {"vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.5,
                 "max_position_embeddings": 32}
        ids = np.random.default_rng(0).integers(0, 20, (3, 20))
        np.save(self.at("ids.npy"), ids)
        for config in (transformers.GPT2Config(**sizes), transformers.LlamaConfig(**sizes, num_key_value_heads=2, intermediate_size=24),
                       transformers.GPTNeoXConfig(**sizes, intermediate_size=24, use_parallel_residual=False)):
            name = config.model_type
            torch.manual_seed(1)
            transformers.AutoModelForCausalLM.from_config(config).save_pretrained(self.at(name))
            with torch.no_grad():
                maps = torch.stack(load(self.at(name))(torch.tensor(ids), output_attentions=True).attentions, 1)
            np.save(self.at(f"{name}.npy"), maps.numpy())
            ours = self.values(name, "--ids", "ids.npy")
            theirs = self.values(f"{name}.npy", "--mask", "causal", "--tokens", "ids.npy")
            self.assertEqual(ours.keys(), theirs.keys())
            smooth = [key for key in ours if key[2] in ("alpha", "attention_entropy", "mean_distance", "sink_mass")]
            self.assertGreaterEqual(len(smooth), 16)
            for key in smooth:  # others jump at thresholds, which rounding may cross
                self.assertAlmostEqual(ours[key], theirs[key], delta=1e-4 * (1 + abs(theirs[key])), msg=str((name, key)))

    def values(self, *words):
        done = self.refframe("measure", *words, "--format", "csv")
        return {(row["layer"], row["head"], row["metric"]): float(row["value"] or "nan")
                for row in csv.DictReader(io.StringIO(done.stdout)) if not row["sequence"]}

    def test_generation(self):
        import torch
        from hugging_face import load
        _, folder = self.trained("llama", RUNS["llama"])
        model, ids = load(folder), torch.tensor([[0, 5, 9]])
        made = model.generate(ids, max_new_tokens=8, do_sample=False, eos_token_id=None)
        for t in range(3, 11):  # with the keys and values it kept, as without
            self.assertEqual(int(model(made[:, :t]).logits[0, -1].argmax()), int(made[0, t]))

    def test_tokenizers(self):
        """Ids are those that the run read; there and back the text is the same, what looks like a special token included."""
        import tokenizers
        import transformers
        self.write("text.txt", TEXT * 40)
        alphabet = {character: 3 + i for i, character in enumerate(sorted(set(TEXT)))}
        expected = {"character": [alphabet[character] for character in TEXT], "byte": [3 + byte for byte in TEXT.encode()]}
        for kind, ids in expected.items():
            data = f"data: {{source: {{kind: text, files: [text.txt]}}, tokenizer: {{kind: {kind}}}}}\n"
            self.write(f"{kind}.yaml", experiment(RUNS["llama"], data))
            self.refframe("run", f"{kind}.yaml", "--results", "results")
            self.refframe("export", *run_folders(self.at("results", kind)).values(), "--to", kind)
            fast = tokenizers.Tokenizer.from_file(self.at(kind, "tokenizer.json"))
            auto = transformers.AutoTokenizer.from_pretrained(self.at(kind))
            self.assertEqual(fast.encode(TEXT).ids, [0] + ids)
            self.assertEqual(fast.decode(ids, skip_special_tokens=False), TEXT)
            self.assertEqual(auto(TEXT)["input_ids"], [0] + ids)
            self.assertEqual(auto(TEXT, add_special_tokens=False)["input_ids"], ids)
            self.assertEqual(auto.decode(ids), TEXT)
            self.assertEqual(auto.decode([0] + ids, skip_special_tokens=True), TEXT)
            self.assertEqual((auto.bos_token_id, auto.eos_token_id, auto.mask_token_id), (0, 1, 2))
        with self.assertRaises(Exception):
            tokenizers.Tokenizer.from_file(self.at("character", "tokenizer.json")).encode("Z")

    def test_ids_of_random_texts(self):
        """Tokenizers of every kind, on texts that no fixture has."""
        for name in "sentencepiece", "google.protobuf":
            if not importlib.util.find_spec(name.split(".")[0]):
                self.skipTest(f"needs {name}")
        tests, seed = os.environ["TESTS_DIR"], "7"
        subprocess.run([sys.executable, os.path.join(tests, "hub", "fixtures", "make_tokenizers.py"), self.at("tokenizers.json"), seed, "400"], check=True)
        done = subprocess.run([os.path.join(os.environ["BUILD_DIR"], "tests", "test_hub_tokenizers")], capture_output=True, text=True, check=False,
                              env=dict(os.environ, TOKENIZERS=self.at("tokenizers.json"), CMOCKA_MESSAGE_OUTPUT="TAP"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^ok 1 - test_every_kind_as_the_library$", "built without libutf8proc")


if __name__ == "__main__":
    unittest.main()
