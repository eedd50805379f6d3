"""Without this, a table of experiments/ could say something else than the committed results do, and a line of the atlas could call
*reproduced* what one of its claims refutes.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.join(os.environ["TESTS_DIR"], os.pardir)
sys.path.insert(0, os.path.join(ROOT, "experiments"))
sys.path[:0] = (os.path.join(ROOT, "experiments", name) for name in ("induction", "luck", "masked_text"))
import anchors  # noqa: E402
import atlas  # noqa: E402
import clocks  # noqa: E402
import falls  # noqa: E402
import previous_token  # noqa: E402
import spread  # noqa: E402
import tables  # noqa: E402
import thresholds  # noqa: E402


def claim(verdict, corrected=None, family="", text="t", tests=()):
    return {"text": text, "verdict": verdict, "tests": list(tests), "corrected": {"verdict": corrected or verdict, "family": family, "claims": 3}}


class Verdicts(unittest.TestCase):
    def said(self, *claims, **line):
        return atlas.verdict(line, claims)

    def test_one_refuted_claim_refutes_and_one_open_claim_leaves_open(self):
        self.assertEqual(self.said(claim("supported"), claim("supported"), paper="p"), "**reproduced** (k = 3)")
        self.assertEqual(self.said(claim("supported"), claim("refuted"), claim("undecided"), paper="p"), "**not reproduced** (k = 3)")
        self.assertEqual(self.said(claim("supported"), claim("undecided"), paper="p"), "**undecided** (k = 3)")

    def test_a_prediction_of_ours_is_supported_or_refuted(self):
        self.assertEqual(self.said(claim("supported")), "**supported** (k = 3)")
        self.assertEqual(self.said(claim("refuted")), "**refuted** (k = 3)")

    def test_the_corrected_verdict_counts_and_the_other_is_told(self):
        self.assertEqual(self.said(claim("refuted", "undecided"), paper="p"), "**undecided** (k = 3; each for itself: not reproduced)")

    def test_a_search_has_no_correction(self):
        self.assertEqual(self.said({"verdict": "not seen at this scale", "tests": []}, paper="p"), "**undecided** (k = 1)")


class Numbers(unittest.TestCase):
    def test_medians_counts_and_what_never_came(self):
        tests = [{"median": 0.123456, "low": 0.1, "high": 12}, {"n": 9, "n_hold": 8}, {"median": 120, "low": 100.5, "high": float("inf")},
                 {"median": "inf", "low": 1e-7, "high": "inf"}, {"median": -140, "low": "-inf", "high": 3}, {"median": None, "low": "-inf", "high": "inf", "note": "neither came in 3 of 6 seeds"}]
        self.assertEqual(atlas.evidence([claim("supported", tests=tests)]),
                         "0.12 [0.10, 12], 8 of 9 runs, 120 [100, never], never [1e-07, never], -140 [-never, 3], open")
        few = {"median": 3, "low": "-inf", "high": "inf", "note": "neither came in 2 of 6 seeds"}
        self.assertEqual(atlas.evidence([claim("supported", tests=[few])]), "3 [-never, never]")

    def test_equal_ones_are_told_once_and_many_by_what_decided(self):
        held = {"n": 9, "n_hold": 9}
        self.assertEqual(atlas.evidence([claim("supported", tests=[held, held])]), "9 of 9 runs (2 times)")
        many = dict(claim("refuted", tests=[held] * 6 + [{"n": 9, "n_hold": 1}]), deciding=6)
        self.assertEqual(atlas.evidence([many]), "1 of 9 runs")


class Lines(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.mkdir(os.path.join(self.folder.name, "e"))
        with open(os.path.join(self.folder.name, "e", "verdicts.json"), "w", encoding="utf-8") as file:
            json.dump([claim("supported", family="one", text="a first"), claim("refuted", family="two", text="a second")], file)
        self.addCleanup(setattr, atlas, "RESULTS", atlas.RESULTS)
        atlas.RESULTS = self.folder.name

    def test_claims_are_chosen_by_family_or_by_how_they_begin(self):
        for line, texts in (({"families": ["two"]}, ["a second"]), ({"texts": ["a f"]}, ["a first"]),
                            ({"families": ["one"], "texts": ["a s"]}, ["a first", "a second"])):
            self.assertEqual([c["text"] for c in atlas.verdicts_of({"experiment": "e", **line})], texts)

    def test_a_part_of_an_experiment_has_results_of_its_own(self):
        line = {"experiment": "whole", "results": "e", "families": ["two"]}
        self.assertEqual([c["text"] for c in atlas.verdicts_of(line)], ["a second"])

    def test_a_line_that_names_no_claim_is_refused(self):
        for line in ({"families": ["three"]}, {"texts": ["a f", "b"]}, {}):
            with self.assertRaisesRegex(SystemExit, "has no claim"):
                atlas.verdicts_of({"experiment": "e", **line})


class Thresholds(unittest.TestCase):
    """What experiments/thresholds.py says of an arm, on runs made by hand."""

    @staticmethod
    def runs(n_above, n, **other):
        return [dict({"final": "0.45" if i < n_above else "0.2", "floor": "0.04", "frame": "none", "margin": "0.15"}, **other) for i in range(n)]

    def test_the_sign_test_is_that_of_the_report(self):
        for n, against, p in ((6, 0, 0.03125), (9, 1, 0.0390625), (9, 2, 0.1796875), (10, 5, 1)):
            self.assertAlmostEqual(thresholds.sign_p(n, against), p)

    def test_most_seeds_decide_and_one_more_exception_does_not(self):
        self.assertEqual([thresholds.verdict([True] * k + [False] * (9 - k)) for k in (9, 8, 7, 2, 1, 0)],
                         ["yes", "yes", "undecided", "undecided", "no", "no"])

    def test_a_threshold_moves_and_the_other_stands(self):
        judge = thresholds.PANELS[0][4]
        self.assertEqual([judge(self.runs(9, 9), x) for x in (0.1, 0.3, 0.5)], ["yes", "yes", "no"])
        self.assertEqual(judge(self.runs(9, 9, floor="0.2"), 0.1), "no")  # below three times its floor
        judge = thresholds.PANELS[1][4]
        self.assertEqual([judge(self.runs(9, 9), x) for x in (1, 3, 12)], ["yes", "yes", "no"])
        self.assertEqual(judge(self.runs(0, 9), 1), "no")  # below 0.3

    def test_a_label_counts_as_far_as_its_margin_reaches(self):
        self.assertEqual([thresholds.has_label(self.runs(9, 9), moved) for moved in (0, 0.15, 0.16)], ["yes", "yes", "undecided"])
        mixed = self.runs(5, 5) + self.runs(4, 4, frame="centralized")
        self.assertEqual(thresholds.has_label(mixed, 0), "undecided")

    def test_runs_without_the_number_are_left_out(self):
        arm = "e", "a", self.runs(9, 9) + self.runs(9, 9, final="")
        self.assertEqual(thresholds.counts(thresholds.PANELS[0], [arm], 0.3), [1, 0, 0])
        arm = "e", "a", self.runs(5, 5) + self.runs(9, 9, final="")
        self.assertEqual(thresholds.counts(thresholds.PANELS[0], [arm], 0.3), [0, 0, 0])


class Dates(unittest.TestCase):
    """What experiments/thresholds.py says of three arms' dates: before half of the fall, behind it, and never."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(setattr, thresholds, "RESULTS", thresholds.RESULTS)
        thresholds.RESULTS = self.folder.name
        os.mkdir(os.path.join(self.folder.name, "e"))
        with open(os.path.join(self.folder.name, "e", "onset.csv"), "w", encoding="utf-8") as file:
            file.write("arm,of,level,kind,early\n")
            for arm, kind, early in (("soon", "found", "0.4"), ("late", "found", "0.6"), ("never", "never", "")):
                file.write(f"{arm},sink_rate@0.3,first,{kind},{early}\n" * 6 + f"{arm},sink_rate@0.3,model,found,0.1\n")

    def test_an_arm_counts_where_most_seeds_pass_the_line(self):
        chosen = [("e", arm, []) for arm in ("soon", "late", "never")]
        self.assertEqual(thresholds.dated(chosen, "0.3"), [1, 0, 1])
        self.assertEqual(thresholds.dated(chosen, "0.5"), [0, 0, 0])


