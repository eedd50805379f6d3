"""Without this, a verb could work on for minutes after Ctrl-C or a `kill`, and only kill -9 would end it.

SIGINT, SIGTERM and SIGHUP end every verb at once: exit code 130, one line on stderr. What trains writes a checkpoint first
(test_exact).
"""
import os
import signal
import time
import unittest

from harness import SINGLE, Case, run_folders

# Under nohup SIGHUP is ignored, by whatever is started there, too.
SIGNALS = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]


def is_handled(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (number - 1) & 1


class Signals(Case):
    def assert_ends(self, *words):
        """From the moment that a signal is the program's own to handle, it ends the program."""
        for number in SIGNALS:
            process = self.start(*words)
            while process.poll() is None and not is_handled(process.pid, number):
                time.sleep(0.001)
            time.sleep(0.02)  # into the work
            process.send_signal(number)
            started = time.monotonic()
            output, error = process.communicate(timeout=60)
            self.assertEqual((process.returncode, error), (130, "refframe: interrupted\n"), f"{words} {number}\n{output}")
            self.assertLess(time.monotonic() - started, 5)

    def test_reading_a_corpus(self):
        """`check`, `run` before its runs, and `train` before its first step: seconds of learning byte pairs."""
        words = " ".join(f"w{k * k % 9973}x{k}" for k in range(400000))
        self.write("words.txt", "\n\n".join(words[k:k + 1000] for k in range(0, len(words), 1000)))
        self.write("large.yaml", SINGLE + "data: {source: {files: [words.txt]}, tokenizer: {kind: bpe, vocab_size: 4096}}\n")
        self.assert_ends("check", "large.yaml")
        self.assert_ends("run", "large.yaml")
        self.assertFalse(os.path.exists(self.at("results")))

    def test_bench(self):
        self.assert_ends("bench", "--size", "S", "--seconds", 60)

    def test_measuring_and_reporting(self):
        """And the snapshots are what they were."""
        self.write("one.yaml", SINGLE.replace("every: 5", "every: 1\n  weights: true").replace("sequences: 4", "sequences: 64")
                   .replace("context_length: 16", "context_length: 128"))
        self.refframe("run", "one.yaml")
        (run,) = run_folders(self.at("results", "one")).values()
        self.assert_ends("measure", run, "--threads", 1)
        self.assertIn("13 snapshots measured again, 0 changed", self.refframe("measure", run).stdout)
        self.assert_ends("report", self.at("results", "one"))
        self.refframe("report", self.at("results", "one"))


if __name__ == "__main__":
    unittest.main()
