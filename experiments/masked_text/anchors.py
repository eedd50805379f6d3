"""When a masked model of text began to rest its attention on its ends, its separators, its punctuation. Snapshots are not kept in git, so what they
say of it is, in anchors.csv:

    python3 experiments/masked_text/anchors.py --from DIR     writes anchors.csv anew, from the runs in DIR/masked_text (wants NumPy)
    python3 experiments/masked_text/anchors.py                prints the second table of README.md (standard library only)

Declared before the runs. Each token of a measured sequence is of one class: its first, its last, an EOS between two paragraphs, a token without a
letter or digit but with a sign, a blank or line break, or the rest. What a head gives to a class is the sum of the importances of its tokens, as a
share of those of all, in the mean over the held-out sequences that have one. `fair` is the share that even attention would give it.

A row is a run and a class. A head *leans* on a class from the first of three snapshots in a row at which it gives it three times its fair share;
it *rests* on it from the first at which that is more than 0.3, too, as the program says of a sink. Either is dated in the head in which it comes
first. `most` is what the head with the most gives in the end, the median of the last three snapshots.

Added when runs had been seen: `afar` is the attention that that head gives to the class's tokens from queries that stand at least a quarter of the
sequence away from each, by which frames are labelled. A head that looks at line breaks near by gives little from there.
"""
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, os.pardir), os.path.join(HERE, os.pardir, os.pardir, "python")]

from tables import final, median, number, read, stays_from, table, write  # noqa: E402

CLASSES = "start", "end", "separator", "punctuation", "blank", "rest"
DATED = CLASSES[:-1]
RATIO, LEAST = 3, 0.3
DATES = "layer", "head", "by", "tokens_by"
HEAD = ("run", "arm", "seed", "class", "fair", *(f"leans_{name}" for name in DATES), *(f"rests_{name}" for name in DATES), "most", "most_layer", "most_head", "afar")
FILE = "anchors.csv"
AFAR = 1    # of importance_afar: at least two eighths of the sequence away


def class_of(place, length, id_, text, eos):
    """Of the token at `place` of a sequence: a word of CLASSES."""
    if place in (0, length - 1):
        return "start" if place == 0 else "end"
    if id_ == eos:
        return "separator"
    if not text.strip():
        return "blank"
    return "rest" if any(character.isalnum() for character in text) else "punctuation"


def shares_of(classes, importance, is_share=True):
    """{class: (fair share, [[share] of the heads] of the layers)} of a snapshot. `classes`: the words of each sequence; `importance`: (N, L, H, T).
    Without `is_share` the class's importances are added as they are."""
    found = {}
    for name in DATED:
        fair, given = [], []
        for words, weights in zip(classes, importance):
            of_class = [place for place, word in enumerate(words) if word == name]
            if of_class:
                fair.append(len(of_class) / len(words))
                given.append(weights[:, :, of_class].sum(-1) / (weights[:, :, : len(words)].sum(-1) if is_share else 1))
        found[name] = (statistics.fmean(fair), (sum(given) / len(given)).tolist()) if fair else (None, None)
    return found


def date(steps, series, lines):
    """(layer, head, step) of the head that comes first to be beyond the line of each snapshot and stays so for three; the larger share decides a tie."""
    found = []
    for layer, heads in enumerate(series[0]):
        for head in range(len(heads)):
            beyond = [shares[layer][head] > line for shares, line in zip(series, lines)]
            at = stays_from(beyond)
            if at is not None:
                found.append((steps[at], -series[at][layer][head], layer, head))
    if not found:
        return None, None, None
    step, _, layer, head = min(found)
    return layer, head, step


def rows_of(identity, steps, tokens, snapshots, from_afar):
    """The rows of a run, of the shares of its snapshots, and of what is given from afar; `identity` is its first three cells."""
    seen = dict(zip(steps, tokens))
    for name in DATED:
        fair, series = [snapshot[name][0] for snapshot in snapshots], [snapshot[name][1] for snapshot in snapshots]
        if None in fair:
            continue
        row = dict(zip(HEAD, (*identity, name, f"{fair[0]:.4f}")))
        for event, least in (("leans", 0), ("rests", LEAST)):
            dated = date(steps, series, [max(least, RATIO * share) for share in fair])
            row.update(zip((f"{event}_{name}" for name in DATES), (*dated, seen.get(dated[2]))))
        last = {(layer, head): final([shares[layer][head] for shares in series]) for layer, heads in enumerate(series[0]) for head in range(len(heads))}
        most = max(last, key=last.get)
        afar = final([shares[name][1][most[0]][most[1]] for shares in from_afar])
        row.update(most=f"{last[most]:.4f}", most_layer=most[0], most_head=most[1], afar=f"{afar:.4f}")
        yield row


def classes_of(snapshot):
    """Of each measured sequence the words of its tokens."""
    texts = [text.decode() for text in snapshot["token_strings"]]
    eos = texts.index("<eos>")
    return [[class_of(place, length, ids[place], texts[ids[place]], eos) for place in range(length)]
            for ids, length in zip(snapshot["tokens"], snapshot["lengths"].tolist())]


def rows_of_run(run):
    import numpy

    snapshots, from_afar = [], []
    for step in run.steps.tolist():
        snapshot = run.snapshot(step)
        classes = classes_of(snapshot)
        snapshots.append(shares_of(classes, snapshot["importance"].astype(float)))
        from_afar.append(shares_of(classes, numpy.nan_to_num(snapshot["importance_afar"][:, :, :, AFAR].astype(float)), False))
    yield from rows_of((run.folder_name, run.arm, run.seed), run.steps.tolist(), run.tokens.tolist(), snapshots, from_afar)


def take(folder):
    import refframe  # the reader of results beside the program

    write(HERE, FILE, HEAD, (row for run in refframe.load(os.path.join(folder, "masked_text")).finished for row in rows_of_run(run)))


def when(rows, event):
    """The tokens by which it came, in the median [least, largest], and in how many runs."""
    dates = [number(row[f"{event}_tokens_by"] or "inf") / 1e6 for row in rows]
    came = [date for date in dates if date != float("inf")]
    return f"{len(came)} of {len(rows)}: {median(dates)}" if came else f"0 of {len(rows)}"


def text():
    """A row for each arm and class."""
    rows, lines = read(HERE, FILE), []
    for arm, name in dict.fromkeys((row["arm"], row["class"]) for row in rows):
        of_arm = [row for row in rows if (row["arm"], row["class"]) == (arm, name)]
        fair = statistics.median(number(row["fair"]) for row in of_arm)
        lines.append((arm, name, f"{fair:.3f}", when(of_arm, "leans"), when(of_arm, "rests"),
                      median(number(row["most"]) for row in of_arm), median(number(row["afar"]) for row in of_arm), ", ".join(f"{row['most_layer']}.{row['most_head']}" for row in of_arm)))
    return table(("arm", "class", "fair share", "a head leans on it by, million tokens", "rests on it by", "most in the end", "from afar", "in head"), lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--from"] and len(sys.argv) == 3:
        take(sys.argv[2])
    elif not sys.argv[1:]:
        print(text(), end="")
    else:
        sys.exit(__doc__)
