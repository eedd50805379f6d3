"""Without this, the committed page could be another than its sources make."""
import os
import shutil
import subprocess
import sys
import unittest

from harness import Case, read

ROOT = os.path.dirname(os.environ["TESTS_DIR"])
MADE_BY = "3.1.6"


def emscripten():
    """Its version, "" where there is none."""
    if not shutil.which("emcc"):
        return ""
    return subprocess.run(["emcc", "--version"], capture_output=True, text=True, check=False).stdout.split(")", 1)[-1].split()[0]


class Rebuilt(Case):
    @unittest.skipUnless(emscripten() == MADE_BY, f"Emscripten {MADE_BY}, which made the committed page, is not here")
    def test_the_sources_make_the_committed_page(self):
        subprocess.run([sys.executable, os.path.join(ROOT, "src", "web", "make_play.py"), os.path.join(os.environ["BUILD_DIR"], "src"),
                        self.at("play.html")], check=True, capture_output=True)
        self.assertTrue(read(self.at("play.html")) == read(os.path.join(ROOT, "play.html")), "make play, and commit play.html")


if __name__ == "__main__":
    unittest.main()
