"""Without this, a result could come to depend on a function of the C library that the record of the machine never tries."""
import os
import re
import unittest

SRC = os.path.join(os.environ["TESTS_DIR"], os.pardir, "src")

# Everything of math.h that the standard leaves inexact. sqrt, fma, floor, frexp and their like have one right answer.
INEXACT = ("acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp10 exp2 expm1 hypot lgamma log log10 log1p log2 "
           "pow sin sincos sinh tan tanh tgamma").split()

# Loops that tests compare kernels with; the check at start compares them within a tolerance.
NO_RESULT = ("num/reference.c",)


def calls():
    for path, _, names in os.walk(SRC):
        for name in names:
            place = os.path.relpath(os.path.join(path, name), SRC)
            if name.endswith((".c", ".h")) and not place.endswith(NO_RESULT):
                with open(os.path.join(SRC, place), encoding="utf-8") as file:
                    code = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"", " ", file.read(), flags=re.S)
                for function in re.findall(rf"(?<![\w.>])({'|'.join(INEXACT)})[fl]?\s*\(", code):
                    yield place, function


class Libm(unittest.TestCase):
    def test_every_function_is_tried(self):
        with open(os.path.join(SRC, "store", "machine.c"), encoding="utf-8") as file:
            tried = set(re.findall(r'\{"(\w+)", \w+, ', file.read()))
        used = set(calls())
        self.assertEqual(sorted((place, function) for place, function in used if function not in tried), [],
                         "add it to functions[] of store/machine.c")
        self.assertEqual(tried - {function for _, function in used}, set(), "nothing uses it any more")


if __name__ == "__main__":
    unittest.main()
