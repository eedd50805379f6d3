"""Without this, an optimizer, a schedule or an objective could go on otherwise where its run was killed: what keeps something from step to
step. Every variant: long_resumed_variants.py."""
import unittest

from variants import KILLER, ResumedCase


@unittest.skipUnless(KILLER, "no preloading here: sanitizers, valgrind and systems without glibc")
class ResumedVariants(ResumedCase):
    kinds = "train.optimizer.kind", "train.schedule.kind", "objective.kind"

    def test_what_trains_goes_on_where_it_was_killed(self):
        self.check_resumed()
        self.assertGreater(len(self.arms), 10)


if __name__ == "__main__":
    unittest.main()
