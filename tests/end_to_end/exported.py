"""What exports should hold, said anew: for each architecture the settings of a small run, and for each tensor of theirs which
of ours it is and how it lies. Matrices are lists of rows; the standard library is all it takes."""
import array
import json
import struct

from harness import read

SIZES = "n_layers: 2, n_heads: 4, d_model: 16, context_length: 16"
REST = """\
train: {steps: 6, batch_size: 4, warmup_steps: 2, lr: 0.01}
measure: {sequences: 2}
snapshot: {every: 6, maps: 1}
checkpoint: {every: 3, keep: 2}
"""

RUNS = {
    "llama": "norm: rmsnorm, activation: swiglu, n_kv_heads: 2, bias_q: true, bias_mlp: true, position: {kind: rope}",
    "qwen3": "norm: rmsnorm, activation: swiglu, qk_norm: true, tied_head: true, position: {kind: rope}",
    "smollm3": "norm: rmsnorm, activation: swiglu, position: {kind: none}",
    "gpt2": "bias: true, bias_head: false, tied_head: true, position: {kind: absolute}",
    "gpt_neox": "bias: true, bias_head: false, parallel_residual: true, position: {kind: rope, fraction: 0.5}",
    "bert": "bias: true, embedding_norm: true, norm_placement: post, activation: gelu_exact, mask: {kind: full}, "
            "position: {kind: absolute}",
    "bloom": "bias: true, bias_head: false, embedding_norm: true, position: {kind: alibi}",
    "gpt_oss": "norm: rmsnorm, mlp: false, n_kv_heads: 2, bias_q: true, score: {kind: sink_logit}, position: {kind: rope}",
}


def experiment(settings, more=""):
    objective = "objective: {kind: masked}\n" if "kind: full" in settings else ""
    return f"seeds: 1\nmodel: {{{SIZES}, {settings}}}\n{REST}{objective}{more}"


def tensors(path):
    """Name -> matrix, or list of numbers, and the metadata."""
    data = read(path)
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    metadata = header.pop("__metadata__")
    found = {}
    for name, entry in header.items():
        begin, end = (8 + n + offset for offset in entry["data_offsets"])
        values, shape = list(array.array("f" if entry["dtype"] == "F32" else "q", data[begin:end])), entry["shape"]
        for size in reversed(shape[1:]):
            values = [values[i:i + size] for i in range(0, len(values), size)]
        found[name] = values
    return found, metadata


def turned(matrix):
    return [list(column) for column in zip(*matrix)]


def columns(*parts):
    return [sum(rows, []) for rows in zip(*parts)]


def by_heads(parts, n_heads):
    """Rows of a head's q, of its k, of its v, then the next head's."""
    rows = []
    for h in range(n_heads):
        for part in parts:
            d = len(part) // n_heads
            rows += part[h * d:(h + 1) * d]
    return rows


def llama(ours, config):
    theirs = {"model.embed_tokens.weight": ours["embedding.token"], "model.norm.weight": ours["head.norm.gain"][0]}
    if "head.weight" in ours:
        theirs["lm_head.weight"] = turned(ours["head.weight"])
    for l in range(config["num_hidden_layers"]):
        here, there = f"blocks.{l}.", f"model.layers.{l}."
        theirs[there + "input_layernorm.weight"] = ours[here + "attention.norm.gain"][0]
        theirs[there + "post_attention_layernorm.weight"] = ours[here + "mlp.norm.gain"][0]
        for x, y in ("q", "q"), ("k", "k"), ("v", "v"), ("out", "o"):
            weight = turned(ours[f"{here}attention.{x}.weight"])
            theirs[f"{there}self_attn.{y}_proj.weight"] = weight
            if config["attention_bias"]:
                theirs[f"{there}self_attn.{y}_proj.bias"] = ours.get(f"{here}attention.{x}.bias", [[0.0] * len(weight)])[0]
        for x in "gate", "up", "down":
            theirs[f"{there}mlp.{x}_proj.weight"] = turned(ours[f"{here}mlp.{x}.weight"])
            if config.get("mlp_bias"):
                theirs[f"{there}mlp.{x}_proj.bias"] = ours[f"{here}mlp.{x}.bias"][0]
        for x in "q", "k":
            if config["model_type"] == "qwen3":
                theirs[f"{there}self_attn.{x}_norm.weight"] = ours[f"{here}attention.{x}_norm.gain"][0]
    return theirs


def gpt_oss(ours, config):
    C = config["hidden_size"]
    theirs = {"model.embed_tokens.weight": ours["embedding.token"], "model.norm.weight": ours["head.norm.gain"][0],
              "lm_head.weight": turned(ours["head.weight"])}
    for l in range(config["num_hidden_layers"]):
        here, there = f"blocks.{l}.attention.", f"model.layers.{l}."
        theirs[there + "input_layernorm.weight"] = ours[here + "norm.gain"][0]
        theirs[there + "self_attn.sinks"] = ours[here + "sink_logit"][0]
        for x, y in ("q", "q"), ("k", "k"), ("v", "v"), ("out", "o"):
            weight = turned(ours[f"{here}{x}.weight"])
            theirs[f"{there}self_attn.{y}_proj.weight"] = weight
            theirs[f"{there}self_attn.{y}_proj.bias"] = ours.get(f"{here}{x}.bias", [[0.0] * len(weight)])[0]
        theirs |= {there + "post_attention_layernorm.weight": [0.0] * C, there + "mlp.router.weight": [[0.0] * C],
                   there + "mlp.router.bias": [0.0], there + "mlp.experts.gate_up_proj": [[[0.0] * 8] * C],
                   there + "mlp.experts.gate_up_proj_bias": [[0.0] * 8], there + "mlp.experts.down_proj": [[[0.0] * C] * 4],
                   there + "mlp.experts.down_proj_bias": [[0.0] * C]}
    return theirs


