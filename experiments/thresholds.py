"""What each threshold of the instrument does to what the committed results say of an arm, with that threshold moved and the others as they stand:

    python3 experiments/thresholds.py            prints the two tables of README.md, from results/*/runs.csv, frames.csv and onset.csv
    python3 experiments/thresholds.py --write    puts each between its two marks there, and draws thresholds.svg

Every arm of six seeds or more that ended counts. What is said of it is said of most seeds: by the sign test of src/report, at 95 %, else it
is undecided. Of a sink's date the committed tables have other lines in one way: the share of sequences in which all queries together give the first
token more than x, for five x. A second table says what they do to the date. Standard library only.
"""
import functools
import math
import os
import sys
from collections import Counter

from atlas import README, RESULTS, rewrite
from tables import at, number, of_one_head, read, table

HERE = os.path.dirname(os.path.abspath(__file__))
FIGURE = os.path.join(HERE, "thresholds.svg")
MARKS = "<!-- thresholds: begin (experiments/thresholds.py --write) -->\n", "<!-- thresholds: end -->\n"
DATES = "<!-- dates: begin (experiments/thresholds.py --write) -->\n", "<!-- dates: end -->\n"
LINES = "0.1", "0.2", "0.3", "0.5", "0.8"  # the x of sink_rate@x
LEAST_SEEDS = 6
SINK, TIMES, DRAIN = 0.3, 3, 0.5  # as `refframe list metrics` declares them
WORDS = "yes", "undecided", "no"
STYLE = ("svg{background:#fcfbf8;font:13px system-ui,sans-serif}text{fill:#565b66}.strong{fill:#16181d;font-weight:600}.dim{font-size:11px}"
         ".axis{stroke:#868b96;stroke-dasharray:2 4}.yes{fill:#0072b2}.undecided{fill:#d4d1ca}.no{fill:#f1eee8}"
         "@media(prefers-color-scheme:dark){svg{background:#111317}text{fill:#a9adb6}.strong{fill:#eceae5}.yes{fill:#4aa8ea}"
         ".undecided{fill:#3a3f48}.no{fill:#1b1f26}}")


def sign_p(n, against):
    """Two-sided, as in src/report/statistics.h."""
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(against, n - against) + 1)) / 2 ** n)


def verdict(answers):
    """What most seeds say; the seeds' answers are True or False."""
    n, n_yes = len(answers), sum(answers)
    if sign_p(n, min(n_yes, n - n_yes)) > 0.05:
        return "undecided"
    return "yes" if 2 * n_yes > n else "no"


def arms():
    """Of each arm its finished runs, each a row of runs.csv with the model's label and margin of frames.csv."""
    for experiment in sorted(os.listdir(HERE)):
        folder = os.path.join(RESULTS, experiment)
        if not all(os.path.exists(path) for path in (os.path.join(HERE, experiment, "experiment.yaml"), os.path.join(folder, "runs.csv"))):
            continue
        models = {row["run"]: row for row in read(folder, "frames.csv") if not row["layer"]}
        runs = [dict(models.get(row["run"], {}), **row) for row in read(folder, "runs.csv") if row["status"] == "finished"]
        for arm in dict.fromkeys(row["arm"] for row in runs):
            chosen = [row for row in runs if row["arm"] == arm]
            if len(chosen) >= LEAST_SEEDS:
                yield experiment, arm, chosen


def has_sink(row, least=SINK, times=TIMES):
    return number(row["final"]) > max(least, times * number(row["floor"]))


def has_label(runs, moved):
    """Most runs have one and the same label, which no threshold changes that moves by so much: yes; or they have not: undecided."""
    label, _ = Counter(row["frame"] for row in runs).most_common(1)[0]
    return "yes" if verdict([row["frame"] == label and number(row["margin"]) >= moved for row in runs]) == "yes" else "undecided"


def known(runs, *columns):
    """Those of an arm's runs that have all of these numbers."""
    return [row for row in runs if not any(math.isnan(number(row.get(column, ""))) for column in columns)]


# What `yes` says and what moves, the columns asked, where it moves to, where it stands, and the verdict of an arm's runs.
PANELS = (
    ("a sink in the end: attention above", ("final", "floor"), [i / 40 for i in range(2, 39)], SINK,
     lambda runs, x: verdict([has_sink(row, least=x) for row in runs])),
    ("a sink in the end: times the floor", ("final", "floor"), [i / 4 for i in range(4, 41)], TIMES,
     lambda runs, x: verdict([has_sink(row, times=x) for row in runs])),
    ("value drain in the end: below", ("value_drain",), [i / 40 for i in range(2, 39)], DRAIN,
     lambda runs, x: verdict([number(row["value_drain"]) < x for row in runs])),
    ("one label: any one line moved by", ("margin",), [i / 100 for i in range(0, 37)], 0, has_label),
)
TOLD = (0.1, 0.3, 0.5, 0.6), (1, 3, 5, 10), (0.3, 0.5, 0.6, 0.9), (0, 0.05, 0.1, 0.2)


