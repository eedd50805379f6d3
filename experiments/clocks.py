"""When a sink formed, by four clocks side by side, in every committed experiment:

    python3 experiments/clocks.py                prints our table of early.md, from results/*/onset.csv and runs.csv
    python3 experiments/clocks.py --write        puts it between the two marks in early.md

A row is an arm in which a sink formed in most runs. The clocks: share of the steps, tokens, share of the loss's fall, and the order against the
halving of each of the task's own losses. Medians over seeds [least, largest]. Standard library only.
"""
import math
import os
import sys

from atlas import RESULTS, rewrite
from tables import at, median, number, of_one_head, read, table

HERE = os.path.dirname(os.path.abspath(__file__))
SINKS = "sink_mass_idle", "sink_mass"
MARKS = "<!-- clocks: begin (experiments/clocks.py --write) -->\n", "<!-- clocks: end -->\n"


def middle(counts):
    """The median, in thousands or millions; where half of the runs never came to it, `never`."""
    values = sorted(counts)
    value = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return "never" if math.isinf(value) else f"{value / 1e6:.3g}M" if value >= 1e6 else f"{value / 1e3:.3g}k"


def order(rows, milestone):
    """In how many runs the sink came before the milestone, after it, or in the same interval."""
    counted = {word: sum(row[milestone] == word for row in rows) for word in ("before", "after", "unordered")}
    return ", ".join(f"{word} {n}" for word, n in counted.items() if n)


def clocks_of(experiment):
    onsets, runs = (read(os.path.join(RESULTS, experiment), name) for name in ("onset.csv", "runs.csv"))
    steps = {row["run"]: number(row["step"]) for row in runs}
    milestones = [column for column in (onsets[0] if onsets else ()) if column.endswith(" halved")]
    headline = {row["headline"] for row in runs}
    for arm in dict.fromkeys(row["arm"] for row in runs):
        rows = [row for row in onsets if row["arm"] == arm and row["of"] in headline and row["level"] == of_one_head(onsets)]
        came = [row for row in rows if row["kind"] == "found"]
        if 2 * len(came) <= len(rows) or not rows[0]["of"].startswith(SINKS):
            continue
        groups = [(name.removeprefix("held_out_loss:").removesuffix(" halved"), order(came, name)) for name in milestones]
        yield (experiment, arm, rows[0]["of"], f"{len(came)}/{len(rows)}", median(at(row, "by") for row in rows),
               median(at(row, "by") / steps[row["run"]] for row in rows), middle(at(row, "tokens_by") for row in rows),
               median(at(row, "early") for row in rows), "; ".join(f"{group}: {text}" for group, text in groups if text))


def rows_of_all():
    """Of the experiments that are shipped and have been run; what else a user has in results/ is no business of the page."""
    for experiment in sorted(os.listdir(HERE)):
        if all(os.path.exists(os.path.join(*path)) for path in ((HERE, experiment, "experiment.yaml"), (RESULTS, experiment, "onset.csv"))):
            yield from clocks_of(experiment)


def text():
    return table(("experiment", "arm", "of", "formed", "step", "share of the steps", "tokens", "share of the loss's fall",
                  "against the halving of each loss"), rows_of_all())


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        rewrite(os.path.join(HERE, "early.md"), MARKS, text())
    else:
        print(text(), end="")
