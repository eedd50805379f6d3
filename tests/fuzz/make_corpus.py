"""Makes the seeds of the fuzz targets, corpus/TARGET/NAME: small inputs from which mutation reaches the rest.

    python3 make_corpus.py build/refframe      (NumPy; the program trains the run whose checkpoint is a seed)

Seeds that a finding left are named `found-...` and made by nobody: they are kept as they came.
"""
import glob
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
NUL = b"\0"

EXPERIMENT = """title: t
claim: c
model: {n_layers: 1, n_heads: 2}
data.source.kind: induction
train:
  steps: 20
sweep:
  model.position.kind: [rope, none]
  ends: {both: {data.bos: always, data.eos: always}, bare: {data.bos: never, data.eos: never}}
exclude: [{model.position.kind: none, ends: bare}]
seeds: [1, 3]
expect:
  - text: a sink
    that: onset(sink_mass:strongest, ends=both) < 10 and frame(ends=bare) = other
    family: F
"""

RUN = """seed: 3
model:
  n_layers: 1
  position: {kind: alibi}
  mask: {kind: window, width: 4}
data: {source: {kind: recall, task: last}, bos: never}
objective: {kind: labelled}
train: {steps: 12, optimizer: {kind: sgd, momentum: 0.5}}
"""

# As program.c has it.
CHECKPOINT = """claim: c
seeds: 1
model: {n_layers: 1, n_heads: 1, d_model: 8, d_ff: 8, context_length: 8}
data: {source: {kind: induction, n_symbols: 4}, bos: always}
objective: {kind: next}
train: {batch_size: 2, steps: 12, warmup_steps: 1, optimizer: {kind: sgd}}
measure: {sequences: 2}
checkpoint: {every: 3, keep: 4}
"""

# As tokenizer.c has it.
TOKENIZER = """claim: c
seeds: 1
model: {n_layers: 1, n_heads: 1, d_model: 8, d_ff: 8, context_length: 8}
data: {source: {kind: text, files: [text]}, tokenizer: {kind: bpe}, held_out: 0.25}
train: {batch_size: 2, steps: 1, warmup_steps: 1}
measure: {sequences: 2}
"""
TEXT = "that this is the hat\n\nthe cat sat on the mat\n\nand that is that\n"

MANIFEST = {"status": "running", "numerics_version": 2, "seed": 1, "threads": 1, "lanes": 1, "step": 3, "steps": 12, "tokens": 9,
            "targets": 9, "n_parameters": 8, "newline_share": None, "oracle_loss": None, "oracle_loss_measured": 0.5,
            "final_loss": 1e-3, "wall_seconds": 1, "measure_seconds": 0.25, "n_resumes": 1,
            "files": {"snapshots/step-00000000.npz": "ab" * 32}, "rows": {"3": "cd" * 32}}
TEXTS = ("reason", "id", "version", "compiler", "cpu", "kernels", "kernels_note", "input_sha256", "started", "ended")

PLAN = {"name": "x", "title": "t", "axes": [{"name": "a", "values": ["p", "q"]}, {"name": "b", "values": [1, True]}],
        "arms": [{"name": "p", "values": {"a": "p", "b": 1}}, {"name": "q", "values": {"a": "q", "b": True}}], "seeds": [1],
        "runs": [{"folder": "r", "id": "1", "arm": 0, "seed": 1}, {"folder": "s", "id": "2", "arm": 1, "seed": 1}],
        "claims": [{"text": "t", "that": "median(sink_mass) > 0.1 and seen(centralized, a=p)", "family": "F", "line": 3},
                   {"that": "changes(a) > 0.5"}, {"that": "onset(sink_mass, a=p) < onset(sink_mass, a=q)"}], "notes": ["n"]}
METRICS = {"metrics": [{"name": "sink_mass", "level": "head", "direction": "rises", "threshold": 0.3, "range": [0, 1]},
                       {"name": "rank", "level": "layer", "direction": "falls", "threshold": 0.5, "ratio": 2},
                       {"name": "gap", "level": "model"}]}

CLAIMS = ["onset(sink_mass:strongest, a=b) < 500", "early(loss:copy, a=\"x, y\") <= onset(x)", "frame(a=1, b=2) != centralized",
          "seen(bidirectional)", "changes(model.position.kind, ends=both) >= changes_framed(ends)", "early(frame:none) = 0.5",
          "median(corrupted/targets/sink_rate@0.3) > -1e-3 and frame_by_token() = frame()", "median(x:strongest, a=b) ~ 0.73 +- 0.05",
          "median(loss:copy, a=b) < median(loss:idle)"]

