"""What moved between two folders of results of one experiment, as tables: labels arm by arm, and verdicts.

    git worktree add ../before REVISION
    python3 experiments/compare.py ../before/results/quickstart results/quickstart

The first folder is the older one. Labels are the final ones of the model by position, of every run, from labels.svg; a run
that stands in one folder alone is counted there. Standard library only.
"""
import collections
import json
import os
import re
import sys
from xml.sax.saxutils import unescape

from tables import table


def labels(folder):
    """{(arm, seed): label}"""
    with open(os.path.join(folder, "labels.svg"), encoding="utf-8") as file:
        titles = re.findall(r"<title>(.*?), seed (\d+): ([^<]*)</title>", file.read())
    return {(unescape(arm), int(seed)): label for arm, seed, label in titles}


def verdicts(folder):
    """{(text, expression): entry}"""
    with open(os.path.join(folder, "verdicts.json"), encoding="utf-8") as file:
        return {(entry["text"], entry["that"]): entry for entry in json.load(file)}


def counted(labels_of_arm):
    return ", ".join(f"{label} {n}" for label, n in collections.Counter(labels_of_arm).most_common()) or "–"


def compare_labels(before, after):
    arms = list(dict.fromkeys(arm for arm, _ in [*before, *after]))
    rows, moves = [], collections.Counter()
    for arm in arms:
        seeds = sorted({seed for a, seed in [*before, *after] if a == arm})
        moved = [(before[arm, s], after[arm, s]) for s in seeds if (arm, s) in before and (arm, s) in after]
        moves.update(pair for pair in moved if pair[0] != pair[1])
        rows.append([arm, counted(before[arm, s] for s in seeds if (arm, s) in before),
                     counted(after[arm, s] for s in seeds if (arm, s) in after),
                     sum(old != new for old, new in moved)])
    table("Final labels, in runs", ["arm", "before", "after", "moved"], rows)
    print(f"\n{sum(moves.values())} of {len(before.keys() & after.keys())} runs have another label: "
          + ("; ".join(f"{old} → {new} {n}" for (old, new), n in moves.most_common()) or "none") + ".")


def standing(entry):
    """A verdict, and what it is among the claims of its family."""
    corrected = entry.get("corrected", {}).get("verdict", entry["verdict"])
    return entry["verdict"] + (f" ({corrected} among its family)" if corrected != entry["verdict"] else "")


def compare_verdicts(before, after):
    rows = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old and new and standing(old) == standing(new):
            continue
        rows.append([key[0], standing(old) if old else "–", standing(new) if new else "–"])
    table("Verdicts that moved", ["claim", "before", "after"], rows)
    print(f"\n{len(rows)} of {len(before.keys() | after.keys())} claims.")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    before, after = sys.argv[1:]
    compare_labels(labels(before), labels(after))
    compare_verdicts(verdicts(before), verdicts(after))


if __name__ == "__main__":
    main()
