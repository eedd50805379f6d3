"""Without these, one encoding, tokenizer or block among many could give other bits with other threads, or when it is
measured."""
import collections
import re
import unittest

from variants import VariantsCase


class Variants(VariantsCase):
    def test_every_variant_has_the_same_bits(self):
        self.assertGreater(len(self.arms), 30)
        calm, _ = self.run_all("t1", "--threads", 1)
        self.assertEqual(sorted(calm), sorted(self.arms))
        self.assertGreater(len({found["train.csv"] for found in calm.values()}), len(calm) * 2 // 3)  # they do differ
        found, _ = self.run_all("t8", "--threads", 8)  # a thread a lane; other numbers in test_exact
        for arm, keys in self.arms.items():
            with self.subTest(threads=8, keys=keys):
                self.assertSameResults(found[arm], calm[arm])
        found, _ = self.run_all("off", "--threads", 2, "--set", "measure.enabled=false")
        for arm, keys in self.arms.items():
            with self.subTest(keys=keys, measuring="off"):
                for name in ("train.csv", "checkpoints/step-00000004.safetensors", "checkpoints/step-00000006.safetensors"):
                    self.assertEqual(found[arm][name] == calm[arm][name], True, name)
                self.assertFalse([name for name in found[arm] if name.startswith("snapshots/")])

    def test_the_list_is_read_right(self):
        """Or else the test above would hold of nothing."""
        seen = collections.Counter(key for keys in self.arms.values() for key in keys)
        for key in ("model.position.kind", "model.mask.kind", "objective.kind", "data.tokenizer.kind", "train.optimizer.kind",
                    "train.schedule.kind", "model.position.table", "model.norm_placement", "model.qk_norm", "data.bos"):
            self.assertIn(key, seen)
        kinds = {keys.get("model.position.kind") for keys in self.arms.values()}
        text = self.refframe("list", "position").stdout
        self.assertEqual(kinds - {None}, set(re.findall(r"(?m)^  (\w+) ", text)))


if __name__ == "__main__":
    unittest.main()
