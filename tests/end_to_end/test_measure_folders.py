"""Without these, a damaged or hostile folder of weights could end the program, or be measured as another model than it is; and the
same numbers in another type, in several files or under other names could be another model."""
import json
import os
import shutil
import struct
import unittest

import numpy

from harness import Case, printed, read

THEIRS = os.path.join(os.environ["TESTS_DIR"], "hub", "fixtures", "theirs")
INDEX, WEIGHTS, CONFIG = "model.safetensors.index.json", "model.safetensors", "config.json"
TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8"}


def unpack(data):
    """Name -> (type, array)."""
    (n,) = struct.unpack("<Q", data[:8])
    found = {}
    for name, entry in json.loads(data[8:8 + n]).items():
        if name != "__metadata__":
            begin, end = (8 + n + offset for offset in entry["data_offsets"])
            found[name] = entry["dtype"], numpy.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return found


def header_of(tensors):
    header, at = {}, 0
    for name, (kind, array) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    return header


def pack(tensors, header=None):
    text = json.dumps(header_of(tensors) if header is None else header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for _, array in tensors.values())


def bf16(array):
    """Cut to the upper half: its bits, and the number that they are."""
    words = (array.astype("<f4").view("<u4") >> 16).astype("<u2")
    return words, (words.astype("<u4") << 16).view("<f4")


