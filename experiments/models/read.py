#!/usr/bin/env python3
"""read.py NAME=FOLDER...: reads each model on sentences.txt with the special tokens of SPECIAL below, and writes
../../results/models/layers.csv: a row a layer, and one for the model (layer empty). REFFRAME: the program (../../build/refframe)."""
import collections
import csv
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REFFRAME = os.environ.get("REFFRAME", os.path.join(HERE, "../../build/refframe"))
SPECIAL = {"minilm": ("as-model", "none", "first:[CLS]"), "smollm2": ("as-model", "first:<|im_start|>", "first:<|endoftext|>", "first:.")}
SINK = 0.3  # of a head's attention on the first key, as in the reports
ON_ALL = "value", "residual", "ablation"  # families that are measured on all sequences, and not on the first few
OF_HEADS = "sink_mass", "value_drain"
OF_LAYERS, OF_MODEL = ("residual_peak", "residual_peak_null"), ("loss", "ablation_cost", "ablation_cost_null")
COLUMNS = ("model", "special", "layer", "by_position", "margin", "agreement", "by_token", "by_token_margin", "by_token_agreement", "strongest_head",
           "sink_mass", "uniform", "heads_above_0.3", "heads", "value_drain", "mean_value_drain", *OF_LAYERS, *OF_MODEL)


def read(folder, special):
    """{layer, or "" for the model: {metric: value or label}}, and {layer: {head: {metric: (value, its uniform)}}}, over all sequences."""
    words = [REFFRAME, "measure", folder, "--text", os.path.join(HERE, "sentences.txt"), "--sentences", "--special", special, "--format", "csv"]
    words += [word for family in ON_ALL for word in ("--set", f"measure.{family}.sequences=0")]
    layers, heads = collections.defaultdict(dict), collections.defaultdict(lambda: collections.defaultdict(dict))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        for row in csv.DictReader(process.stdout):
            if row["sequence"]:
                break  # what follows are the sequences, one by one
            if row["head"] and row["metric"] in OF_HEADS:
                heads[row["layer"]][row["head"]][row["metric"]] = float(row["value"]), float(row["baseline"] or "nan")
            elif not row["head"]:
                layers[row["layer"]][row["metric"]] = row["label"] or row["value"]
        for _ in process.stdout:
            pass
    if process.returncode:
        sys.exit(process.returncode)
    return layers, heads


def shown(value):
    return f"{float(value):.3f}" if value else value


def rows(name, folder):
    for special in SPECIAL[name]:
        layers, heads = read(folder, special)
        heads[""] = {f"{layer}.{head}": metrics for layer, own in list(heads.items()) for head, metrics in own.items()}
        for layer, own in sorted(layers.items(), key=lambda item: int(item[0] or -1)):
            head, strongest = max(heads[layer].items(), key=lambda item: item[1]["sink_mass"][0])
            labels = [own.get(f"frame{of}{what}", "") for of in ("", "_by_token") for what in ("", "_margin", "_agreement")]
            drains = [metrics["value_drain"][0] for metrics in heads[layer].values()]
            yield [name, special, layer, *(shown(value) if k % 3 else value for k, value in enumerate(labels)), head,
                   *map(shown, strongest["sink_mass"]), sum(metrics["sink_mass"][0] > SINK for metrics in heads[layer].values()), len(drains),
                   shown(strongest["value_drain"][0]), shown(sum(drains) / len(drains)), *(shown(own.get(metric, "")) for metric in OF_LAYERS + OF_MODEL)]


with open(os.path.join(HERE, "../../results/models/layers.csv"), "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for argument in sys.argv[1:]:
        writer.writerows(rows(*argument.split("=", 1)))
