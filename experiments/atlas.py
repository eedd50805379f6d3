"""The atlas: what the literature claims of sinks and frames, line by line, with what the committed results say of it.

    python3 experiments/atlas.py                 prints the table of README.md, from atlas.json and results/*/verdicts.json
    python3 experiments/atlas.py --write         puts it between the two marks in README.md, and its head on the front page
    python3 experiments/atlas.py --again DIR NAME... which committed tables of these experiments differ from those of another run in DIR

A line's verdict is that of its claims, each corrected for the k of its family: all supported: reproduced; one refuted: not reproduced; else
undecided. What the claims say each for itself stands behind it where it differs. Standard library only.
"""
import json
import math
import os
import re
import subprocess
import sys

from tables import table

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, os.pardir, "results")
README, FRONT = os.path.join(HERE, "README.md"), os.path.join(HERE, os.pardir, "README.md")
MARKS = "<!-- atlas: begin (experiments/atlas.py --write) -->\n", "<!-- atlas: end -->\n"
ORDER = "not reproduced", "refuted", "reproduced", "supported", "undecided"
ON_FRONT = 12     # lines of the table
MOST_NUMBERS = 6  # of a cell; of more, that of the comparison which decided each claim


def read_lines():
    """Each with claim, experiment, `found` in words, `families` or `texts`; and `paper`, or else the claim is our own. `results` is the folder of a part
    of an experiment, which is named as `refframe run --set` names it."""
    with open(os.path.join(HERE, "atlas.json"), encoding="utf-8") as file:
        return json.load(file)


def verdicts_of(line):
    """The claims that settle a line: those of its families, or those whose texts begin as it says."""
    folder = line.get("results", line["experiment"])
    with open(os.path.join(RESULTS, folder, "verdicts.json"), encoding="utf-8") as file:
        claims = json.load(file)
    chosen = [claim for claim in claims if claim.get("corrected", {}).get("family") in line.get("families", ()) or
              claim["text"].startswith(tuple(line.get("texts", ())))]
    unused = [word for word in line.get("families", []) if not any(c.get("corrected", {}).get("family") == word for c in chosen)]
    unused += [word for word in line.get("texts", []) if not any(c["text"].startswith(word) for c in chosen)]
    if unused or not chosen:
        raise SystemExit(f"atlas.json: results/{folder}/verdicts.json has no claim {', '.join(unused) or 'of a line'}")
    return chosen


def said(verdicts, has_paper):
    if all(verdict == "supported" for verdict in verdicts):
        return "reproduced" if has_paper else "supported"
    if any(verdict == "refuted" for verdict in verdicts):
        return "not reproduced" if has_paper else "refuted"
    return "undecided"


def verdict(line, claims):
    """Of a line, corrected; k is how many claims its family has."""
    has_paper = "paper" in line
    corrected = said([claim.get("corrected", claim)["verdict"] for claim in claims], has_paper)
    alone = said([claim["verdict"] for claim in claims], has_paper)
    asked = max(claim.get("corrected", {}).get("claims", 1) for claim in claims)
    return f"**{corrected}** (k = {asked}{'' if corrected == alone else f'; each for itself: {alone}'})"


def number(value):
    value = float(value)  # an onset that never came is a word in JSON
    if math.isinf(value):
        return "never" if value > 0 else "-never"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}" if abs(value) >= 0.01 else f"{value:.0e}"


def numbers(test):
    if "median" not in test:
        return f"{test['n_hold']} of {test['n']} runs"
    # the note of src/report/verdict.c: a median over such seeds is of nothing that was seen
    neither = re.match(r"neither came in (\d+) of (\d+) seed", test.get("note") or "")
    if neither and 2 * int(neither[1]) >= int(neither[2]):
        return "open"
    return f"{number(test['median'])} [{number(test['low'])}, {number(test['high'])}]"


def evidence(claims):
    """Median and interval of each comparison, or in how many runs a label holds; equal ones once."""
    found = [numbers(test) for claim in claims for test in claim["tests"]]
    if len(found) > MOST_NUMBERS:
        found = [numbers(claim["tests"][claim.get("deciding", 0)]) for claim in claims]
    return ", ".join(f"{text} ({found.count(text)} times)" if found.count(text) > 1 else text for text in dict.fromkeys(found))


def by_verdict(rows):
    """What was not found stands first, what is not decided last."""
    return sorted(rows, key=lambda row: ORDER.index(row[1].split("**")[1]))


def text():
    rows = []
    for line in read_lines():
        claims = verdicts_of(line)
        rows.append((line["claim"], verdict(line, claims), evidence(claims), line["found"], line.get("paper", "our own"),
                     f"[{line['experiment']}]({line['experiment']}/README.md)"))
    return table(("claim", "verdict", "numbers", "in words", "source", "experiment"), by_verdict(rows))


def front():
    """The head of the table, as the front page has it; and how many lines follow, by verdict."""
    lines = by_verdict([(f"{line['claim']} ([{line['experiment']}](experiments/{line['experiment']}/README.md))", verdict(line, verdicts_of(line)),
                         line["found"]) for line in read_lines()])
    words = [row[1].split("**")[1] for row in lines[ON_FRONT:]]
    more = ", ".join(f"{words.count(word)} {word}" for word in ORDER if word in words)
    rest = f"{len(words)} more lines", more, "[All of them](experiments/README.md), with numbers and sources"
    return table(("claim", "verdict", "in words"), (*lines[:ON_FRONT], rest))


def between(path, marks):
    """What a file has before the first mark, between the two, behind the second."""
    with open(path, encoding="utf-8") as file:
        before, found, rest = file.read().partition(marks[0])
    inside, closed, after = rest.partition(marks[1])
    if not found or not closed:
        raise SystemExit(f"{path}: the marks of its table are gone")
    return before, inside, after


def rewrite(path, marks, text):
    before, _, after = between(path, marks)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + marks[0] + text + marks[1] + after)


def git(*words):
    return subprocess.run(["git", "-C", HERE, *words], check=True, capture_output=True).stdout


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def differing(folder, name):
    """Which of the tables that git keeps of an experiment are others in folder/name; reference.json, which names the machine, aside."""
    kept = git("ls-tree", "-z", "--name-only", "HEAD", f"../results/{name}/").decode().split("\0")
    for path in (path for path in kept if path and os.path.basename(path) != "reference.json"):
        at = os.path.join(folder, name, os.path.basename(path))
        if not os.path.exists(at):
            yield f"{os.path.basename(path)} (is not there)"
        elif bytes_of(at) != git("show", f"HEAD:./{path}"):
            yield os.path.basename(path)
    if not any(kept):
        yield "nothing of it is committed"


def again(folder, names):
    n_differing = 0
    for name in names:
        found = list(differing(folder, name))
        n_differing += len(found)
        print(f"{name}: {'DIFFERS: ' + ', '.join(found) if found else 'as committed'}")
    return 1 if n_differing else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--again"]:
        sys.exit(again(sys.argv[2], sys.argv[3:]))
    if sys.argv[1:] == ["--write"]:
        rewrite(README, MARKS, text())
        rewrite(FRONT, MARKS, front())
    else:
        print(text(), end="")