class Falls(unittest.TestCase):
    """What experiments/falls.py reads from the curves of two runs, the second without a sink."""

    TABLES = {"runs.csv": ["run,headline", "a-s1,sink_mass", "a-s2,sink_mass"],
              "onset.csv": ["run,arm,seed,of,level,kind,by", "a-s1,a,1,sink_mass,first,found,20", "a-s1,a,1,sink_mass,model,found,30",
                            "a-s1,a,1,value_drain,first,found,10", "a-s2,a,2,sink_mass,first,never,"],
              "curves.csv": ["arm,seed,step,metric,value"] + [
                  f"a,{seed},{step},{metric},{value}" for seed in (1, 2) for metric, values in
                  (("held_out_loss", "44444"), ("held_out_loss:all", "44444"), ("held_out_loss:copy", "84200"), ("held_out_loss:idle", "44444"),
                   ("held_out_loss:late", "22311"))
                  for step, value in zip((0, 10, 20, 30, 40), values)]}

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name in ("HERE", "FALLS"):
            self.addCleanup(setattr, falls, name, getattr(falls, name))
        falls.HERE, falls.FALLS = self.folder.name, os.path.join(self.folder.name, "falls.csv")
        os.mkdir(os.path.join(self.folder.name, "e"))
        for name, lines in self.TABLES.items():
            with open(os.path.join(self.folder.name, "e", name), "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")

    def rows(self):
        with open(falls.FALLS, encoding="utf-8") as file:
            return file.read().splitlines()

    def test_a_group_is_read_where_the_first_head_s_sink_came(self):
        falls.take(self.folder.name, ["e"])
        self.assertEqual(self.rows()[1:], ["e,a-s1,a,1,copy,20,8,2,0", "e,a-s1,a,1,idle,20,4,4,4", "e,a-s1,a,1,late,20,2,3,1"])
        self.assertEqual(falls.text().splitlines()[2], "| e | a | 1 | copy: 0.75; idle: hardly falls in 1 of 1; late: above its start in 1 of 1 |")
        rows = [dict(zip(("start", "at_sink", "end"), losses)) for losses in ("421", "444", "499", "464")]
        self.assertEqual(falls.told(rows), "above its start in 2 of 4, hardly falls in 1 of 4")

    def test_rows_of_others_stay_and_its_own_are_written_anew(self):
        with open(falls.FALLS, "w", encoding="utf-8") as file:
            file.write(",".join(falls.HEAD) + "\ne,gone,a,1,copy,20,4,1,1\nf,stays,a,1,copy,20,4,1,1\n")
        falls.take(self.folder.name, ["e"])
        self.assertEqual([row.split(",")[1] for row in self.rows()[1:]], ["a-s1", "a-s1", "a-s1", "stays"])


