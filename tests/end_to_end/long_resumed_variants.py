"""Without this, one encoding, tokenizer, optimizer or block among many could go on otherwise where its run was killed."""
import os
import shutil
import signal
import unittest

from harness import result_of_run
from variants import VariantsCase

KILLER = os.environ.get("KILLER", "")


@unittest.skipUnless(KILLER, "no preloading here: sanitizers, valgrind and systems without glibc")
class ResumedVariants(VariantsCase):
    def test_every_variant_goes_on_where_it_was_killed(self):
        """Each in another of its later calls: in a step, a snapshot, a checkpoint, whatever it falls on."""
        calm, folders = self.run_all("calm", "--threads", 1)
        for number, (run, path) in enumerate(folders.items()):
            arm = run.split("-")[0]
            with self.subTest(keys=self.arms[arm], killed=True):
                os.mkdir(self.at(arm))
                shutil.copy(os.path.join(path, "run.yaml"), self.at(arm))
                self.refframe("train", arm, "--threads", 2, code=-signal.SIGKILL,
                              env={**os.environ, "LD_PRELOAD": KILLER, "KILL_VERB": "train", "KILL_AT": str(90 + number % 60)})
                self.refframe("train", arm, "--threads", 3)
                self.assertSameResults(result_of_run(self.at(arm)), calm[arm])


if __name__ == "__main__":
    unittest.main()
