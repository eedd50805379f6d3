"""Without these, a results folder that lost or changed something would be reported as if it had not.

What a finished run left is listed with hashes in its manifest. Whoever reads it says what is gone or another, in one
line and by the exit code, after the rest is reported; and text of an experiment is shown, never obeyed.
"""
import csv
import glob
import os
import pty
import re
import shutil
import unittest
import xml.dom.minidom

from harness import MODEL, TINY, Case, read, run_folders

HOSTILE = """\
name: hostile
title: "T\\e]0;title\\a<script>alert(1)</script>"
claim: "C\\e[2J\\u202e</script><img src=x onerror=alert(2)>\\nrefframe: a line of its own"
source: "S\\e[5m'\\";--"
seeds: 1
sweep:
  ends: {"=cmd|' /C calc'!A0": {data.bos: always}, "b\\e[31m,\\"q\\"\\nnl": {data.bos: never}}
expect:
- text: "E\\e[7m<b>x</b>\\r\\nrefframe: all fine"
  that: "frame() != centralized"
  source: "@SUM(1)"
""" + MODEL


class Lost(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", TINY)
        self.refframe("run", "sweep.yaml", "--jobs", 1)
        self.name, self.of_run = sorted(run_folders(self.at("results", "sweep")).items())[0]
        self.last = os.path.join(self.of_run, "snapshots", "step-00000012.npz")
        self.summary = read(self.at("results", "sweep", "summary.csv"))

    def assert_said(self, reason):
        """By report and by run: named beside the others, exit code 1, and how to have it again."""
        for words in (["report", "results/sweep"], ["run", "sweep.yaml"]):
            done = self.refframe(*words, code=1)
            self.assertIn("Without results", done.stdout)
            self.assertIn(f" {self.name}: {reason}", " ".join(done.stdout.split()))
            if words[0] == "run" and done.stderr.count("\n") == 2:  # seen before anything is trained, as it is listed
                self.assertRegex(done.stderr, f"^refframe: {re.escape(self.name)} failed: it was finished, but snapshots/step-[0-9]+.npz is "
                                 f"(gone|not what was written); remove results/sweep/{re.escape(self.name)}, and the same command "
                                 "trains it anew\nrefframe: 1 of 4 runs failed\n$")
                continue
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertRegex(done.stderr, r"^refframe: results/sweep: 1 of 4 runs cannot be read and is not in the tables: "
                             + re.escape(f"{self.name}: {reason}") + r".*`refframe run` trains a run anew, to the same bytes")
        with open(self.at("results", "sweep", "summary.csv"), newline="", encoding="utf-8") as file:
            self.assertEqual(sorted(row["finished"] for row in csv.DictReader(file)), ["1", "2"])

    def assert_mended(self):
        """What the line says to do leads back to the same tables."""
        shutil.rmtree(self.of_run)
        self.refframe("run", "sweep.yaml", "--jobs", 1)
        self.assertEqual(read(self.at("results", "sweep", "summary.csv")), self.summary)
        self.refframe("status", "results/sweep")

    def test_snapshots_that_are_gone(self):
        for path in sorted(glob.glob(os.path.join(self.of_run, "snapshots", "step-*.npz")))[-2:]:
            os.remove(path)
        self.assert_said("snapshots/step-00000010.npz: is gone and others are, too, though manifest.json lists them")
        done = self.refframe("status", "results/sweep", code=1)
        self.assertRegex(done.stdout, f"finished +{re.escape(self.name)} .*; 2 of the [0-9]+ files that manifest.json lists "
                         "are gone: snapshots/step-00000010.npz, ...")
        self.assertEqual(done.stderr, "refframe: results/sweep: 1 of 4 finished runs lack files that they left\n")
        self.assert_mended()

    def test_a_snapshot_that_was_cut(self):
        os.truncate(self.last, 200)
        self.assert_said("snapshots/step-00000012.npz: not an NPZ file, or its end is missing")
        self.assert_mended()

    def test_every_kind_of_change(self):
        """A bit anywhere, another run's file, and one more."""
        other = os.path.join(sorted(run_folders(self.at("results", "sweep")).values())[1], "snapshots", "step-00000012.npz")
        whole = read(self.last)
        for at in range(8, len(whole), len(whole) // 16):
            self.write(self.last, whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
            done = self.refframe("report", "results/sweep", code=1)
            self.assertIn("snapshots/step-00000012.npz: ", done.stderr)
        shutil.copy(other, self.last)
        self.assert_said("snapshots/step-00000012.npz: is not the file that manifest.json lists (SHA-256 ")
        self.refframe("show", self.of_run, code=2)
        self.write(self.last, whole)
        shutil.copy(other, self.last.replace("step-00000012", "step-00000011"))
        self.assert_said("snapshots/step-00000011.npz: is none of the files that manifest.json lists")

    def test_a_plan_with_a_flipped_bit(self):
        """Refused by its hash; without one, refused or a text that reads differently: never a crash, or an arm that is not."""
        path, sums = self.at("results", "sweep", "plan.json"), self.at("results", "sweep", "SHA256SUMS")
        whole = read(path)
        codes = set()
        for at in range(0, len(whole), 29):
            self.write(path, whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1:])
            if at == 0:
                self.assertIn("plan.json: is not what SHA256SUMS lists", self.refframe("report", "results/sweep", code=2).stderr)
            if os.path.exists(sums):  # a report that comes through writes it again
                os.remove(sums)
            done = self.refframe("report", "results/sweep", code=None)
            codes.add(done.returncode)
            self.assertIn(done.returncode, (0, 1, 2), (at, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1 if done.returncode else 0, (at, done.stderr))
        self.assertIn(2, codes)


class Hostile(Case):
    def test_text_is_shown_and_never_obeyed(self):
        self.write("hostile.yaml", HOSTILE)
        shown = [self.refframe("check", "hostile.yaml").stdout, self.refframe("run", "hostile.yaml", "--jobs", 1).stdout,
                 self.refframe("report", "results/hostile").stdout, self.refframe("status", "results/hostile").stdout]
        for text in shown:
            self.assertEqual(re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), [])
            self.assertEqual([line for line in text.splitlines() if line.startswith("refframe:")], [])
        self.assertIn("C\\x1b[2J\\u202e</script>", shown[0])
        self.assertIn("E\\x1b[7m<b>x</b> refframe: all fine", shown[2])
        folder = self.at("results", "hostile")
        for name in ("labels.svg", "early.svg"):
            xml.dom.minidom.parse(os.path.join(folder, name))
        for path in glob.glob(os.path.join(folder, "*.csv")):
            with open(path, newline="", encoding="utf-8") as file:
                for row in csv.reader(file):
                    for cell in row:
                        self.assertFalse(cell[:1] in "=@+" and len(cell) > 1 and not is_number(cell), (path, cell))
        with open(os.path.join(folder, "summary.csv"), newline="", encoding="utf-8") as file:
            self.assertIn("'=cmd|' /C calc'!A0", [row["ends"] for row in csv.DictReader(file)])
        page = read(os.path.join(folder, "report.html")).decode()
        self.assertEqual(page.count("alert("), page.count("alert(1)") + page.count("alert(2)"))
        self.assertNotIn("<script>alert", page)
        self.assertNotIn("<img src=x", page)

    def test_colour_is_the_programs_alone(self):
        """In a terminal, too: no sequence but those that set a colour, and back."""
        self.write("hostile.yaml", HOSTILE)
        self.refframe("run", "hostile.yaml", "--jobs", 1)
        master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("NO_COLOR", None)
        self.refframe("report", "results/hostile", stdout=slave, env=environment)
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        os.close(master)
        sequences = set(re.findall(rb"\x1b[^m]{0,8}m?", text))
        self.assertTrue(sequences)
        self.assertEqual(sequences - {b"\x1b[0m", b"\x1b[1m", b"\x1b[2m", b"\x1b[1;31m", b"\x1b[1;32m", b"\x1b[1;33m"}, set())


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
