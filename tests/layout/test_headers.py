"""Without this, a header could lean on what its includer happens to have included before."""
import os
import re
import shlex
import subprocess
import unittest

SRC = os.path.join(os.environ["TESTS_DIR"], os.pardir, "src")


def headers():
    for path, _, names in os.walk(SRC):
        for name in sorted(names):
            if name.endswith(".h"):
                yield os.path.relpath(os.path.join(path, name), SRC)


class Headers(unittest.TestCase):
    def test_each_header_compiles_alone_and_twice(self):
        compiler = shlex.split(os.environ.get("CC", "cc"))
        flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", SRC, "-x", "c", "-"]
        for name in headers():
            with self.subTest(header=name):
                source = f'#include "{name}"\n#include "{name}"\ntypedef int not_empty;\n'
                made = subprocess.run(compiler + flags, input=source, text=True, capture_output=True, check=False)
                self.assertEqual(made.returncode, 0, made.stderr)

    def test_each_header_has_a_guard_of_its_own(self):
        owner = {}
        for name in headers():
            with open(os.path.join(SRC, name), encoding="utf-8") as file:
                found = re.search(r"^#ifndef (REFFRAME_\w+_H)\n#define \1\n", file.read(), re.M)
            self.assertTrue(found, f"src/{name} has no guard REFFRAME_..._H")
            self.assertNotIn(found.group(1), owner, f"src/{name} and src/{owner.get(found.group(1))}")
            owner[found.group(1)] = name
