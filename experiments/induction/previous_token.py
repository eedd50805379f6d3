"""When a head began to look at the token before: half of induction (Olsson et al., arXiv 2209.11895). The metrics of each head are not kept in git, so
what they say of it is, in previous_token.csv:

    refframe run experiments/induction/experiment.yaml --results DIR
    refframe report DIR/induction --table heads
    python3 experiments/induction/previous_token.py --from DIR     writes previous_token.csv anew
    python3 experiments/induction/previous_token.py                prints the table of README.md

A row is a run. Its head is the one whose map ends nearest to the ideal of a previous-token head (`template@previous`: 0 is that ideal). `half_by` is the first of
three snapshots in a row in which half of the way from step 0 to the end has been made; the end is the median of the last three. Standard library only.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir))

from tables import at, final, median, number, read, stays_from, table, write  # noqa: E402

METRIC = "template@previous"
HEAD = "run", "arm", "seed", "layer", "head", "start", "end", "half_by"
FILE = "previous_token.csv"


def series_of(heads):
    """{(run, arm, seed): {(layer, head): [(step, distance)]}}; distances stay the words that they were written in."""
    found = {}
    for row in heads:
        if row["metric"] == METRIC:
            found.setdefault((row["run"], row["arm"], row["seed"]), {}).setdefault((row["layer"], row["head"]), []).append((int(row["step"]), row["value"]))
    return found


def half_by(steps, values):
    """None where a head never stays below the middle for three snapshots in a row."""
    middle = (float(values[0]) + float(final(values))) / 2
    at_step = stays_from([float(value) <= middle for value in values])
    return None if at_step is None else steps[at_step]


def dates_of(heads):
    for run, of_heads in series_of(heads).items():
        series = {head: tuple(zip(*sorted(pairs))) for head, pairs in of_heads.items()}
        head = min(series, key=lambda key: float(final(series[key][1])))
        steps, values = series[head]
        yield dict(zip(HEAD, (*run, *head, values[0], final(values), half_by(steps, values))))


def take(folder):
    write(HERE, FILE, HEAD, dates_of(read(os.path.join(folder, "induction"), "heads.csv")))


def text():
    """A row for each arm, beside the onsets of the committed results."""
    dates, onsets = read(HERE, FILE), read(os.path.join(HERE, os.pardir, os.pardir, "results", "induction"), "onset.csv")
    when = {row["run"]: at(row, "by") for row in onsets if row["of"] == "held_out_loss:copy halved"}
    sinks = {row["run"]: at(row, "by") for row in onsets if (row["of"], row["level"]) == ("sink_mass_idle", "first")}
    rows = []
    for arm in dict.fromkeys(row["arm"] for row in dates):
        runs = [row for row in dates if row["arm"] == arm]
        rows.append((arm, median(number(row["half_by"]) for row in runs), median(when[row["run"]] for row in runs), median(sinks[row["run"]] for row in runs),
                     f"{sum(sinks[row['run']] < number(row['half_by']) for row in runs)} of {len(runs)}", median(number(row["end"]) for row in runs)))
    return table(("arm", "half of a previous-token head by step", "copying learnt by step", "sink formed by step", "sink before that head",
                  "distance from the ideal in the end"), rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--from"]:
        take(sys.argv[2])
    else:
        print(text(), end="")
