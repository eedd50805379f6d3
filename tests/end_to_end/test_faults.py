"""Without these, a full disk, a failing one, a signal in a call or want of memory could cost a result, or pass one off that is
none. Once for each kind of call here; every single call: long_faults.py."""
import unittest

from failing import MEMORY, WAYS, FaultCase
from killing import kind_of


def some_of_each(calls, n_memory):
    """The middle one of the calls that do the same to the same kind of file, each with the next way to fail; of those for
    memory, a few from the first to the last."""
    kinds, faults = {}, []
    for call in calls:
        kinds.setdefault(kind_of(f"{call.call} {call.path}"), []).append(call)
    for k, kind in enumerate(kinds.values()):
        call = kind[0].call
        if call in MEMORY:
            at = sorted({i * (len(kind) - 1) // (n_memory - 1) for i in range(n_memory)})
            faults += [kind[i]._replace(way=WAYS[call][0]) for i in at]
        else:
            faults.append(kind[len(kind) // 2]._replace(way=WAYS[call][k % len(WAYS[call])]))
    return faults


class Faults(FaultCase):
    def check_some(self, scene, n_memory):
        calls = self.possible(scene)
        faults = some_of_each(calls, n_memory)
        self.check_all(scene, faults)
        self.assertGreaterEqual(sum(self.counts.values()), len(faults) - 4)
        return {kind_of(f"{fault.call} {fault.path}") for fault in faults}

    def test_run(self):
        kinds = self.check_some(self.run_scene(), 4)
        for kind in "fork -", "rename plan.json", "write report.html", "waitid -":
            self.assertIn(kind, kinds)

    def test_train(self):
        kinds = self.check_some(self.train_scene(), 6)
        for kind in "write train.csv", "fsync train.csv", "rename checkpoints/step.safetensors", "close snapshots/step.npz", "flock lock":
            self.assertIn(kind, kinds)

    def test_resume(self):
        kinds = self.check_some(self.resume_scene(), 4)
        for kind in "ftruncate train.csv", "read checkpoints/step.safetensors", "unlink snapshots/step.npz":
            self.assertIn(kind, kinds)

    def test_report(self):
        self.assertIn("read snapshots/step.npz", self.check_some(self.report_scene(), 4))

    def test_measure(self):
        kinds = self.check_some(self.measure_scene(), 4)
        for kind in "rename snapshots/step.npz", "rename manifest.json":
            self.assertIn(kind, kinds)

    def test_page(self):
        kinds = self.check_some(self.page_scene(), 4)
        for kind in "rename page.html", "write page.html", "read maps.npy":
            self.assertIn(kind, kinds)

    def test_export(self):
        kinds = self.check_some(self.export_scene(), 4)
        for kind in "rename out", "write config.json", "read checkpoints/step.safetensors":
            self.assertIn(kind, kinds)


if __name__ == "__main__":
    unittest.main()