class Folders(Case):
    def copy(self, name, to=None):
        folder = self.at(to or name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(os.path.join(THEIRS, name), folder)
        return folder

    def measured(self, name):
        return self.refframe("measure", name, "--ids", os.path.join(THEIRS, "qwen2_tied", "ids.npy"), "--format", "csv").stdout

    def tensors(self, folder, change):
        """Writes a file's tensors again."""
        path = os.path.join(folder, WEIGHTS)
        self.write(path, pack(change(unpack(read(path)))))

    def config(self, folder, **changes):
        config = json.loads(read(os.path.join(folder, CONFIG)))
        self.write(os.path.join(folder, CONFIG), json.dumps({**config, **changes}))


class TheSameModel(Folders):
    def test_types_and_files_and_names(self):
        """To the byte: cut to 16 bits, in halves, in shards, without a prefix, with tensors that change nothing."""
        folder = self.copy("qwen2_tied", "plain")
        halves = {name: array.astype("<f2") for name, (_, array) in unpack(read(os.path.join(folder, WEIGHTS))).items()}
        self.tensors(folder, lambda all: {name: ("F32", bf16(array)[1]) for name, (_, array) in all.items()})
        expected = self.measured("plain")
        rounded = unpack(read(os.path.join(folder, WEIGHTS)))

        def write(name, tensors):
            self.write(os.path.join(self.copy("qwen2_tied", name), WEIGHTS), pack(tensors))

        write("bf16", {name: ("BF16", bf16(array)[0]) for name, (_, array) in rounded.items()})
        write("bare", {name.removeprefix("model."): value for name, value in rounded.items()})
        write("more", {**rounded, "lm_head.weight": ("F32", numpy.zeros((17, 12), "<f4")),
                       "model.layers.1.self_attn.rotary_emb.inv_freq": ("F32", numpy.zeros(3, "<f4"))})
        self.shards(self.copy("qwen2_tied", "shards"), rounded)
        for name in "bf16", "bare", "more", "shards":
            self.assertTrue(self.measured(name) == expected, name)
        write("f16", {name: ("F16", array) for name, array in halves.items()})
        write("f32", {name: ("F32", array.astype("<f4")) for name, array in halves.items()})
        self.assertTrue(self.measured("f16") == self.measured("f32"))
        self.assertTrue(self.measured("f16") != expected)

    def shards(self, folder, tensors):
        os.remove(os.path.join(folder, WEIGHTS))
        parts = {"model-00001-of-00002.safetensors": sorted(tensors)[::2], "model-00002-of-00002.safetensors": sorted(tensors)[1::2]}
        for file, names in parts.items():
            self.write(os.path.join(folder, file), pack({name: tensors[name] for name in names}))
        self.write(os.path.join(folder, INDEX), json.dumps({"weight_map": {name: file for file, names in parts.items() for name in names}}))

    def test_fields_that_change_nothing(self):
        """What configurations of well-known models say besides."""
        for name, fields in BESIDES.items():
            with self.subTest(name):
                self.copy(name, "as_it_is")
                self.config(self.copy(name, "besides"), **fields)
                self.assertTrue(self.measured("besides") == self.measured("as_it_is"))

    def test_angles_that_are_null(self):
        """In the object, they hide no others."""
        self.config(self.copy("llama", "said"), rope_parameters=None, rope_theta=500000.0)
        self.config(self.copy("llama", "null"), rope_parameters={"rope_type": "default", "rope_theta": None}, rope_theta=500000.0)
        self.assertTrue(self.measured("null") == self.measured("said"))

    def test_longer_contexts_than_ours(self):
        """131,072 positions are no reason to refuse nine."""
        self.config(self.copy("qwen2_tied", "long"), max_position_embeddings=131072)
        self.copy("qwen2_tied")
        self.assertTrue(self.measured("long") == self.measured("qwen2_tied"))

    def test_padding_stands_nowhere(self):
        self.copy("roberta")
        numpy.save(self.at("padded.npy"), numpy.array([[0, 4, 1, 1]]))
        done = self.refframe("measure", "roberta", "--ids", "padded.npy", code=2)
        self.assertEqual(done.stderr, "refframe: padded.npy: sequence 0, position 2: 1 is padding, which stands at no position in "
                                      "roberta\n")


BESIDES = {
    "gpt2": {"n_ctx": 16, "task_specific_params": {"text-generation": {"max_length": 50}}, "_num_labels": 1, "summary_type": "cls_index"},
    "bert_masked": {"gradient_checkpointing": False, "position_embedding_type": "absolute", "pooler_type": "first_token_transform",
                    "directionality": "bidi"},
    "xlm_roberta": {"output_past": True, "id2label": {"0": "A", "1": "B"}, "label2id": {"A": 0, "B": 1}},
    "llama_base": {"is_llama_config": True, "rope_interleaved": False, "pretraining_tp": 2, "eos_token_id": [1, 2],
                   "transformers.js_config": {"dtype": "q4"}},
    "qwen2": {"use_mrope": False, "_model_name_or_path": "a GGUF", "sliding_window": 131072, "max_window_layers": 21},
    "smollm3": {"pretraining_tp": 2},
    "bloom_six": {"hidden_size": 8, "n_embed": 12, "n_inner": None, "offset_alibi": 100, "skip_bias_add": True, "seq_length": 2048,
                  "masked_softmax_fusion": True, "unk_token_id": 0},
}

Q = "model.layers.0.self_attn.q_proj.weight"
LLAMA_1, LLAMA_4 = "model-00001-of-00005.safetensors", "model-00004-of-00005.safetensors"


def entry(name, **changes):
    """A header in which one tensor's entry says otherwise."""
    def change(all):
        header = header_of(all)
        header[name].update(changes)
        return pack(all, header)
    return change


def with_value(value, kind="F32"):
    def change(all):
        array = all[Q][1].copy()
        array[1, 2] = value
        return pack({**all, Q: (kind, array.astype(TYPES[kind]))})
    return change


def without(name):
    return lambda all: pack({key: value for key, value in all.items() if key != name})


def with_tensor(name, kind, shape):
    return lambda all: pack({**all, name: (kind, numpy.zeros(shape, TYPES[kind]))})


def longer(n):
    """A header that says that it is n bytes long."""
    return lambda all: struct.pack("<Q", n) + pack(all)[8:]


def cut(n):
    return lambda all: pack(all)[:-n]


def doubled(all):
    """A name twice in the header, which JSON's readers would take the last of."""
    text = json.dumps(header_of(all)).encode()
    text = text[:-1] + b"," + json.dumps(Q).encode() + b":" + json.dumps(header_of(all)[Q]).encode() + b"}"
    return struct.pack("<Q", len(text)) + text + pack(all)[8 + len(json.dumps(header_of(all))):]


# What is done to model.safetensors of qwen2_tied, and the line behind its path.
FILES = {
    "truncated": (cut(5), f': tensor "model.norm.weight": its data overlap, leave a hole, or lie outside of the file'),
    "longer": (lambda all: pack(all) + b"\0", ": bytes behind the last tensor"),
    "empty": (lambda all: b"", ": not a safetensors file, or its end is missing"),
    "huge header": (longer(1 << 62), ": not a safetensors file, or its end is missing"),
    "header of 100 MB": (longer(100000001), ": not a safetensors file, or its end is missing"),
    "header without end": (longer(40), ": header:1: "),
    "a list": (lambda all: struct.pack("<Q", 2) + b"[]", ": not a safetensors file, or its end is missing"),
    "deep": (lambda all: struct.pack("<Q", 5005) + b'{"a":' + b"[" * 5000, ": header:1: "),
    "a name twice": (doubled, f': header:1: key "{Q}" appears twice'),
    "unknown type": (entry(Q, dtype="F8_E4M3"), f': tensor "{Q}": dtype "F8_E4M3" is not known'),
    "another type": (with_value(0, "I64"), f": {Q} is of type I64; F32, F16 and BF16 are read"),
    "type too wide": (entry(Q, dtype="F64"), f': tensor "{Q}": its data_offsets do not fit its shape and dtype'),
    "huge shape": (entry(Q, shape=[1 << 40, 1 << 40]), f': tensor "{Q}": its data_offsets do not fit its shape and dtype'),
    "negative shape": (entry(Q, shape=[-12, -12]), f': tensor "{Q}": a size in its shape is not a whole number'),
    "offsets beyond": (entry(Q, data_offsets=[1 << 50, (1 << 50) + 576]),
                       ': tensor "model.layers.0.self_attn.v_proj.bias": its data overlap, leave a hole, or lie outside of the file'),
    "turned shape": (lambda all: pack({**all, Q: ("F32", all[Q][1].reshape(16, 9))}), f": {Q} has another shape than config.json says"),
    "another rank": (lambda all: pack({**all, Q: ("F32", all[Q][1].reshape(144))}), f": {Q} has another shape than config.json says"),
    "nan": (with_value(numpy.nan), f": {Q} has a value of nan, which is no weight"),
    "half infinity": (with_value(-numpy.inf, "F16"), f": {Q} has a value of -inf, which is no weight"),
    "missing tensor": (without(Q), f": has no tensor {Q}"),
    "missing embedding": (without("model.embed_tokens.weight"), ": has no tensor model.embed_tokens.weight"),
    "one too many": (with_tensor("model.layers.2.mlp.up_proj.weight", "F32", (20, 12)),
                     ": config.json leaves no place for its tensor model.layers.2.mlp.up_proj.weight"),
    "an adapter": (with_tensor(Q.replace("weight", "lora_A.weight"), "F32", (2, 12)),
                   f": config.json leaves no place for its tensor {Q.replace('weight', 'lora_A.weight')}"),
    "prefix of some": (lambda all: pack({name.replace("model.norm", "norm"): value for name, value in all.items()}),
                       ": config.json leaves no place for its tensor norm.weight"),
}

# Fields of its config.json, and the line behind its path; None: behind that of the weights.
CONFIGS = {
    "another width": ({"hidden_size": 16}, None, ": model.embed_tokens.weight has another shape than config.json says"),
    "more layers": ({"num_hidden_layers": 3}, None, ": has no tensor model.layers.2.input_layernorm.weight"),
    "fewer layers": ({"num_hidden_layers": 1}, None,
                     ": config.json leaves no place for its tensor model.layers.1.input_layernorm.weight"),
    "its own head": ({"tie_word_embeddings": False}, None, ": has no tensor lm_head.weight"),
    "another family": ({"model_type": "t5"}, CONFIG, ": model_type: \"t5\" is not what is read here: llama, qwen3, smollm3, gpt2, gpt_neox, "
                       "bert, bloom, gpt_oss, mistral, qwen2, roberta, xlm-roberta"),
    "its layers of two kinds": ({"layer_types": ["full_attention", "sliding_attention"]}, CONFIG,
                                ': layer_types: "sliding_attention" is not what is read here: full_attention'),
    "its layers of no kind": ({"layer_types": []}, CONFIG, ': layer_types: "a list or an object" is not what is read here: full_attention'),
    "with code of its own": ({"auto_map": {"AutoModel": "code.Model"}}, CONFIG, ': "auto_map" is not known here, and may change numbers'),
    "two names for its angles": ({"rope_parameters": None, "rope_scaling": {"rope_type": "linear", "type": "llama3", "factor": 2}}, CONFIG,
                                 ': rope: rope_type is "linear" and type is "llama3"'),
    "quantised": ({"quantization_config": {"bits": 4}}, CONFIG, ': "quantization_config" is not known here, and may change numbers'),
    "huge": ({"hidden_size": 1e300}, CONFIG, ': model.d_model: "1e300" is not a whole number'),
    "half a vocabulary": ({"vocab_size": 8.5}, CONFIG, ": vocab_size: 8.5 is not from 1 to 10000000"),
    "no positions": ({"max_position_embeddings": 0}, CONFIG, ": max_position_embeddings: 0 is not a whole number from 2 to 1000000000"),
    "angles in two ways": ({"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}, "rope_theta": 5e5}, CONFIG,
                           ': rope_theta is said twice, "10000" and "500000"'),
    "angles of yarn": ({"rope_parameters": {"rope_type": "yarn", "factor": 4}}, CONFIG,
                       ': rope_type: "yarn" is not what is read here: default, linear or llama3'),
    "angles that are a text": ({"rope_scaling": "linear"}, CONFIG, ': rope_scaling: "linear" is not what is read here: an object'),
}

# What is done to `weight_map` of llama, whose weights lie in five files; the file of the message, and the line behind it.
INDICES = {
    "above the folder": (lambda all: {**all, "model.norm.weight": "../secret.safetensors"}, INDEX,
                         ': weight_map: "model.norm.weight": "../secret.safetensors" is not the name of a .safetensors file in the folder'),
    "absolute": (lambda all: {**all, "model.norm.weight": "/etc/passwd"}, INDEX,
                 ': weight_map: "model.norm.weight": "/etc/passwd" is not the name of a .safetensors file in the folder'),
    "another kind": (lambda all: {**all, "model.norm.weight": "weights.bin"}, INDEX,
                     ': weight_map: "model.norm.weight": "weights.bin" is not the name of a .safetensors file in the folder'),
    "no name": (lambda all: {**all, "model.norm.weight": 3}, INDEX,
                ': weight_map: "model.norm.weight": "" is not the name of a .safetensors file in the folder'),
    "named in none": (lambda all: {name: file for name, file in all.items() if name != Q}, LLAMA_1,
                      f": {INDEX} does not name its tensor {Q}"),
    "named elsewhere": (lambda all: {**all, Q: LLAMA_4}, LLAMA_1, f": has tensor {Q}, which by {INDEX} is in {LLAMA_4}"),
    "of a tensor in no file": (lambda all: {**all, "model.extra": LLAMA_1}, INDEX, f": weight_map: model.extra is not in {LLAMA_1}"),
    "empty": (lambda all: {}, INDEX, ": weight_map must be an object that names files"),
    "a list": (lambda all: [LLAMA_1], INDEX, ": weight_map must be an object that names files"),
}


class Malformed(Folders):
    def refused(self, folder, line, is_start=False):
        done = self.refframe("measure", folder, "--ids", os.path.join(THEIRS, "qwen2_tied", "ids.npy"), code=2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1)
        if is_start:
            self.assertTrue(done.stderr.startswith(printed(line)), done.stderr)
        else:
            self.assertEqual(done.stderr, printed(line) + "\n")

    def test_files(self):
        for what, (change, line) in FILES.items():
            with self.subTest(what):
                path = os.path.join(self.copy("qwen2_tied", "m"), WEIGHTS)
                self.write(path, change(unpack(read(path))))
                self.refused("m", f"m/{WEIGHTS}{line}", is_start=line.endswith(": "))

    def test_configurations(self):
        for what, (changes, file, line) in CONFIGS.items():
            with self.subTest(what):
                self.config(self.copy("qwen2_tied", "m"), **changes)
                self.refused("m", f"m/{file or WEIGHTS}{line}")

    def test_layers_that_turn(self):
        for layers in [], [1], [1, 1, 1, 1, 1, 1, 1, 1, 1]:
            self.config(self.copy("smollm3", "m"), no_rope_layers=layers)
            self.refused("m", f'm/{CONFIG}: no_rope_layers: "a list" is not what is read here: one item for each layer')

    def test_finite_weights_of_attention_that_is_not(self):
        path = os.path.join(self.copy("qwen2_tied", "m"), WEIGHTS)
        names = [Q, Q.replace("q_proj", "k_proj")]
        self.write(path, pack({name: (kind, array * (numpy.float32(1e30) if name in names else numpy.float32(1)))
                               for name, (kind, array) in ((name, ("F32", array.astype("<f4"))) for name, (_, array) in unpack(read(path)).items())}))
        self.refused("m", "m: the attention of head 0.", is_start=True)

    def test_indices(self):
        self.write("secret.safetensors", pack({"model.norm.weight": ("F32", numpy.zeros(12, "<f4"))}))
        for what, (change, file, line) in INDICES.items():
            with self.subTest(what):
                path = os.path.join(self.copy("llama", "m"), INDEX)
                self.write(path, json.dumps({"weight_map": change(json.loads(read(path))["weight_map"])}))
                self.refused("m", f"m/{file}{line}")

    def test_missing_shard(self):
        os.remove(os.path.join(self.copy("llama", "m"), LLAMA_4))
        self.refused("m", f"cannot open m/{LLAMA_4}: No such file or directory")

    def test_a_tensor_in_two_files(self):
        folder = self.copy("llama", "m")
        shard = os.path.join(folder, LLAMA_4)
        self.write(shard, pack({**unpack(read(shard)), Q: ("F32", numpy.zeros((18, 12), "<f4"))}))
        self.refused("m", f"m/{LLAMA_4}: has tensor {Q}, which by {INDEX} is in {LLAMA_1}")

    def test_folders_of_other_things(self):
        folder = self.copy("qwen2_tied", "m")
        os.rename(os.path.join(folder, WEIGHTS), os.path.join(folder, "pytorch_model.bin"))
        self.refused("m", f"m: has no {WEIGHTS}; its pytorch_model.bin is a pickle, which is a program, and is not read")
        os.remove(os.path.join(folder, "pytorch_model.bin"))
        self.refused("m", f"cannot open m/{WEIGHTS}: No such file or directory")
        os.mkdir(os.path.join(folder, WEIGHTS))
        self.refused("m", f"cannot read m/{WEIGHTS}: it is a folder")
        for text, line in ((b"[]", "is no object"), (b" " * (17 << 20), "is larger than 16 MiB, which no such file is")):
            self.write(os.path.join(folder, CONFIG), text)
            self.refused("m", f"m/{CONFIG}: {line}")

    def test_more_than_there_is_memory(self):
        """A file with a hole: as large as it says, and nearly nothing on the disk."""
        folder, V = self.copy("qwen2_tied", "m"), 10000000
        config = json.loads(read(os.path.join(folder, CONFIG)))
        self.config(folder, vocab_size=V, hidden_size=12288, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8)
        C, header, at = 12288, {}, 0
        shapes = {"embed_tokens": (V, C), "norm": (C,), "layers.0.input_layernorm": (C,), "layers.0.post_attention_layernorm": (C,),
                  "layers.0.mlp.gate_proj": (8, C), "layers.0.mlp.up_proj": (8, C), "layers.0.mlp.down_proj": (C, 8)}
        shapes |= {f"layers.0.self_attn.{name}_proj": (C, C) for name in "qkvo"}
        tensors = {f"model.{name}.weight": shape for name, shape in shapes.items()}
        tensors |= {f"model.layers.0.self_attn.{name}_proj.bias": (C,) for name in "qkv"}
        for name, shape in tensors.items():
            n = 4 * int(numpy.prod(shape))
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + n]}
            at += n
        text = json.dumps(header).encode()
        self.assertEqual(config["num_key_value_heads"], 2)
        path = self.write(os.path.join(folder, WEIGHTS), struct.pack("<Q", len(text)) + text)
        os.truncate(path, 8 + len(text) + at)
        done = self.refframe("measure", "m", "--ids", os.path.join(THEIRS, "qwen2_tied", "ids.npy"), code=2)
        self.assertRegex(done.stderr, r"^refframe: m: to measure it on these sequences takes [\d.]+ TiB of memory, [\d.]+ GiB of that for its weights; "
                                      r"this machine has [\d.]+ [GT]iB \(--limit takes fewer sequences, --threads fewer at a time\)\n$")


if __name__ == "__main__":
    unittest.main()
