"""Kills at chosen calls: the program runs with killer.c preloaded, which counts what it does to its folder and ends it by
SIGKILL at one of these calls. What the tests of every kill and of some kills share."""
import collections
import os
import re
import shutil
import signal
import unittest

from harness import SINGLE, Case, read, result_of_run, results, run_folders

KILLER = os.environ.get("KILLER", "")

# A disk of memory, if there is one: thousands of syncs cost nothing there.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# Everything a run can write: a tokenizer that is kept, snapshots between checkpoints, checkpoints that are removed.
YAML = SINGLE.replace("  every: 5\n", "  every: 3\n").replace("checkpoint:\n  every: 3\n", "checkpoint:\n  every: 4\n") + """\
data:
  source: {kind: text}
  tokenizer: {kind: bpe}
"""

# As little as has a snapshot between checkpoints, a checkpoint that is removed, and one behind which a resume begins.
SMALL = """\
seeds: 1
model: {n_layers: 1, n_heads: 1, d_model: 8, context_length: 8}
train: {steps: 4, batch_size: 2, warmup_steps: 2}
measure: {sequences: 2}
snapshot: {every: 4, maps: 1}
checkpoint: {every: 2, keep: 1}
"""

Call = collections.namedtuple("Call", "number what half")


def what_of(line):
    """`write /tmp/x/RUN/snapshots/step-00000003.npz.tmp-77` is the "write snapshots/step.npz"."""
    call, path = line.split(" ", 1)
    name = re.sub(r"\.tmp-[0-9]+$", "", path)
    name = re.sub(r"step-[0-9]+", "step", "/".join(name.split("/")[-2:]))
    parent, _, name = name.rpartition("/")
    return f"{call} {parent}/{name}" if parent in ("snapshots", "checkpoints") else f"{call} {name}"


def kind_of(line):
    """The same, but that an experiment's tables and figures are of one kind."""
    what = what_of(line)
    return what if what.endswith(("train.csv", "timing.csv")) else re.sub(r" \w+\.(csv|svg)$", " table", what)


@unittest.skipUnless(KILLER, "no preloading here: sanitizers, valgrind and systems without glibc")
class KillCase(Case):
    yaml = YAML
    scratch = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.write("one.yaml", self.yaml)
        self.refframe("run", "one.yaml", "--threads", 1, "--results", "calm")
        self.calm = results(self.at("calm", "one"))
        (self.calm_run,) = run_folders(self.at("calm", "one")).values()
        self.n_kills = 0

    def preloaded(self, *words, code=0, at=0, half=False, log=""):
        """The program with the killer behind its verb; dead at call number `at`."""
        more = {"LD_PRELOAD": KILLER, "KILL_VERB": words[0], "KILL_AT": str(at)}
        if half:
            more["KILL_HALF"] = "1"
        if log:
            more["KILL_LOG"] = self.at(log)
        return self.refframe(*words, code=code, env={**os.environ, **more})

    def calls(self, folder, *words):
        """Every call of `refframe WORDS` that can be died at: before it, and in the middle of a write."""
        log = f"{folder}.log"
        self.preloaded(*words, log=log)
        lines = read(self.at(log)).decode().splitlines()
        calls = [Call(i + 1, what_of(line), False) for i, line in enumerate(lines)]
        return calls + [call._replace(half=True) for call in calls if call.what.startswith("write")]

    def kill_at(self, call, *words):
        self.preloaded(*words, code=-signal.SIGKILL, at=call.number, half=call.half)
        self.n_kills += 1

    # ---- one run: `refframe train` ----

    def begun(self, name, earlier=None):
        """A run's folder: as another stands, or with nothing but run.yaml."""
        if earlier:
            shutil.copytree(self.at(earlier), self.at(name))
        else:
            os.mkdir(self.at(name))
            shutil.copy(os.path.join(self.calm_run, "run.yaml"), self.at(name))
        return name

    def train_calls(self, earlier=None):
        folder = self.begun("counted" if not earlier else f"{earlier}-counted", earlier)
        calls = self.calls(folder, "train", folder, "--threads", 2)
        self.assertEqual(result_of_run(self.at(folder)), result_of_run(self.calm_run))
        return calls

    def check_train(self, call, earlier=None, again=None):
        """Killed at `call`, whatever has its name is whole; gone on with, killed `again` or not, all bytes are the same."""
        folder = self.begun(f"{earlier or 'new'}-{call.number}-{call.half}", earlier)
        with self.subTest(call=call, earlier=earlier, again=again):
            self.kill_at(call, "train", folder, "--threads", 2)
            self.assertWhole(self.at(folder))
            if again:
                done = self.preloaded("train", folder, "--threads", 2, at=again, code=None)
                self.n_kills += done.returncode == -signal.SIGKILL
            self.refframe("train", folder, "--threads", 1)
            self.assertSameResults(result_of_run(self.at(folder)), result_of_run(self.calm_run))
            self.assertEqual([name for name in self.everything(folder) if ".tmp-" in name[0]], [])
        shutil.rmtree(self.at(folder))

    # ---- an experiment: `refframe run`, the parent dies and its child with it ----

    def run_words(self, folder):
        return "run", "one.yaml", "--threads", 2, "--results", folder

    def check_run(self, call):
        folder = f"run-{call.number}-{call.half}"
        with self.subTest(call=call):
            self.kill_at(call, *self.run_words(folder))
            self.wait_for_locks()
            self.assertWhole(self.at(folder))
            self.refframe(*self.run_words(folder))
            self.assertSameResults(results(self.at(folder, "one")), self.calm)
        shutil.rmtree(self.at(folder))
