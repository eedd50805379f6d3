"""The tables of the READMEs beside this file, from the small results that are kept in git:

    python3 experiments/tables.py results/emergence

Medians over seeds [with the interval that summary.csv has]; `never` sorts last and is never dropped; what is not available (a half-rise without a
rise) is left out. Standard library only.
"""
import csv
import math
import os
import statistics
import sys


def read(folder, name):
    with open(os.path.join(folder, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text) if text else math.nan


def show(value, digits=2):
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.0f}" if value == int(value) else f"{value:.{digits}f}"


def median(values):
    """Median and the interval of src/report/statistics.h up to eight seeds: [least, largest]."""
    known = sorted(v for v in values if not math.isnan(v))
    if not known:
        return "–"
    text = show(statistics.median(known) if not math.isinf(known[len(known) // 2]) else known[len(known) // 2])
    return text if len(known) == 1 else f"{text} [{show(known[0])}, {show(known[-1])}]"


def write(folder, name, head, rows):
    with open(os.path.join(folder, name), "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, head, lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def stays_from(beyond):
    """The first of three snapshots in a row that are all beyond a line, as ONSET_STAY of src/frame/onset.h; None without."""
    return next((i for i in range(len(beyond)) if beyond[i:i + 3] == [True] * 3), None)


def final(words):
    """The median of the last three of at least so many numbers, in their order; as the word that it was written in."""
    return sorted(words[-3:], key=float)[1]


def interval(row, name, digits=2):
    values = [number(row[name + end]) for end in ("", "_low", "_high")]
    return f"{show(values[0], digits)} [{show(values[1], digits)}, {show(values[2], digits)}]"


def table(head, rows):
    """Markdown."""
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in (head, ["---"] * len(head), *rows))


def print_table(title, head, rows):
    print(f"\n{title}\n\n{table(head, rows)}", end="")


def by_run(onsets, arm, of, level):
    """{seed: row} of an arm."""
    return {row["seed"]: row for row in onsets if row["arm"] == arm and row["of"] == of and row["level"] == level}


def of_one_head(onsets):
    """The level of the head whose onset is compared: the first; tables of the first edition have the strongest."""
    return "first" if any(row["level"] == "first" for row in onsets) else "strongest"


def at(row, column):
    return {"found": number(row[column]), "never": math.inf, "at_start": 0.0}[row["kind"]]


def arms(summary):
    """One row an arm: labels, the sink, its onset, its values."""
    rows = []
    for row in summary:
        rows.append((row["arm"], f"{row['frame']} {row['frame_runs']}/{row['finished']}",
                     f"{row['frame_by_token']} {row['frame_by_token_runs']}/{row['finished']}", f"{row['formed']}/{row['finished']}",
                     interval(row, "onset"), interval(row, "final"), show(number(row["floor"])), interval(row, "value_drain"),
                     interval(row, "loss")))
    print_table(f"Arms ({summary[0]['metric']})", ("arm", "frame by position", "by token", "sink formed", "onset, step", "final sink", "floor",
                                             "value drain there", "held-out loss"), rows)


def early(summary, onsets):
    """When the sink and the frame came: steps, tokens, targets, and what had been learnt."""
    rows, head = [], of_one_head(onsets)
    for arm in (row["arm"] for row in summary):
        for of, level in (("sink_mass_idle", head), ("sink_mass", head), ("frame:centralized", "model"),
                          ("frame:distributed", "model"), ("frame:bidirectional", "model"), ("frame:dual", "model")):
            found = by_run(onsets, arm, of, level).values()
            if not any(row["kind"] != "never" for row in found):
                continue
            at_start = sum(row["kind"] == "at_start" for row in found)
            rows.append((arm, of, f"{sum(row['kind'] != 'never' for row in found)}/{len(found)}", at_start,
                         *(median(at(row, column) for row in found) for column in ("by", "tokens_by", "targets_by", "early"))))
    print_table("Events", ("arm", "what", "came", "there at step 0", "step", "tokens", "targets", "share of the loss's fall"), rows)


def milestones(summary, onsets):
    names = sorted({row["of"] for row in onsets if row["of"].endswith(" halved")})
    rows = [(arm, *(median(at(row, "by") for row in by_run(onsets, arm, name, "model").values()) for name in names))
            for arm in (row["arm"] for row in summary)]
    print_table("Milestones, step by which a loss has halved", ("arm", *names), rows)


def order(summary, onsets):
    """In the head that carries the sink: which of its three signs came first, by threshold and by half-rise."""
    rows = []
    for arm in (row["arm"] for row in summary):
        sinks = by_run(onsets, arm, summary[0]["metric"].split(":")[0], of_one_head(onsets))
        sinks = {seed: row for seed, row in sinks.items() if row["kind"] == "found"}
        if not sinks:
            continue
        cells = [arm, len(sinks), f"{median(at(row, 'by') for row in sinks.values())}; {median(number(row['half_rise']) for row in sinks.values())}"]
        for of in ("value_drain", "logit_gap"):
            there = {row["seed"]: row for row in onsets if row["arm"] == arm and row["of"] == of and row["level"] == "head" and
                     row["seed"] in sinks and (row["layer"], row["head"]) == (sinks[row["seed"]]["layer"], sinks[row["seed"]]["head"])}
            before = sum(at(row, "by") <= number(sinks[seed]["after"]) for seed, row in there.items())
            same = sum(at(row, "by") == number(sinks[seed]["by"]) for seed, row in there.items())
            after = sum(number(sinks[seed]["by"]) < at(row, "by") < math.inf for seed, row in there.items())
            never = sum(row["kind"] == "never" for row in there.values())
            halves = {seed: number(row["half_rise"]) for seed, row in there.items() if row["half_rise"]}
            first = sum(half < number(sinks[seed]["half_rise"]) for seed, half in halves.items())
            cells += [f"{median(at(row, 'by') for row in there.values())}; {median(halves.values())}",
                      f"{before} / {same} / {after} / {never}; {first} of {len(halves)}"]
        rows.append(cells)
    print_table("Order of events in the head of the sink, runs in which it came (onset; half-rise)", ("arm", "runs", "sink, step",
          "value drain, step", "before / same snapshot / after / never; half-rise first in", "logit gap, step",
          "before / same snapshot / after / never; half-rise first in"), rows)


def changes(folder):
    """Against what seeds change alone, where the file says so; then each set-up of the other axes for itself."""
    rows = read(folder, "changes.csv")
    readings = [(front, end) for front in ("", "framed_") for end in ("", "_by_token") if f"{front}changed{end}" in rows[0]]

    def cells(row):
        for front, end in readings:
            text = interval(row, f"{front}changed{end}")
            floor, p = row.get(f"{front}floor{end}"), row.get(f"{front}p{end}")
            yield f"{text}; {show(number(floor))}, p {number(p):.2g}" if floor and p else text

    names = {("", ""): "labels differ, by position", ("", "_by_token"): "by token", ("framed_", ""): "frames differ, by position",
             ("framed_", "_by_token"): "by token"}
    for title, is_setup in (("What moves the label (share of pairs; in two seeds of one arm, p)", False), ("Within each set-up", True)):
        chosen = [row for row in rows if bool(row.get("setup")) == is_setup]
        if chosen:
            print_table(title, ("axis", "values", "set-up", "pairs a seed", "seeds", *(names[reading] for reading in readings)),
                  [(row["axis"], f"{row['from']} ↔ {row['to']}" if row["from"] else "each two", row.get("setup") or "all",
                    row["pairs"], row["seeds"], *cells(row)) for row in chosen])


def main():
    folder = sys.argv[1]
    summary, onsets = read(folder, "summary.csv"), read(folder, "onset.csv")
    arms(summary)
    early(summary, onsets)
    milestones(summary, onsets)
    order(summary, onsets)
    changes(folder)


if __name__ == "__main__":
    main()