TEXTS_SHOWN = ["a\x1b[31mb\u202e\u2028", "=cmd|' /C'!A0", "<b a=\"&\">", "-1.5e-300", "9007199254740993", "1_000", "1e3",
               "\u00e9,\"\r\n;+1", "progress 3 12 0.5 inf nan"]

CORPORA = [b"the cat sat on the mat\n\nthe hat\n \nthat is that that is\n",
           "\u00e9\u00e8 \u4e2d\u6587\n\nna\u00efve\n\n\u00e9\u00e8".encode() * 2,
           b"\xff\x00\x80 12 ab\r\nab\tab\n\nababababab <0x41>" * 2, b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


# config.json: of the weights that the target brings; of others, which end at these.
CONFIGS = {
    "gpt2": {"model_type": "gpt2", "vocab_size": 11, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 1, "n_inner": 8,
             "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True, "pad_token_id": None},
    "llama": {"model_type": "llama", "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
              "num_key_value_heads": 1, "intermediate_size": 8, "max_position_embeddings": 8, "attention_bias": True,
              "rope_parameters": {"rope_type": "llama3", "factor": 2, "low_freq_factor": 1, "high_freq_factor": 4,
                                  "original_max_position_embeddings": 8, "rope_theta": 500}},
    "gpt_neox": {"model_type": "gpt_neox", "vocab_size": 11, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                 "intermediate_size": 8, "max_position_embeddings": 8, "use_parallel_residual": False, "rotary_pct": 0.25,
                 "rope_scaling": {"type": "linear", "factor": 2}},
    "pythia": {"model_type": "gpt_neox", "vocab_size": 11, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
               "intermediate_size": 8, "max_position_embeddings": 8, "use_parallel_residual": True, "rotary_emb_base": 10000},
}


# A folder with weights of its own: of which kind, how many tensors of the kind's own, and how config.json says it.
TINY_LLAMA = {"model_type": "mistral", "vocab_size": 3, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
              "num_key_value_heads": 1, "intermediate_size": 4, "max_position_embeddings": 8, "sliding_window": 3}
TINY_BERT = {"model_type": "xlm-roberta", "vocab_size": 5, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 4, "max_position_embeddings": 6, "type_vocab_size": 1, "pad_token_id": 1}


def llama_tensors(kind):
    shapes = {"model.embed_tokens.weight": (3, 4), "model.norm.weight": (4,), "lm_head.weight": (3, 4)}
    block = {"input_layernorm": (4,), "self_attn.q_proj": (4, 4), "self_attn.k_proj": (2, 4), "self_attn.v_proj": (2, 4),
             "self_attn.o_proj": (4, 4), "post_attention_layernorm": (4,), "mlp.gate_proj": (4, 4), "mlp.up_proj": (4, 4),
             "mlp.down_proj": (4, 4)}
    shapes |= {f"model.layers.0.{name}.weight": shape for name, shape in block.items()}
    return {name: (kind, np.full(shape, 0x3c00, "<u2")) for name, shape in shapes.items()}


TINY_OSS = {"model_type": "gpt_oss", "vocab_size": 3, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 2, "max_position_embeddings": 8, "attention_bias": False,
            "rope_parameters": {"rope_type": "default"}, "layer_types": ["full_attention"], "num_local_experts": 1,
            "num_experts_per_tok": 1, "intermediate_size": 4}


def oss_tensors():
    """Llama's without an MLP, sinks, and an expert of zeros."""
    tensors = {name: tensor for name, tensor in llama_tensors("F16").items() if "mlp" not in name}
    zeros = {"mlp.router.weight": (1, 4), "mlp.router.bias": (1,), "mlp.experts.gate_up_proj": (1, 4, 8),
             "mlp.experts.gate_up_proj_bias": (1, 8), "mlp.experts.down_proj": (1, 4, 4), "mlp.experts.down_proj_bias": (1, 4),
             "post_attention_layernorm.weight": (4,)}
    tensors["model.layers.0.self_attn.sinks"] = ("F16", np.full(2, 0x3c00, "<u2"))
    return tensors | {"model.layers.0." + name: ("F16", np.zeros(shape, "<u2")) for name, shape in zeros.items()}


def bert_tensors():
    shapes = {"word_embeddings.weight": (5, 4), "position_embeddings.weight": (6, 4), "token_type_embeddings.weight": (1, 4)}
    shapes = {f"embeddings.{name}": shape for name, shape in shapes.items()}
    inner = {"attention.self.query": 4, "attention.self.key": 4, "attention.self.value": 4, "attention.output.dense": 4,
             "intermediate.dense": 4, "output.dense": 4}
    for name in ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"):
        shapes |= {f"{name}.LayerNorm.weight": (4,), f"{name}.LayerNorm.bias": (4,)}
    for name, n in inner.items():
        shapes |= {f"encoder.layer.0.{name}.weight": (n, 4), f"encoder.layer.0.{name}.bias": (n,)}
    return {name: ("F32", np.full(shape, 0.5, "<f4")) for name, shape in shapes.items()}


def hub_folder(config, tensors, is_sharded):
    index = json.dumps({"weight_map": {name: "model-00001-of-00001.safetensors" for name in tensors}} if is_sharded else {})
    return json.dumps(config).encode() + NUL + (index.encode() if is_sharded else b"") + NUL + safetensors(tensors, None)


def gguf(metadata, tensors):
    """GGUF, version 3: metadata are u32, f32 or texts; tensors are of float32."""
    def text(string):
        return len(string).to_bytes(8, "little") + string.encode()

    def value(item):
        kinds = {int: (4, np.uint32), float: (6, np.float32)}
        if isinstance(item, str):
            return np.uint32(8).tobytes() + text(item)
        if isinstance(item, list):
            return np.uint32(9).tobytes() + np.uint32(8).tobytes() + np.uint64(len(item)).tobytes() + b"".join(map(text, item))
        number, kind = kinds[type(item)]
        return np.uint32(number).tobytes() + kind(item).tobytes()
    out, data = b"GGUF" + np.uint32(3).tobytes() + np.array([len(tensors), len(metadata)], "<u8").tobytes(), b""
    for key, item in metadata.items():
        out += text(key) + value(item)
    for name, shape in tensors.items():
        out += text(name) + np.uint32(len(shape)).tobytes() + np.array(shape[::-1], "<u8").tobytes() + np.uint32(0).tobytes()
        out += np.uint64(len(data)).tobytes()
        data += np.full(shape, 0.5, "<f4").tobytes() + bytes(-4 * int(np.prod(shape)) % 32)
    return out + bytes(-len(out) % 32) + data


GGUF = {"general.architecture": "llama", "llama.embedding_length": 4, "llama.block_count": 1, "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 1, "llama.feed_forward_length": 4, "llama.context_length": 8,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 500.0, "llama.rope.dimension_count": 2,
        "tokenizer.ggml.tokens": ["a", "\n"]}
GGUF_TENSORS = {"token_embd.weight": (3, 4), "output_norm.weight": (4,)} | {
    f"blk.0.{name}.weight": shape for name, shape in {
        "attn_norm": (4,), "attn_q": (4, 4), "attn_k": (2, 4), "attn_v": (2, 4), "attn_output": (4, 4), "ffn_norm": (4,),
        "ffn_gate": (4, 4), "ffn_up": (4, 4), "ffn_down": (4, 4)}.items()}


def npz(members, compression):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, array in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), npy(array), compression)
    return out.getvalue()


