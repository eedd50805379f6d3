"""Without these, a power cut could cost more than what was not yet synced: a checkpoint could stand without the rows it follows, a
name without its bytes. Once for each kind of call here; behind every single one, and in more ways: long_power.py."""
import itertools
import os
import unittest

from harness import result_of_run
from killing import kind_of
from power import ALL, DICE, NAMES, SYNCED, ZEROS, Disk, PowerCase, lay


def once_for_each(records):
    """A function for PowerCase.cuts: behind the middle one of the records of a kind, one way, which is another for the next."""
    kinds = {}
    for r, (words, _) in enumerate(records):
        kinds.setdefault(kind_of(" ".join(words[:2])), []).append(r)
    way_of = dict(zip((kind[len(kind) // 2] for kind in kinds.values()), itertools.cycle((SYNCED, NAMES, DICE, ZEROS))))
    return lambda r, what: [way_of[r]] if r in way_of else []


class Power(PowerCase):
    def test_a_run(self):
        before, records = self.recorded_run()
        for n, (cut, state) in enumerate(self.cuts(before, records, once_for_each(records))):
            looks = (self.look_at_status, self.look_at_report) if n % 4 == 0 else ()
            self.check_cut(cut, state, self.run_words, self.calm, self.results_of, looks)
        self.assertGreaterEqual(self.n_cuts, 20)
        self.tell()

    def test_a_resume(self):
        before, records = self.recorded_resume()
        for cut, state in self.cuts(before, records, once_for_each(records)):
            self.check_cut(cut, state, self.train_words, result_of_run(self.calm_run), result_of_run)
        self.assertGreaterEqual(self.n_cuts, 10)
        self.tell()

    def test_what_has_ended_well_is_on_the_disk(self):
        """Without another command."""
        for name, recorded, results_of in (("run", self.recorded_run, self.results_of), ("resume", self.recorded_resume, result_of_run),
                                           ("measure", self.recorded_measure, result_of_run)):
            with self.subTest(command=name):
                before, records = recorded()
                lay(self.replay(before, records).after(SYNCED), self.at(f"{name}-cut"))
                self.assertSameResults(results_of(self.at(f"{name}-cut")), results_of(self.at(name)))

    def test_a_disk_forgets_what_was_not_synced(self):
        """Of the model itself: a rename may come before its bytes, and what was synced stays."""
        os.mkdir(self.at("disk"))
        root = self.at("disk")
        disk = Disk(root)
        path, temporary = os.path.join(root, "a"), os.path.join(root, "a.tmp-1")
        for words, data in ((("create", temporary), b""), (("write", temporary, "0"), b"x" * 5000), (("rename", temporary, path), b"")):
            disk.do(*words, data=data)
        self.assertEqual(disk.after(SYNCED), {"": None})
        self.assertEqual(disk.after(NAMES), {"": None, "a": b""})
        self.assertEqual(disk.after(ZEROS), {"": None, "a": bytes(5000)})
        found = {tuple(sorted(name for name in disk.after(DICE, seed) if name)) for seed in range(50)}
        self.assertEqual(found, {(), ("a",), ("a.tmp-1",)})
        disk.do("sync", path)
        self.assertEqual(disk.after(SYNCED), {"": None})
        self.assertEqual(disk.after(NAMES), {"": None, "a": b"x" * 5000})
        disk.do("sync", root)
        for way in SYNCED, NAMES, ZEROS, DICE, ALL:
            self.assertEqual(disk.after(way), {"": None, "a": b"x" * 5000})


if __name__ == "__main__":
    unittest.main()
