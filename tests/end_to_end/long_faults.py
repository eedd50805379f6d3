"""Without these, a single call at which a fault costs a result could hide among thousands that do no harm."""
import os
import unittest

from failing import MEMORY, WAYS, FaultCase

# Of the calls for memory, twelve thousand in training alone, every so many-th fails: with 1, every one.
STRIDE = int(os.environ.get("FAULT_STRIDE", "20"))


class EveryFault(FaultCase):
    """Each call fails in each way that it can."""
    def check_every(self, scene):
        calls = self.possible(scene)
        faults = [call._replace(way=way) for call in calls for way in WAYS[call.call]
                  if call.call not in MEMORY or call.number % STRIDE == 0]
        self.check_all(scene, faults)
        self.assertGreaterEqual(sum(self.counts.values()), 0.98 * len(faults))

    def test_run(self):
        self.check_every(self.run_scene())

    def test_train(self):
        self.check_every(self.train_scene())

    def test_resume(self):
        self.check_every(self.resume_scene())

    def test_report(self):
        self.check_every(self.report_scene())

    def test_measure(self):
        self.check_every(self.measure_scene())

    def test_page(self):
        self.check_every(self.page_scene())

    def test_export(self):
        self.check_every(self.export_scene())


if __name__ == "__main__":
    unittest.main()
