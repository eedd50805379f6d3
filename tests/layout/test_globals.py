"""Without this, a variable could creep in that makes two runs in one process, or two threads, depend on each other."""
import glob
import os
import re
import subprocess
import unittest

BUILD = os.environ["BUILD_DIR"]

# The count of interrupts, which a signal handler must be able to reach; and where a loaded library's product lies, which is the same
# place for everybody.
ALLOWED = {"base_child.c.o": 4, "num_openblas.c.o": 8}


def instrumented():
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        return re.search(r"-fsanitize|--coverage", file.read()) is not None


def writable_bytes():
    """(object, bytes of .data and .bss) for every object of the program's libraries; const tables lie in .data.rel.ro."""
    for library in sorted(glob.glob(os.path.join(BUILD, "src", "*.a"))):
        listing = subprocess.run(["size", "-A", library], text=True, capture_output=True, check=True).stdout
        for part in listing.split("\n\n"):
            name = re.match(r"\s*(\S+)\s", part)
            if name:
                sizes = re.findall(r"^\.(?:t?data|t?bss)(?:\.(?!rel\.ro)\S+)?\s+(\d+)", part, re.M)
                yield os.path.basename(name.group(1)), sum(map(int, sizes))


class Globals(unittest.TestCase):
    @unittest.skipIf(instrumented(), "sanitizers and coverage add variables of their own")
    def test_no_object_has_variables(self):
        found = dict(writable_bytes())
        self.assertGreater(len(found), 15)
        self.assertEqual({name: size for name, size in found.items() if size > ALLOWED.get(name, 0)}, {})
        self.assertEqual(found["base_child.c.o"], 4)  # it would be seen
