"""Without this, a kernel could join the table with no plain loops beside it, or with no test that calls it."""
import glob
import os
import re
import unittest

ROOT = os.path.dirname(os.environ["TESTS_DIR"])
NOT_COMPUTED = {"spin"}  # has speed and no result


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


class Kernels(unittest.TestCase):
    def setUp(self):
        table = re.search(r"^struct Kernels \{$.*?^\};$", read("src", "num", "kernels.h"), re.M | re.S).group()
        self.kernels = set(re.findall(r"\(\*(\w+)\)\(", table)) - NOT_COMPUTED
        self.assertGreater(len(self.kernels), 20)

    def test_each_has_a_reference(self):
        reference = read("src", "num", "reference.c")
        self.assertEqual([k for k in sorted(self.kernels) if not re.search(rf"\.{k} = {k},", reference)], [])

    def test_each_is_held_to_it(self):
        tests = "".join(read(path) for path in glob.glob(os.path.join(ROOT, "tests", "num", "test_*.c")))
        self.assertEqual([k for k in sorted(self.kernels) if not re.search(rf"->{k}\b", tests)], [])

    def test_each_backward_is_a_derivative(self):
        """By central differences in test_gradients.c."""
        tests = read("tests", "num", "test_gradients.c")
        backward = [k for k in sorted(self.kernels) if k.endswith("_backward")]
        self.assertGreater(len(backward), 5)
        self.assertEqual([k for k in backward if f"->{k}(" not in tests], [])


if __name__ == "__main__":
    unittest.main()
