"""Without this, one encoding, score or block among many could go on otherwise where its run was killed."""
import unittest

from variants import KILLER, ResumedCase


@unittest.skipUnless(KILLER, "no preloading here: sanitizers, valgrind and systems without glibc")
class ResumedVariants(ResumedCase):
    def test_every_variant_goes_on_where_it_was_killed(self):
        self.check_resumed()
        self.assertGreater(len(self.arms), 30)


if __name__ == "__main__":
    unittest.main()
