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

    def test_guards_are_named_after_the_path(self):
        wrong = []
        for name in headers():
            guard = "REFFRAME_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
            with open(os.path.join(SRC, name), encoding="utf-8") as file:
                if f"#ifndef {guard}\n#define {guard}\n" not in file.read():
                    wrong.append(f"src/{name}: its guard should be {guard}")
        self.assertEqual(wrong, [])
