"""Without these, the one instant at which a power cut costs a result could hide among hundreds at which it does not."""
import itertools
import os
import random
import unittest

from harness import SWEEP, result_of_run, results
from killing import SMALL
from power import DICE, NAMES, SYNCED, ZEROS, PowerCase, lay

WAYS = (SYNCED, NAMES, ZEROS, DICE, DICE)


class EveryCut(PowerCase):
    def check_all(self, before, records, words, expected, results_of, looks=()):
        for cut, state in self.cuts(before, records, lambda r, what: WAYS):
            self.check_cut(cut, state, words, expected, results_of, looks)
        self.tell()

    def test_a_run(self):
        self.check_all(*self.recorded_run(), self.run_words, self.calm, self.results_of, (self.look_at_status, self.look_at_report))
        self.assertGreaterEqual(self.n_cuts, 150)
        self.assertGreaterEqual(self.n_finished, 10)

    def test_a_resume(self):
        self.check_all(*self.recorded_resume(), self.train_words, result_of_run(self.calm_run), result_of_run)
        self.assertGreaterEqual(self.n_cuts, 40)

    def test_measuring_again(self):
        """Behind it, too, the manifest's hashes are those of what stands."""
        self.check_all(*self.recorded_measure(), lambda folder: ("measure", folder), result_of_run(self.calm_run), self.result_with_hashes)
        self.assertGreaterEqual(self.n_cuts, 5)

    def test_a_report(self):
        self.refframe(*self.run_words("report"))
        os.remove(self.at("report", "one", "summary.csv"))
        self.check_all(*self.record("report", "report", "report/one"), lambda folder: ("report", os.path.join(folder, "one")),
                       self.calm, self.results_of)
        self.assertGreaterEqual(self.n_cuts, 20)

    def test_cut_again_while_it_goes_on(self):
        """The first cut leaves what dice say; what goes on from that is cut in its turn."""
        dice = random.Random(3)
        firsts = list(self.cuts(*self.recorded_run(), lambda r, what: (DICE,)))
        for n, (first, state) in enumerate(dice.sample(firsts, 12)):
            name = f"again{n}"
            lay(state, self.at(name))
            before, records = self.record(name, *self.run_words(name))
            chosen = set(dice.sample(range(len(records)), min(8, len(records))))
            for cut, left in self.cuts(before, records, lambda r, what, chosen=chosen: (DICE,) if r in chosen else ()):
                self.check_cut(f"{first}, then {cut}", left, self.run_words, self.calm, self.results_of)
        self.tell()
        self.assertGreaterEqual(self.n_cuts, 50)

    def test_a_sweep_of_two_at_a_time(self):
        self.write("one.yaml", SWEEP + SMALL.replace("seeds: 1\n", ""))
        words = lambda folder: ("run", "one.yaml", "--threads", 1, "--jobs", 2, "--results", folder)  # noqa: E731
        self.refframe(*words("calm4"))
        before, records = self.record("sweep", *words("sweep"))
        self.assertEqual(len([1 for call, _ in records if call[0] == "mkdir" and call[1].endswith("snapshots")]), 4)
        turns = itertools.cycle((SYNCED, DICE, NAMES, DICE))
        for cut, state in self.cuts(before, records, lambda r, what: (next(turns),) if r % 8 == 0 else ()):
            self.check_cut(cut, state, words, results(self.at("calm4", "one")), self.results_of)
        self.assertGreaterEqual(self.n_cuts, 50)
        self.tell()


if __name__ == "__main__":
    unittest.main()
