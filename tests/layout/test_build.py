"""Without this, a source file could lie in the tree that no build ever sees."""
import json
import os
import unittest

TESTS = os.environ["TESTS_DIR"]
SRC = os.path.realpath(os.path.join(TESTS, os.pardir, "src"))
BUILD = os.environ["BUILD_DIR"]


def built():
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        return {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(file)}


class Build(unittest.TestCase):
    def test_every_source_is_built(self):
        known = built()
        for top, prefix in ((SRC, ""), (os.path.realpath(TESTS), "test_")):
            missing = []
            for path, _, names in os.walk(top):
                for name in names:
                    full = os.path.join(path, name)
                    if name.endswith(".c") and name.startswith(prefix) and full not in known:
                        missing.append(os.path.relpath(full, top))
            self.assertEqual(missing, [], "not in the lists of meson.build")
