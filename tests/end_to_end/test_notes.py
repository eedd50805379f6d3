"""Without this, what is allowed and yet hardly meant would be found out from odd results, or never.

A note is a line of `check` and of `run`, and changes nothing else.
"""
import glob
import re
import signal
import time
import unittest

from harness import SINGLE, Case, read, run_folders

TEXT = "data: {source: {kind: text, files: [words.txt]}, tokenizer: {kind: byte}, window: WINDOW, held_out: 0.5}\n"


class Notes(Case):
    def notes(self, *words):
        """Those of `check` and of `run`, which are the same."""
        checked = [line.split(maxsplit=1)[1] for line in self.refframe("check", *words).stdout.splitlines()
                   if line.startswith("  note ")]
        run = [line.split(maxsplit=1)[1] for line in self.refframe("run", *words).stdout.splitlines()
               if line.startswith("note: ")]
        self.assertEqual(run, checked)
        return run

    def test_nothing_to_note(self):
        self.write("one.yaml", SINGLE)
        self.assertEqual(self.notes("one.yaml"), [])
        self.assertEqual(self.notes("one.yaml"), [])

    def test_a_peak_that_is_never_reached(self):
        """One line for all arms that have the same."""
        self.write("one.yaml", SINGLE.replace("warmup_steps: 4", "warmup_steps: 48") +
                   "sweep:\n  model.position.kind: [rope, none]\n")
        self.assertEqual(self.notes("one.yaml"), ["train.warmup_steps: 48 are more than the run's 12 steps: the learning "
                                                  "rate ends at 0.25 of train.lr, its peak"])
        self.assertEqual(self.notes("one.yaml", "--set", "train.warmup_steps=12"), [])

    def test_a_text_of_one_window(self):
        lines = "".join(f"line {k} of a text without a blank one\n" for k in range(200))
        self.write("words.txt", lines + "\n" + lines)
        for window, expected in (("document", ["data: the training part has only 1 window of this length (data.window, "
                                               "model.context_length): the sequences of every batch are the same"]),
                                 ("anywhere", [])):
            self.write(f"{window}.yaml", SINGLE + TEXT.replace("WINDOW", window))
            self.assertEqual(self.notes(f"{window}.yaml"), expected)
        self.assertRegex(self.refframe("check", "document.yaml").stdout,
                         r"\n  text      \d+ tokens in 1 document to train on, \d+ in 1 held out\n")

    def test_settings_that_changed_begin_anew(self):
        """The key is named, the old run stays, and a run that is finished is none to go on with."""
        self.write("one.yaml", SINGLE.replace("steps: 12", "steps: 100000"))
        process = self.start("run", "one.yaml", "--results", "r")
        while process.poll() is None and not glob.glob(self.at("r", "one", "*", "checkpoints", "step-*.safetensors")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate()
        (old,) = run_folders(self.at("r", "one"))
        words = ("one.yaml", "--results", "r", "--set", "snapshot.every=6", "--set", "train.steps=12")
        lines = [line for line in self.refframe("check", *words).stdout.splitlines() if line.startswith("  note ")]
        self.assertEqual(len(lines), 2, lines)
        self.assertIn("r/one holds 1 run of another plan", lines[0])
        self.assertRegex(lines[1], rf"{old} ended at step \d+ with another train.steps, and stays as it is: "
                         r"all-s1-[0-9a-f]{12} starts at step 0$")
        settings = self.at("r", "one", old, "run.yaml")
        whole = read(settings)
        self.write(settings, whole.replace(b"seed: 1", b"seed: 3", 1))
        self.assertRegex(self.refframe("check", *words).stdout, rf"{old} ended at step \d+ with settings that cannot be read \(.*run.yaml: ")
        self.write(settings, whole)

    def test_another_plan_of_the_same_name(self):
        self.write("a.yaml", "name: same\n" + SINGLE)
        self.write("b.yaml", "name: same\n" + SINGLE.replace("n_heads: 2", "n_heads: 1"))
        self.refframe("run", "a.yaml", "--results", "r")
        before = read(self.at("r", "same", "plan.json"))
        note = ("r/same holds 1 run of another plan: they stay, but its tables and report.html become this plan's; "
                "--results DIR keeps both")
        self.assertIn(note, self.refframe("check", "b.yaml", "--results", "r").stdout)
        self.assertEqual(read(self.at("r", "same", "plan.json")), before)
        output = self.refframe("run", "b.yaml", "--results", "r").stdout
        self.assertEqual(re.findall(r"^note: (.*)", output, re.M), [note])
        # more seeds are not another plan
        self.refframe("run", "a.yaml", "--results", "s")
        self.write("a.yaml", "name: same\n" + SINGLE.replace("seeds: 1", "seeds: 2"))
        self.assertNotIn("note", self.refframe("run", "a.yaml", "--results", "s").stdout)


if __name__ == "__main__":
    unittest.main()
