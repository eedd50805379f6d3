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
COLUMNS = ("model", "special", "layer", "by_position", "margin", "agreement", "by_token", "by_token_margin", "by_token_agreement", "strongest_head",
           "sink_mass", "uniform", "heads_above_0.3", "heads")


def read(folder, special):
    """{layer, or "" for the model: {metric: value or label}}, and {layer: [(sink mass, its uniform, head)]}, over all sequences."""
    words = [REFFRAME, "measure", folder, "--text", os.path.join(HERE, "sentences.txt"), "--sentences", "--special", special, "--format", "csv"]
    layers, heads = collections.defaultdict(dict), collections.defaultdict(list)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        for row in csv.DictReader(process.stdout):
            if row["sequence"]:
                break  # what follows are the sequences, one by one
            if row["head"] and row["metric"] == "sink_mass":
                heads[row["layer"]].append((float(row["value"]), float(row["baseline"]), row["head"]))
            elif not row["head"]:
                layers[row["layer"]][row["metric"]] = row["label"] or row["value"]
        for _ in process.stdout:
            pass
    if process.returncode:
        sys.exit(process.returncode)
    return layers, heads


def rows(name, folder):
    for special in SPECIAL[name]:
        layers, heads = read(folder, special)
        heads[""] = [(mass, uniform, f"{layer}.{head}") for layer, own in heads.items() for mass, uniform, head in own]
        for layer, own in sorted(layers.items(), key=lambda item: int(item[0] or -1)):
            mass, uniform, head = max(heads[layer], key=lambda one: one[0])
            labels = [own.get(f"frame{of}{what}", "") for of in ("", "_by_token") for what in ("", "_margin", "_agreement")]
            shown = [f"{float(value):.3f}" if value and k % 3 else value for k, value in enumerate(labels)]
            yield [name, special, layer, *shown, head, f"{mass:.3f}", f"{uniform:.3f}", sum(one[0] > SINK for one in heads[layer]), len(heads[layer])]


with open(os.path.join(HERE, "../../results/models/layers.csv"), "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for argument in sys.argv[1:]:
        writer.writerows(rows(*argument.split("=", 1)))
