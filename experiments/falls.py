"""How far each of a task's own losses had fallen when the sink came. The curves are not kept in git, so what they say of it is, in falls.csv:

    refframe run experiments/NAME/experiment.yaml --results DIR
    python3 experiments/falls.py --from DIR NAME...   writes the rows of these experiments there anew, and leaves those of the others
    python3 experiments/falls.py                      prints the table of early.md, from falls.csv
    python3 experiments/falls.py --write              puts it between the two marks in early.md

A row of falls.csv is a group of the loss in a run in which a sink came: the held-out loss at step 0, at the snapshot by which the first head's sink came, and in
the end, which is the median of the last three snapshots. Standard library only.
"""
import os
import sys

from atlas import rewrite
from tables import final, median, of_one_head, read, table, write

HERE = os.path.dirname(os.path.abspath(__file__))
FALLS, EARLY = os.path.join(HERE, "falls.csv"), os.path.join(HERE, "early.md")
MARKS = "<!-- falls: begin (experiments/falls.py --write) -->\n", "<!-- falls: end -->\n"
HEAD = "experiment", "run", "arm", "seed", "group", "step", "start", "at_sink", "end"
WHOLE = "all"       # what a source calls its only group: that share stands in the table of the clocks
LEAST_FALL = 0.1    # of what a group begins with; what hardly falls has no share


def losses_of(curves):
    """{(arm, seed): {group: {step: loss}}}; losses stay the words that they were written in."""
    found = {}
    for row in curves:
        kind, _, group = row["metric"].partition(":")
        if kind == "held_out_loss" and group not in ("", WHOLE) and row["value"]:
            found.setdefault((row["arm"], row["seed"]), {}).setdefault(group, {})[int(row["step"])] = row["value"]
    return found


def falls_of(folder, experiment):
    onsets, runs, curves = (read(os.path.join(folder, experiment), name) for name in ("onset.csv", "runs.csv", "curves.csv"))
    losses, headline = losses_of(curves), {row["run"]: row["headline"] for row in runs}
    for row in onsets:
        if row["kind"] == "found" and row["of"] == headline[row["run"]] and row["level"] == of_one_head(onsets):
            for group, at in losses.get((row["arm"], row["seed"]), {}).items():
                yield dict(zip(HEAD, (experiment, row["run"], row["arm"], row["seed"], group, row["by"], at[0], at[int(row["by"])], final([at[step] for step in sorted(at)]))))


def take(folder, experiments):
    kept = [row for row in read(HERE, "falls.csv") if row["experiment"] not in experiments] if os.path.exists(FALLS) else []
    taken = [row for experiment in experiments for row in falls_of(folder, experiment)]
    write(HERE, "falls.csv", HEAD, sorted(kept + taken, key=lambda row: row["experiment"]))


def share(row):
    """Of the fall from step 0 to the end, what had been made; None for a loss that hardly falls."""
    start, at_sink, end = (float(row[column]) for column in ("start", "at_sink", "end"))
    return (start - at_sink) / (start - end) if start - end >= LEAST_FALL * start else None


def told(rows):
    """Of a loss that stands above its start, or hardly falls, in some runs a share would say little; these are counted."""
    shares = [share(row) for row in rows]
    n_above = sum(float(row["at_sink"]) > float(row["start"]) for row in rows)
    n_flat = sum(share is None and float(row["at_sink"]) <= float(row["start"]) for share, row in zip(shares, rows))
    words = ("above its start", n_above), ("hardly falls", n_flat)
    return ", ".join(f"{word} in {n} of {len(rows)}" for word, n in words if n) or median(shares)


def text():
    """A row for each arm; only of runs in which a sink came."""
    rows, falls = [], read(HERE, "falls.csv")
    for experiment, arm in dict.fromkeys((row["experiment"], row["arm"]) for row in falls):
        of_arm = [row for row in falls if (row["experiment"], row["arm"]) == (experiment, arm)]
        cells = [f"{group}: {told([row for row in of_arm if row['group'] == group])}" for group in dict.fromkeys(row["group"] for row in of_arm)]
        rows.append((experiment, arm, len({row["run"] for row in of_arm}), "; ".join(cells)))
    return table(("experiment", "arm", "runs with a sink", "share of the fall of each loss"), rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--from"]:
        take(sys.argv[2], sys.argv[3:])
    elif sys.argv[1:] == ["--write"]:
        rewrite(EARLY, MARKS, text())
    else:
        print(text(), end="")
