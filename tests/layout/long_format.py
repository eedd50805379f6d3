"""Without this, the form of .clang-format would be a wish: files drift, and a change to one is half about spaces."""
import glob
import os
import re
import shutil
import subprocess
import unittest

ROOT = os.path.join(os.environ["TESTS_DIR"], os.pardir)
VERSION = 14  # each version has a form of its own; this is Debian 12's


def formatter():
    """clang-format of that version, or None."""
    for program in (f"clang-format-{VERSION}", "clang-format"):
        if shutil.which(program):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if re.search(rf"version {VERSION}\.", said):
                return program
    return None


@unittest.skipUnless(formatter(), f"clang-format {VERSION} is not installed")
class Format(unittest.TestCase):
    def test_every_c_file_has_it(self):
        files = [file for folder in ("src", "tests") for suffix in "ch"
                 for file in glob.glob(os.path.join(ROOT, folder, "**", f"*.{suffix}"), recursive=True)]
        self.assertGreater(len(files), 100)
        done = subprocess.run([formatter(), "--dry-run", *sorted(files)], cwd=ROOT, capture_output=True, text=True, check=True)
        wrong = sorted(set(re.findall(r"^(?:.*/)?((?:src|tests)/\S+?):\d+:\d+: warning", done.stderr, flags=re.M)))
        self.assertEqual(wrong, [], f"run clang-format-{VERSION} -i on them")

    def test_a_file_without_it_is_seen(self):
        done = subprocess.run([formatter(), "--dry-run", "--assume-filename=src/one.c"], input="int  x;\n", cwd=ROOT,
                              capture_output=True, text=True, check=True)
        self.assertIn("warning", done.stderr)


if __name__ == "__main__":
    unittest.main()