def norm(ours, name):
    return {"weight": ours[name + ".gain"][0], "bias": ours[name + ".shift"][0]}


def put(theirs, name, pair):
    for kind, values in pair.items():
        theirs[f"{name}.{kind}"] = values


def linear(ours, name, turn=True):
    return {"weight": turned(ours[name + ".weight"]) if turn else ours[name + ".weight"], "bias": ours[name + ".bias"][0]}


def gpt2(ours, config):
    theirs = {"transformer.wte.weight": ours["embedding.token"], "transformer.wpe.weight": ours["embedding.position"]}
    put(theirs, "transformer.ln_f", norm(ours, "head.norm"))
    for l in range(config["n_layer"]):
        here, there = f"blocks.{l}.", f"transformer.h.{l}."
        put(theirs, there + "ln_1", norm(ours, here + "attention.norm"))
        put(theirs, there + "ln_2", norm(ours, here + "mlp.norm"))
        put(theirs, there + "attn.c_attn", {
            "weight": columns(*(ours[f"{here}attention.{x}.weight"] for x in "qkv")),
            "bias": sum((ours[f"{here}attention.{x}.bias"][0] for x in "qkv"), [])})
        put(theirs, there + "attn.c_proj", linear(ours, here + "attention.out", turn=False))
        put(theirs, there + "mlp.c_fc", linear(ours, here + "mlp.up", turn=False))
        put(theirs, there + "mlp.c_proj", linear(ours, here + "mlp.down", turn=False))
    return theirs


def joined(ours, here, n_heads):
    return {"weight": by_heads([turned(ours[f"{here}attention.{x}.weight"]) for x in "qkv"], n_heads),
            "bias": by_heads([ours[f"{here}attention.{x}.bias"][0] for x in "qkv"], n_heads)}


def blocks_with_joined(ours, theirs, n_layers, n_heads, prefix, attention):
    for l in range(n_layers):
        here, there = f"blocks.{l}.", f"{prefix}.{l}."
        put(theirs, there + "input_layernorm", norm(ours, here + "attention.norm"))
        put(theirs, there + "post_attention_layernorm", norm(ours, here + "mlp.norm"))
        put(theirs, f"{there}{attention}.query_key_value", joined(ours, here, n_heads))
        put(theirs, f"{there}{attention}.dense", linear(ours, here + "attention.out"))
        put(theirs, there + "mlp.dense_h_to_4h", linear(ours, here + "mlp.up"))
        put(theirs, there + "mlp.dense_4h_to_h", linear(ours, here + "mlp.down"))
    return theirs


def gpt_neox(ours, config):
    theirs = {"gpt_neox.embed_in.weight": ours["embedding.token"], "embed_out.weight": turned(ours["head.weight"])}
    put(theirs, "gpt_neox.final_layer_norm", norm(ours, "head.norm"))
    return blocks_with_joined(ours, theirs, config["num_hidden_layers"], config["num_attention_heads"], "gpt_neox.layers",
                              "attention")


def bloom(ours, config):
    theirs = {"transformer.word_embeddings.weight": ours["embedding.token"], "lm_head.weight": turned(ours["head.weight"])}
    put(theirs, "transformer.word_embeddings_layernorm", norm(ours, "embedding.norm"))
    put(theirs, "transformer.ln_f", norm(ours, "head.norm"))
    return blocks_with_joined(ours, theirs, config["n_layer"], config["n_head"], "transformer.h", "self_attention")


def bert(ours, config):
    C = config["hidden_size"]
    theirs = {"bert.embeddings.word_embeddings.weight": ours["embedding.token"],
              "bert.embeddings.position_embeddings.weight": ours["embedding.position"],
              "bert.embeddings.token_type_embeddings.weight": [[0.0] * C]}
    put(theirs, "bert.embeddings.LayerNorm", norm(ours, "embedding.norm"))
    put(theirs, "classifier", linear(ours, "head"))
    for l in range(config["num_hidden_layers"]):
        here, there = f"blocks.{l}.", f"bert.encoder.layer.{l}."
        for x, y in ("q", "query"), ("k", "key"), ("v", "value"):
            put(theirs, f"{there}attention.self.{y}", linear(ours, f"{here}attention.{x}"))
        put(theirs, there + "attention.output.dense", linear(ours, here + "attention.out"))
        put(theirs, there + "attention.output.LayerNorm", norm(ours, here + "attention.post_norm"))
        put(theirs, there + "intermediate.dense", linear(ours, here + "mlp.up"))
        put(theirs, there + "output.dense", linear(ours, here + "mlp.down"))
        put(theirs, there + "output.LayerNorm", norm(ours, here + "mlp.post_norm"))
    return theirs


EXPECTED = {"llama": llama, "qwen3": llama, "smollm3": llama, "gpt2": gpt2, "gpt_neox": gpt_neox, "bert": bert, "bloom": bloom,
            "gpt_oss": gpt_oss}
