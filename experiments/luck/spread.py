"""How far the dates of a sink are spread where weights, sequences or both are drawn, from the committed onsets:

    python3 experiments/luck/spread.py      prints the tables of README.md

Declared before the runs. A date is log2 of the step by which the first head's sink came, and that of twice the last step where none came. The
spread of an arm is the mean distance of its dates from their median, in octaves. Weights and sequences are compared by a permutation test on
these distances, those of both arms of a kind together: p is how often distances that are dealt anew to the two kinds differ at least as much in
their means, of DEALS deals.

Added behind the runs: the intervals, 95 % of RESAMPLES draws of as many seeds, with replacement (bootstrap); and `afterwards`, what the result
rests on. Standard library only.
"""
import math
import os
import random
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir))

from tables import at, median, read, table  # noqa: E402

RESULTS = os.path.join(HERE, os.pardir, os.pardir, "results", "luck")
SINK = "sink_mass_idle", "first"
LAST = 500    # steps of a run
LATE = 300    # a step that few sinks come behind
DEALS = 100000
RESAMPLES = 2000


def dates_of(onsets):
    """{arm: [step or inf, ...]}, by seed, so that arms can be laid side by side."""
    dates = {}
    for row in sorted((row for row in onsets if (row["of"], row["level"]) == SINK), key=lambda row: int(row["seed"])):
        dates.setdefault(row["arm"], []).append(at(row, "by"))
    return dates


def log_of(step):
    return math.log2(2 * LAST if math.isinf(step) else step)


def distances(steps):
    logs = [log_of(step) for step in steps]
    middle = statistics.median(logs)
    return [abs(log - middle) for log in logs]


def p_of(some, others):
    """Two-sided; the deal that was found counts as one of them."""
    def apart(values):
        return abs(statistics.fmean(values[:len(some)]) - statistics.fmean(values[len(some):]))
    values, draws, found = some + others, random.Random(1), apart(some + others)
    as_far = 1
    for _ in range(DEALS):
        draws.shuffle(values)
        as_far += apart(values) >= found - 1e-12
    return as_far / (DEALS + 1)


def interval_of(arms):
    """[low, high] of the mean distance, over the steps of some arms: seeds are drawn within each."""
    draws = random.Random(2)
    means = sorted(statistics.fmean(value for steps in arms for value in distances(draws.choices(steps, k=len(steps)))) for _ in range(RESAMPLES))
    return means[round(0.025 * RESAMPLES)], means[round(0.975 * RESAMPLES) - 1]


def spread_of(arms):
    low, high = interval_of(arms)
    return f"{statistics.fmean(value for steps in arms for value in distances(steps)):.2f} [{low:.2f}, {high:.2f}]"


def kinds(dates):
    """The distances of each kind, of all its arms."""
    found = {}
    for arm, steps in dates.items():
        found.setdefault(arm.split("_")[0], []).extend(distances(steps))
    return found


def afterwards(dates):
    """Rows of what the result rests on: do the same weights, or sequences, come alike in both arms; one arm left out; late runs left out."""
    def alike(kind):
        return f"r = {statistics.correlation(*([log_of(step) for step in dates[f'{kind}_{i}']] for i in (1, 2))):.2f}"

    def against(name):
        return f"p = {p_of(kinds(dates)['weights'], distances(dates[name])):.2f}"
    soon = kinds({arm: [step for step in steps if step < LATE] for arm, steps in dates.items()})
    without = ", ".join(f"{kind} {statistics.fmean(soon[kind]):.2f}" for kind in ("weights", "sequences"))
    return [("the same twelve weights, with one set of sequences and with the other", alike("weights")),
            ("the same twelve sets of sequences, from one set of weights and from the other", alike("sequences")),
            ("weights against `sequences_1` alone", against("sequences_1")), ("weights against `sequences_2` alone", against("sequences_2")),
            (f"without runs of step {LATE} or more, octaves", f"{without}; p = {p_of(soon['weights'], soon['sequences']):.2f}")]


def text():
    dates = dates_of(read(RESULTS, "onset.csv"))
    rows = [(f"`{arm}`", f"{sum(map(math.isfinite, steps))} of {len(steps)}", median(steps), spread_of([steps])) for arm, steps in dates.items()]
    told = ", ".join(f"{kind} {spread_of([steps for arm, steps in dates.items() if arm.startswith(kind)])}" for kind in kinds(dates))
    p = p_of(*(kinds(dates)[kind] for kind in ("weights", "sequences")))
    return table(("arm", "a sink came", "by step, median [least, largest]", "spread, octaves"), rows) + \
        f"\nOctaves: {told}. Weights against sequences: p = {p:.3f}.\n\n" + table(("computed afterwards", ""), afterwards(dates))


if __name__ == "__main__":
    print(text(), end="")
