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
          "median(corrupted/targets/sink_rate@0.3) > -1e-3 and frame_by_token() = frame()"]

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
}


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
        "hub": {name: json.dumps(config).encode() for name, config in CONFIGS.items()},
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
