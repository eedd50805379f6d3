"""Without this, a new transformers could read our exports as other models, and the fixtures of tests/hub would not know. Here the
library itself loads them: logits of every case of tests/hub, and of a trained run of each architecture its attention maps and
held-out loss, as the run's own snapshot has them. Wants torch and transformers, and is skipped without."""
import csv
import importlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import unittest

from exported import RUNS, experiment
from harness import Case, run_folders

sys.path.insert(0, os.path.join(os.environ["TESTS_DIR"], "hub"))
sys.path.insert(0, os.path.join(os.environ["TESTS_DIR"], "hub", "fixtures"))

TEXT = "A caf\u00e9, \u4e2d\u6587 \U0001f600\r\n\tx\x01<bos>\"\\\u00a0 <mask>  two\n\n"
TOLERANCE = 1e-5
SEEDS = int(os.environ.get("HUB_SEEDS", "3"))


def lacks():
    for name in "numpy", "torch", "transformers":
        try:
            importlib.import_module(name)
        except ImportError:
            return name
    return ""


def drawn_ids(config, seed):
    """As long as the model has positions for; without padding's id, which in RoBERTa stands at no place."""
    import numpy as np
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, config.vocab_size, generator.integers(2, 24))
    return np.where(ids == config.pad_token_id, (ids + 1) % config.vocab_size, ids).astype(np.int32)


def drawn_models(seed):
    """Name, class, configuration, type and size of the files: of each architecture one, of drawn sizes and choices."""
    import numpy as np
    import torch
    import transformers as t
    draw = np.random.default_rng(100 + seed)

    def one_of(*choices):
        return choices[draw.integers(len(choices))]

    for made, config in ((t.LlamaForCausalLM, t.LlamaConfig), (t.LlamaModel, t.LlamaConfig), (t.MistralForCausalLM, t.MistralConfig),
                         (t.Qwen2ForCausalLM, t.Qwen2Config), (t.Qwen3ForCausalLM, t.Qwen3Config), (t.SmolLM3ForCausalLM, t.SmolLM3Config),
                         (t.GPT2LMHeadModel, t.GPT2Config), (t.GPT2Model, t.GPT2Config), (t.GPTNeoXForCausalLM, t.GPTNeoXConfig),
                         (t.BloomForCausalLM, t.BloomConfig), (t.BertForMaskedLM, t.BertConfig), (t.RobertaModel, t.RobertaConfig),
                         (t.XLMRobertaForMaskedLM, t.XLMRobertaConfig)):
        kind, heads, n_layers = config.model_type, one_of(1, 2, 3, 4, 6), one_of(1, 2, 3, 4)
        grouped = one_of(*[n for n in (1, 2, 3, 6) if heads % n == 0])
        sizes = {"vocab_size": one_of(7, 23, 64), "num_hidden_layers": n_layers, "num_attention_heads": heads,
                 "hidden_size": heads * one_of(4, 6, 10)}
        if kind != "bloom":
            sizes["max_position_embeddings"] = 40
        if kind not in ("gpt2", "bloom"):
            sizes["intermediate_size"] = one_of(5, 16, 33)
        if kind in ("llama", "mistral", "qwen2", "qwen3", "smollm3"):
            sizes |= {"num_key_value_heads": grouped, "rms_norm_eps": one_of(1e-6, 1e-3), "tie_word_embeddings": one_of(True, False),
                      "rope_parameters": {"rope_type": "default", "rope_theta": one_of(100.0, 1e6)}, "pad_token_id": None}
        if kind in ("llama", "qwen3", "smollm3"):
            sizes["attention_bias"] = one_of(True, False)
        sizes |= {"llama": {"head_dim": one_of(4, 8)}, "qwen3": {"head_dim": one_of(2, 6)}, "mistral": {"sliding_window": one_of(3, 9, None)},
                  "smollm3": {"no_rope_layer_interval": one_of(1, 2, 3, 4)}, "bert": {"hidden_act": one_of("gelu", "relu", "gelu_new")},
                  "roberta": {"pad_token_id": one_of(0, 1, 4), "type_vocab_size": 1},
                  "gpt_neox": {"hidden_size": heads * 8, "use_parallel_residual": seed % 2 == 0, "attention_bias": one_of(True, False), "hidden_act": one_of("gelu", "relu")},
                  "gpt2": {"n_inner": one_of(None, 12)}}.get(kind, {})
        yield (made.__name__, made, config(**sizes), one_of(torch.float32, torch.float16, torch.bfloat16), one_of("2KB", "1GB"))


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
        """Folders that it writes itself, of every architecture and of drawn sizes: our maps and logits are its own."""
        from make_theirs import keep, run, save
        for seed in range(SEEDS):
            for name, made, config, dtype, shard in drawn_models(seed):
                folder = self.at("theirs", f"{name}_{seed}")
                ids = drawn_ids(config, seed)
                maps, logits = run(save(folder, made, config, dtype, None, seed, shard), ids)
                keep(folder, ids, maps, logits if made.__name__.endswith(("CausalLM", "LMHeadModel")) else None)
        program = os.path.join(os.environ["BUILD_DIR"], "tests", "test_hub_theirs")
        done = subprocess.run([program], env={**os.environ, "HUB_THEIRS": self.at("theirs")}, capture_output=True, text=True, check=False)
        apart = [float(word) for word in re.findall(r" are (\S+) of the largest apart", done.stdout + done.stderr)]
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(len(apart), 13 * SEEDS)
        print(f"# {len(apart)} maps and logits at most {max(apart):.1e} apart")

    def test_measured_models_of_the_library(self):
        """The same maps, measured as anybody's maps, give what the program prints of the model, as far as maps tell."""
        import numpy as np
        import transformers
        from make_theirs import run, save
        import torch
        sizes = {"vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 32}
        ids = np.random.default_rng(0).integers(0, 20, 20)
        np.save(self.at("ids.npy"), ids)
        for config in (transformers.GPT2Config(**sizes), transformers.LlamaConfig(**sizes, num_key_value_heads=2, intermediate_size=24)):
            name = config.model_type
            made = {"gpt2": transformers.GPT2LMHeadModel, "llama": transformers.LlamaForCausalLM}[name]
            maps, _ = run(save(self.at(name), made, config, torch.float32, None, 1), ids)
            np.save(self.at(f"{name}.npy"), maps[None])
            ours = self.values(name, "--ids", "ids.npy")
            theirs = self.values(f"{name}.npy", "--mask", "causal", "--tokens", "ids.npy")
            self.assertLessEqual(theirs.keys(), ours.keys())
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
