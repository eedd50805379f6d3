"""What is printed fits a terminal of 80 columns, of 60 and of 40; in a pipe each row stays whole. Without this, a narrow
terminal would break words in the middle and tables into pieces."""
import array
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from harness import REFFRAME, TINY, Case, run_folders

VERBS = ("run", "check", "list", "init", "status", "clean", "compare", "show", "report", "serve", "measure", "train", "bench")
WIDTHS = 80, 60, 40


def words_of(text):
    """Without what varies: numbers, rules, and the commas of a list whose columns stand below each other elsewhere."""
    return sorted({word.strip(",") for word in text.split() if not re.search(r"\d|─", word)})


class Widths(Case):
    def on_a_terminal(self, width, *words):
        """The lines that `refframe WORDS` prints on a terminal so wide."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        process = subprocess.Popen([REFFRAME, *words], cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs,
                                   env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux tells the end
                break
            if not piece:
                break
            pieces.append(piece)
        os.close(ours)
        self.assertEqual(process.wait(timeout=60), 0, words)
        return b"".join(pieces).decode().replace("\r\n", "\n").split("\n")

    def assert_fits(self, *words, without=()):
        """At each width no line is longer, but for a word that is. The words are those that come out of a pipe, but for
        `without`, headings that a narrow layout does not have."""
        piped = self.refframe(*words).stdout
        for width in WIDTHS:
            lines = self.on_a_terminal(width, *words)
            long = [line for line in lines if len(line) > width and " " in line.strip()]
            self.assertEqual(long, [], (width, words))
            self.assertEqual(words_of(" ".join([*lines, *without])), words_of(" ".join([piped, *without])), (width, words))

    def test_help(self):
        self.assert_fits("--help")
        self.assert_fits("--version")
        for verb in VERBS:
            self.assert_fits(verb, "--help")
            paragraphs = [line for line in self.refframe(verb, "--help").stdout.split("\n\n")[1].split("\n")]
            self.assertLessEqual(max(map(len, paragraphs)), 100, verb)

    def test_list(self):
        self.assert_fits("list")
        for kind in ("metrics", "settings", "position"):
            self.assert_fits("list", kind)

    def test_an_experiment(self):
        self.write("tiny.yaml", TINY)
        self.assert_fits("check", "tiny.yaml")
        self.assert_fits("check", "tiny.yaml", "--set", "model.position.kind=rope", "--set", "seeds=1")
        self.refframe("run", "tiny.yaml")
        self.assert_fits("status", "results/tiny")
        self.assert_fits("status", "results/tiny", "--verify")
        run = sorted(run_folders(self.at("results", "tiny")))[0]
        self.assert_fits("show", f"results/tiny/{run}")
        self.assert_fits("show", f"results/tiny/{run}", "--step", "0")
        self.assert_fits("report", "results/tiny", without=["arm"])
        self.assert_fits("measure", f"results/tiny/{run}")
        self.assert_fits("clean", "results/tiny")

    def test_maps(self):
        """Three layers of four heads: tables of heads and of layers."""
        T, n = 40, 2 * 3 * 4
        rows = [[(0.5 if j == 0 else 0.5 / i) if j <= i and i else float(j == i) for j in range(T)] for i in range(T)]
        data = array.array("f", sum(rows, []) * n).tobytes()
        shape = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4, {T}, {T}), }}".ljust(117) + "\n"
        self.write("maps.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + shape.encode() + data)
        self.assert_fits("measure", "maps.npy")


if __name__ == "__main__":
    unittest.main()