class PreviousToken(unittest.TestCase):
    """When a head began to look at the token before, of a run of two heads made by hand."""

    ROWS = [{"run": "r", "arm": "a", "seed": "1", "layer": "0", "head": head, "metric": metric, "step": str(step), "value": value}
            for metric, head, values in (("template@previous", "0", "99888"), ("template@previous", "1", "949321"), ("template@next", "0", "000000"))
            for step, value in reversed(list(zip(range(0, 60, 10), values)))]

    def test_the_head_that_ends_nearest_is_dated_where_it_stays_below_the_middle(self):
        self.assertEqual([tuple(row.values()) for row in previous_token.dates_of(self.ROWS)], [("r", "a", "1", "0", "1", "9", "2", 30)])

    def test_a_head_that_never_stays_below_has_no_date(self):
        self.assertIsNone(previous_token.half_by(range(7), "9192913"))
        self.assertEqual(previous_token.half_by(range(5), "92222"), 1)


class Spread(unittest.TestCase):
    """How far dates are spread, of onsets made by hand."""

    def test_dates_are_octaves_from_their_median_and_never_is_twice_the_run(self):
        self.assertEqual([round(octaves, 9) for octaves in spread.distances([100, 200, 400])], [1, 0, 1])
        self.assertEqual([round(octaves, 9) for octaves in spread.distances([500, 500, float("inf")])], [0, 0, 1])

    def test_the_first_head_s_sink_is_read_and_arms_of_a_kind_stand_together(self):
        rows = [{"arm": arm, "seed": seed, "of": of, "level": level, "kind": "found", "by": str(by)} for arm, seed, of, level, by in (
            ("weights_1", "10", "sink_mass_idle", "first", 100), ("weights_1", "9", "sink_mass_idle", "first", 200),
            ("weights_2", "9", "sink_mass_idle", "first", 50), ("weights_2", "9", "sink_mass_idle", "model", 9), ("weights_2", "9", "value_drain", "first", 9))]
        self.assertEqual(spread.dates_of(rows), {"weights_1": [200, 100], "weights_2": [50]})
        self.assertEqual([round(octaves, 9) for octaves in spread.kinds(spread.dates_of(rows))["weights"]], [0.5, 0.5, 0])

    def test_a_difference_is_rare_among_deals_where_it_is_one_and_common_where_it_is_none(self):
        with mock.patch.object(spread, "DEALS", 2000):
            self.assertLess(spread.p_of([0.1] * 9, [1.0] * 9), 0.002)
            self.assertEqual(spread.p_of([0.5] * 9, [0.5] * 9), 1)
            self.assertGreater(spread.p_of([0.1, 0.9] * 5, [0.2, 0.8] * 5), 0.5)

    def test_an_interval_holds_what_resamples_hold(self):
        with mock.patch.object(spread, "RESAMPLES", 400):
            self.assertEqual(spread.interval_of([[100] * 5, [200] * 5]), (0, 0))
            low, high = spread.interval_of([[100, 200, 400] * 4])
        self.assertTrue(0.3 < low < 2 / 3 < high < 1)