def safetensors(tensors, metadata):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (kind, array) in tensors.items():
        raw = array.tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def causal(n, layers, heads, length, kind):
    maps = np.tril(np.ones((length, length))) / np.arange(1, length + 1)[:, None]
    maps = 0.5 * maps + 0.5 * np.eye(length)[0]  # half of it on the first key
    return np.broadcast_to(maps, (n, layers, heads, length, length)).astype(kind)


# A tokenizer.json of each model, with parts of every kind, and a text.
WORDS = ["<unk>", "a", "b", "ab", "##b", "</w>", "\u2581", "\u2581a", "c", "\u0120", "\u0120a", "<0x64>"]
VOCABULARY = {word: i for i, word in enumerate(WORDS)}
ADDED = [{"id": 0, "content": "<unk>", "special": True}, {"id": 12, "content": "<m>", "lstrip": True, "rstrip": True},
         {"id": 13, "content": "B", "normalized": True, "single_word": True}]
SPLIT = {"type": "Split", "pattern": {"Regex": "(?i:'s|'re)|[^\\r\\n\\p{L}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}]++[\\r\\n]*|\\s+(?!\\S)|\\s+"},
         "behavior": "Isolated", "invert": False}
CHARSMAP = "DAAAAAAEAAAABAAAAAAAAABi"  # no map of any use, but one that is read
TOKENIZERS = {
    "bpe": [{"type": "BPE", "vocab": VOCABULARY, "merges": ["a b", ["\u0120", "a"]], "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True},
            {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Prepend", "prepend": " "}, {"type": "Replace", "pattern": {"String": "x"}, "content": "ab"}]},
            {"type": "Sequence", "pretokenizers": [SPLIT, {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": True}]},
            {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s"}}, {"Sequence": {"id": "A"}}],
                                                                        "special_tokens": {"s": {"ids": [1, 2]}}}]}],
    "piece": [{"type": "WordPiece", "vocab": VOCABULARY, "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9},
              {"type": "BertNormalizer", "strip_accents": None}, {"type": "BertPreTokenizer"}, {"type": "BertProcessing", "cls": ["a", 1], "sep": ["b", 2]}],
    "gram": [{"type": "Unigram", "vocab": [[word, -1.5 * i] for i, word in enumerate(WORDS)], "unk_id": 0, "byte_fallback": True},
             {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Strip"}]},
             {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}, None],
    "words": [{"type": "WordLevel", "vocab": VOCABULARY, "unk_token": "<unk>"}, {"type": "Precompiled", "precompiled_charsmap": CHARSMAP},
              {"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "WhitespaceSplit"}]}, None],
}
ODD_TEXT = " ab  <m> B xb'S c\u0301 \u4e2d\ufb01\r\n12 d!\U0001f469\u200d\U0001f466"


def tokenizer_file(model, normalizer, pre_tokenizer, post_processor):
    parts = {"added_tokens": ADDED, "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "model": model}
    return json.dumps(parts).encode() + NUL + ODD_TEXT.encode()


def trained(program, experiment, name):
    """A file that a run leaves."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in (("run.yaml", experiment), ("text", TEXT)):
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(content)
        subprocess.run([program, "run", "run.yaml", "--jobs", "1"], cwd=folder, check=True, capture_output=True)
        with open(glob.glob(f"{folder}/results/*/*/{name}")[0], "rb") as file:
            return file.read()


def seeds(program):
    arrays = {"f": np.arange(6, dtype="<f4").reshape(2, 3), "d": np.array(0.5), "i": np.array([1, -2], dtype="<i8"),
              "s": np.array([b"ab", b"c"]), "e": np.zeros((0, 3), dtype="<i4")}
    initial = {"tok.weight": ("F32", np.ones((2, 3), "<f4")), "b": ("BF16", np.zeros(3, "<u2")), "c": ("I64", np.zeros(0, "<i8"))}
    rows = b"".join(b"%d,0.5,%d\n" % (step, step) for step in range(1, 6))
    return {
        "checkpoint": {"step3": trained(program, CHECKPOINT, "checkpoints/step-00000003.safetensors"),
                       "f16": safetensors({"blocks.0.attention.q.weight": ("F16", np.full((8, 8), 0x3800, "<u2"))}, None)},
        "claim": {f"claim{i}": text.encode() for i, text in enumerate(CLAIMS)},
        "corpus": {f"text{i}": text for i, text in enumerate(CORPORA)},
        "experiment": {"sweep": EXPERIMENT.encode(), "set": EXPERIMENT.encode() + NUL + b"train.steps=7" + NUL + b"ends=both",
                       "small": b"model.d_model: 1e3\nseeds: [3, 1]\n", "bom": b"\xef\xbb\xbfclaim: a\nseeds: 1\n",
                       "escape": b"name: \"a\\e[31mb\"\nclaim: 'it''s'\n"},
        "gguf": {"tied": gguf(GGUF, GGUF_TENSORS), "untied": gguf(GGUF, GGUF_TENSORS | {"output.weight": (3, 4)})},
        "hub": {name: json.dumps(config).encode() for name, config in CONFIGS.items()} |
               {"half": hub_folder(TINY_LLAMA, llama_tensors("F16"), False), "shards": hub_folder(TINY_LLAMA, llama_tensors("BF16"), True),
                "roberta": hub_folder(TINY_BERT, bert_tensors(), False), "oss": hub_folder(TINY_OSS, oss_tensors(), False)},
        "hub_tokenizer": {name: tokenizer_file(*parts) for name, parts in TOKENIZERS.items()},
        "json": {"all": b'{"a": [1, -2.5e-3, true, null, "\\u00e9\\ud83d\\ude00\\n"], "b": {"": {}}}',
                 "deep": b"[" * 64 + b"]" * 64,
                 "number": b" 1e308 "},
        "manifest": {"running": json.dumps(MANIFEST | dict.fromkeys(TEXTS, "x")).encode()},
        "maps": {"set": npy(causal(2, 1, 2, 14, "<f4")), "half": npy(causal(1, 1, 1, 8, "<f2")[0]),
                 "one": npy(np.asfortranarray(causal(1, 1, 1, 5, "<f8")[0, 0, 0]))},
        "npy": {name: npy(array) for name, array in arrays.items()} |
               {"fortran": npy(np.asfortranarray(arrays["f"]), (2, 0)), "five": npy(np.zeros((1, 2, 1, 2, 1), "u1"))},
        "npz": {"stored": npz(arrays, zipfile.ZIP_STORED), "deflated": npz(arrays | {"z": np.zeros(64)}, zipfile.ZIP_DEFLATED)},
        "plan": {"two": json.dumps(PLAN).encode() + NUL + json.dumps(METRICS).encode(),
                 "plan": json.dumps(PLAN).encode()},
        "request": {"page": b"/a/", "file": b"/a/files/summary.csv", "state": b"/%c3%a4%2Ba/state.json", "up": b"/%2e%2e/files/..%2fx",
                    "list": b"/state.json", "host": b"localhost:8231", "host-6": b"[::1]:8231"},
        "run_yaml": {"recall": RUN.encode(), "empty": b""},
        "safetensors": {"plain": safetensors(initial, None), "crc": safetensors(initial, {"crc32": "00000000", "a": "b"})},
        "sums": {"two": b"0" * 64 + b"  plan.json\n" + b"9af" * 21 + b"e  a b.csv\n", "empty": b"",
                 "below": b"0" * 64 + b"  run/manifest.json\n"},
        "series": {"five": bytes([5]) + b"step,loss,targets\n" + rows,
                   "torn": bytes([2]) + b"step,loss,targets\n" + rows + b"6,0.",
                   "empty-cells": bytes([1]) + b"step,loss,targets\n1,,\n"},
        # file, member, what is done (0 drop; 1 type, axes, sizes; 2 content alone), length of a pattern and itself
        "snapshots": {"as-it-is": b"", "drop": bytes([0, 11, 0, 1, 11, 0]), "empty-axis": bytes([0, 0, 1, 1, 4, 2, 1, 0, 16, 0]),
                      "nan": bytes([1, 16, 2, 8]) + np.array(np.nan).tobytes(), "lengths": bytes([0, 23, 2, 0, 1, 23, 2, 0]),
                      "negative-ids": bytes([0, 5, 2, 4, 255, 255, 255, 255]), "half": bytes([0, 1, 1, 1, 4, 0, 1, 2, 252, 0]),
                      "baselines": bytes([2, 26, 1, 1, 3, 1, 2, 15, 0]), "groups": bytes([0, 4, 1, 2, 1, 247, 0])},
        "text": {f"text{i}": text.encode() for i, text in enumerate(TEXTS_SHOWN)} | {"bytes": b"\xff\xc3\x28\xed\xa0\x80"},
        "tokenizer": {"own": trained(program, TOKENIZER, "tokenizer.csv"),
                      "header": b"id,left,right,count,bytes,text\n3,,,,00,<0x00>\n"},
        "tokens": {"set": npy(np.arange(32, dtype="<i4").reshape(2, 16) % 5), "long": npy(np.full((2, 16), 2**40, "<i8")),
                   "bytes": npy(np.zeros((2, 16), "u1"))},
    }


def main(program):
    for target, files in seeds(os.path.abspath(program)).items():
        folder = os.path.join(HERE, "corpus", target)
        os.makedirs(folder, exist_ok=True)
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


main(sys.argv[1])