def counts(panel, chosen, x):
    """How many arms say yes, undecided, no."""
    _, columns, _, _, judge = panel
    said = Counter()
    for _, _, runs in chosen:
        asked = known(runs, *columns)
        if len(asked) >= LEAST_SEEDS:
            said[judge(asked, x)] += 1
    return [said[word] for word in WORDS]


def text(chosen):
    rows = []
    for panel, told in zip(PANELS, TOLD):
        rows += [(panel[0], f"**{x:g}**" if x == panel[3] else f"{x:g}", *counts(panel, chosen, x)) for x in told]
    return table(("arms with", "threshold", *WORDS), rows)


@functools.cache
def rates(folder):
    """Of one head of each run, when sink_rate came, for every line."""
    onsets = read(folder, "onset.csv")
    level = of_one_head(onsets)
    return [row for row in onsets if row["of"].startswith("sink_rate@") and row["level"] == level]


def dated(chosen, line):
    """Of arms in which half of the sequences came to be above a line in most seeds: whether that was before half of the loss's fall."""
    said = Counter()
    for experiment, arm, _ in chosen:
        rows = [row for row in rates(os.path.join(RESULTS, experiment)) if row["arm"] == arm and row["of"] == f"sink_rate@{line}"]
        if len(rows) >= LEAST_SEEDS and verdict([row["kind"] != "never" for row in rows]) == "yes":
            said[verdict([at(row, "early") < 0.5 for row in rows])] += 1
    return [said[word] for word in WORDS]


def dates(chosen):
    rows = [(line, sum(counted), *counted) for line, counted in ((line, dated(chosen, line)) for line in LINES)]
    return table(("line", "arms in which it is passed", "before half of the loss's fall", "undecided", "not before"), rows)


def element(name, inside="", **attributes):
    words = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f"<{name} {words}>{inside}</{name}>\n" if inside else f"<{name} {words}/>\n"


def steps_of(xs, heights, left, width, bottom, tall):
    """The area under a line of steps, one of equal width for each x, as the path of an SVG."""
    wide = width / len(xs)
    path = f"M{left:g} {bottom:g}"
    for i, height in enumerate(heights):
        path += f"V{bottom - tall * height:.1f}H{left + wide * (i + 1):.1f}"
    return path + f"V{bottom:g}Z"


def panel_drawn(panel, chosen, left, top):
    title, _, xs, stands, _ = panel
    width, tall = 360, 130
    bottom, at = top + tall, [counts(panel, chosen, x) for x in xs]
    n = sum(at[0])
    drawn = element("text", f"{title}", x=left, y=top - 10, **{"class": "strong"})
    drawn += element("rect", x=left, y=top, width=width, height=tall, **{"class": "no"})
    for word, height in (("undecided", [(row[0] + row[1]) / n for row in at]), ("yes", [row[0] / n for row in at])):
        drawn += element("path", d=steps_of(xs, height, left, width, bottom, tall), **{"class": word})
    step = xs[1] - xs[0]

    def place(x):
        return left + width * (x - xs[0] + step / 2) / (xs[-1] - xs[0] + step)

    drawn += element("line", x1=f"{place(stands):.1f}", y1=top - 4, x2=f"{place(stands):.1f}", y2=bottom + 4, **{"class": "axis"})
    for x in dict.fromkeys((xs[0], stands, *TOLD[PANELS.index(panel)][1:-1], xs[-1])):
        drawn += element("text", f"{x:g}", x=f"{place(x):.1f}", y=bottom + 16, **{"class": "dim", "text-anchor": "middle"})
    return drawn + element("text", f"{n} arms", x=left + width, y=top - 10, **{"class": "dim", "text-anchor": "end"})


def figure(chosen):
    title = "What is said of an arm, as one threshold moves"
    desc = "Four panels, each with one threshold moved and the others as they stand: the share of arms with a verdict. The numbers stand in README.md."
    drawn = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 446" width="860" height="446" role="img" aria-labelledby="title desc">\n'
             f'<title id="title">{title}</title>\n<desc id="desc">{desc}</desc>\n<style>{STYLE}</style>\n')
    drawn += element("text", title, x=24, y=24, **{"class": "strong"})
    for i, panel in enumerate(PANELS):
        drawn += panel_drawn(panel, chosen, 24 + 430 * (i % 2), 66 + 190 * (i // 2))
    drawn += element("text", "Blue: in most seeds; grey: undecided; pale: not in most seeds. The dashed line is the declared threshold.",
                     x=24, y=430, **{"class": "dim"})
    return drawn + "</svg>\n"


if __name__ == "__main__":
    ARMS = list(arms())
    if sys.argv[1:] == ["--write"]:
        with open(FIGURE, "w", encoding="utf-8") as file:
            file.write(figure(ARMS))
        rewrite(README, MARKS, text(ARMS))
        rewrite(README, DATES, dates(ARMS))
    else:
        print(text(ARMS), dates(ARMS), sep="\n", end="")