class Anchors(unittest.TestCase):
    """When a head began to rest on a class of tokens, of shares made by hand: two layers of one head."""

    @staticmethod
    def rows(fair, *series):
        """Of a run whose two heads give these shares to the first token, in each snapshot; the other classes are not there."""
        gone = dict.fromkeys(anchors.DATED, (None, None))
        snapshots = [{**gone, "start": (fair, [[share] for share in shares])} for shares in zip(*series)]
        steps = [10 * i for i in range(len(snapshots))]
        from_afar = [{**gone, "start": (fair, [[0.01], [share]])} for share in (0.03, 0.01, 0.02)]
        return list(anchors.rows_of(("r", "a", 1), steps, [1000 * step for step in steps], snapshots, from_afar))

    def test_each_token_is_of_one_class(self):
        words = [anchors.class_of(place, 8, id_, text, 1) for place, (id_, text) in enumerate(
            [(0, "<bos>"), (7, "it"), (8, "."), (1, "<eos>"), (9, "\n"), (10, "_x"), (11, ' "'), (1, "<eos>")])]
        self.assertEqual(words, ["start", "rest", "punctuation", "separator", "blank", "rest", "punctuation", "end"])

    def test_shares_are_of_what_a_sequence_gives_and_of_those_that_have_the_class(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("needs NumPy")
        weights = numpy.array([[[[1.0, 1, 2, 4]]], [[[3.0, 1, 0, 0]]]])
        found = anchors.shares_of([["start", "rest", "rest", "end"], ["start", "end"]], weights)
        self.assertEqual(found["start"], (0.375, [[(0.125 + 0.75) / 2]]))
        self.assertEqual(found["end"], (0.375, [[(0.5 + 0.25) / 2]]))
        self.assertEqual(found["separator"], (None, None))
        self.assertEqual(anchors.shares_of([["start", "rest", "rest", "end"], ["start", "end"]], weights, False)["end"], (0.375, [[(4 + 1) / 2]]))

    def test_a_head_leans_beyond_three_times_its_fair_share_and_rests_beyond_0_3_too(self):
        (row,) = self.rows(0.05, [.1, .2, .1, .2, .2, .2, .2], [.1, .1, .1, .1, .4, .4, .4])
        self.assertEqual([row[f"leans_{name}"] for name in anchors.DATES], [0, 0, 30, 30000])
        self.assertEqual([row[f"rests_{name}"] for name in anchors.DATES], [1, 0, 40, 40000])
        self.assertEqual([row[name] for name in ("class", "fair", "most", "most_layer", "most_head", "afar")], ["start", "0.0500", "0.4000", 1, 0, "0.0200"])
        (row,) = self.rows(0.2, [.5] * 4, [.7, .7, .7, .1])
        self.assertEqual([row[f"rests_{name}"] for name in ("layer", "head", "by")], [1, 0, 0])

    def test_what_does_not_stay_has_no_date_and_the_larger_share_decides_a_tie(self):
        (row,) = self.rows(0.01, [.5, .5, 0, .5, .5], [0, 0, 0, 0, 0])
        self.assertEqual([row[f"rests_{name}"] for name in anchors.DATES], [None] * 4)
        (row,) = self.rows(0.01, [.4, .4, .4], [.5, .5, .5])
        self.assertEqual([row[f"rests_{name}"] for name in ("layer", "by")], [1, 0])

    def test_dates_are_told_in_tokens_of_the_runs_in_which_they_came(self):
        rows = [{"rests_tokens_by": tokens} for tokens in ("1000000", "", "2000000")]
        self.assertEqual(anchors.when(rows, "rests"), "2 of 3: 2 [1, never]")
        self.assertEqual(anchors.when(rows[1:2], "rests"), "0 of 1")


class Committed(unittest.TestCase):
    def test_the_thresholds_are_swept_over_the_committed_results(self):
        chosen = list(thresholds.arms())
        self.assertEqual(atlas.between(atlas.README, thresholds.MARKS)[1], thresholds.text(chosen), "run experiments/thresholds.py --write")
        self.assertEqual(atlas.between(atlas.README, thresholds.DATES)[1], thresholds.dates(chosen), "run experiments/thresholds.py --write")
        with open(thresholds.FIGURE, encoding="utf-8") as file:
            self.assertEqual(file.read(), thresholds.figure(chosen), "run experiments/thresholds.py --write")

    def test_the_readmes_say_what_the_results_do(self):
        self.assertEqual(atlas.between(atlas.README, atlas.MARKS)[1], atlas.text(), "run experiments/atlas.py --write")
        self.assertEqual(atlas.between(atlas.FRONT, atlas.MARKS)[1], atlas.front(), "run experiments/atlas.py --write")
        claims = [[row.split(" | ")[0].split(" ([")[0] for row in table.splitlines()[2:2 + atlas.ON_FRONT]] for table in (atlas.front(), atlas.text())]
        self.assertEqual(*claims)
        verdicts_of_the_rest = atlas.front().splitlines()[-1].split("|")[2]
        self.assertEqual(sum(map(int, re.findall(r"\d+", verdicts_of_the_rest))), len(atlas.read_lines()) - atlas.ON_FRONT)
        early = os.path.join(ROOT, "experiments", "early.md")
        self.assertEqual(atlas.between(early, clocks.MARKS)[1], clocks.text(), "run experiments/clocks.py --write")
        self.assertEqual(atlas.between(early, falls.MARKS)[1], falls.text(), "run experiments/falls.py --write")

    def test_each_fall_is_of_a_committed_run_and_its_sink(self):
        onsets = {name: {row["run"]: row["onset_by"] for row in tables.read(os.path.join(atlas.RESULTS, name), "runs.csv")}
                  for name in {row["experiment"] for row in tables.read(falls.HERE, "falls.csv")}}
        for row in tables.read(falls.HERE, "falls.csv"):
            with self.subTest(run=row["run"], group=row["group"]):
                self.assertEqual(row["step"], onsets[row["experiment"]].get(row["run"]))

    def test_the_dates_of_previous_token_heads_are_of_the_committed_runs(self):
        runs = {row["run"] for row in tables.read(os.path.join(atlas.RESULTS, "induction"), "runs.csv")}
        self.assertEqual({row["run"] for row in tables.read(previous_token.HERE, previous_token.FILE)}, runs)
        with open(os.path.join(previous_token.HERE, "README.md"), encoding="utf-8") as file:
            self.assertIn(previous_token.text(), file.read())

    def test_the_dates_of_anchors_are_of_the_committed_runs(self):
        runs = {row["run"] for row in tables.read(os.path.join(atlas.RESULTS, "masked_text"), "runs.csv")}
        self.assertEqual({row["run"] for row in tables.read(anchors.HERE, anchors.FILE)}, runs)
        with open(os.path.join(anchors.HERE, "README.md"), encoding="utf-8") as file:
            self.assertIn(anchors.text(), file.read())

    def test_the_spread_of_dates_is_that_of_the_committed_onsets(self):
        with open(os.path.join(spread.HERE, "README.md"), encoding="utf-8") as file:
            self.assertIn(spread.text(), file.read())

    def test_every_experiment_is_listed_and_described(self):
        with open(atlas.README, encoding="utf-8") as file:
            listed = file.read()
        for name in sorted(os.listdir(os.path.join(ROOT, "experiments"))):
            folder = os.path.join(ROOT, "experiments", name)
            if os.path.isdir(folder) and not name.startswith("__"):
                with self.subTest(experiment=name):
                    self.assertTrue(os.path.exists(os.path.join(folder, "README.md")))
                    self.assertIn(f"| `{name}` |", listed.replace(f"[`{name}`]({name}/README.md)", f"`{name}`"))


class Again(unittest.TestCase):
    """What `make atlas` says at its end, of a repository of its own."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.makedirs(self.at("experiments"))
        for name in ("atlas.py", "tables.py"):
            shutil.copy(os.path.join(ROOT, "experiments", name), self.at("experiments"))
        for folder in ("results", "again"):
            for name in ("same", "moved"):
                os.makedirs(self.at(folder, name))
                for file in ("summary.csv", "reference.json"):
                    self.put(folder, name, file, "as it was\n")
        self.git("init", "-q")
        self.git("add", "experiments", "results")
        self.git("-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "m")

    def at(self, *names):
        return os.path.join(self.folder.name, *names)

    def git(self, *words):
        subprocess.run(["git", "-C", self.folder.name, *words], check=True, capture_output=True)

    def put(self, folder, name, file, text):
        with open(self.at(folder, name, file), "w", encoding="utf-8") as out:
            out.write(text)

    def again(self, *names):
        done = subprocess.run([sys.executable, self.at("experiments", "atlas.py"), "--again", self.at("again"), *names],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_what_differs_is_named_and_fails(self):
        self.assertEqual(self.again("same", "moved"), (0, "same: as committed\nmoved: as committed\n"))
        self.put("again", "same", "reference.json", "another machine\n")
        self.put("again", "moved", "summary.csv", "another\n")
        self.assertEqual(self.again("same", "moved"), (1, "same: as committed\nmoved: DIFFERS: summary.csv\n"))

    def test_it_is_held_to_what_is_committed(self):
        self.put("results", "moved", "summary.csv", "another\n")
        self.put("again", "moved", "summary.csv", "another\n")
        self.git("add", "results")
        self.assertEqual(self.again("moved"), (1, "moved: DIFFERS: summary.csv\n"))

    def test_what_was_never_committed_or_never_came_differs(self):
        os.remove(self.at("again", "moved", "summary.csv"))
        self.assertEqual(self.again("moved"), (1, "moved: DIFFERS: summary.csv (is not there)\n"))
        self.assertEqual(self.again("never"), (1, "never: DIFFERS: nothing of it is committed\n"))


if __name__ == "__main__":
    unittest.main()
