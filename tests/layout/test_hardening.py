"""Without this, the flags of meson.build could be dropped, or a linker's default change, and nobody would see it: the program as
built is placed anywhere, watches its stack and its lengths, and lets no table of addresses be written to."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from test_globals import instrumented

REFFRAME = os.environ["REFFRAME"]


def optimised():
    """Glibc checks lengths only where the compiler is asked to optimise."""
    with open(os.path.join(os.environ["BUILD_DIR"], "compile_commands.json"), encoding="utf-8") as file:
        return "_FORTIFY_SOURCE=2" in file.read()


def elf(what):
    return subprocess.run(["readelf", "--wide", what, REFFRAME], text=True, capture_output=True, check=True).stdout


@unittest.skipUnless(sys.platform.startswith("linux") and shutil.which("readelf"), "no ELF, or no readelf to look into it")
@unittest.skipIf(instrumented(), "sanitizers bring a layout of their own")
class Hardening(unittest.TestCase):
    def test_it_is_placed_anywhere(self):
        self.assertRegex(elf("--file-header"), r"Type: +DYN")
        self.assertRegex(elf("--dynamic"), r"FLAGS_1\).*\bPIE\b")

    def test_no_table_of_addresses_stays_writable(self):
        self.assertIn("GNU_RELRO", elf("--program-headers"))
        self.assertRegex(elf("--dynamic"), r"BIND_NOW|FLAGS_1\).*\bNOW\b")

    def test_no_segment_is_written_to_and_run(self):
        flags = re.findall(r"^ +(\S+) +(?:0x[0-9a-f]+ +){5}([RWE ]{3}) ", elf("--program-headers"), re.M)
        self.assertGreater(len(flags), 8)
        self.assertIn("GNU_STACK", dict(flags))
        self.assertEqual([name for name, may in flags if "W" in may and "E" in may], [])

    def test_the_stack_is_watched(self):
        self.assertIn("__stack_chk_fail", elf("--dyn-syms"))

    @unittest.skipUnless(optimised(), "built without optimisation")
    def test_lengths_are_checked(self):
        names = re.findall(r"\b(__\w+_chk|__\w+_2)\b", elf("--dyn-syms"))
        self.assertIn("__memcpy_chk", names)
        self.assertIn("__vsnprintf_chk", names)
        # A checked twin of a call that the tests' libraries watch would go past them.
        watched = re.compile(r"__p?(read|write|open|poll|send|recv|fread|fgets|readlink)(at|64)*_")
        self.assertEqual([name for name in names if watched.match(name)], [])


if __name__ == "__main__":
    unittest.main()
