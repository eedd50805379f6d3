"""Without these, a single call at which a kill costs a result could hide among hundreds that do no harm."""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from harness import TINY, Case, children_of, results
from killing import IN_MEMORY, KillCase


class EveryKill(KillCase):
    def test_a_run_killed_at_every_call(self):
        """Each call to the system that changes its folder, each start of parallel work, and the middle of each write; every
        second time the resume is killed too."""
        calls = self.train_calls()
        for call in calls:
            self.check_train(call, again=1 + 7 * call.number % len(calls) if call.number % 2 else None)
        self.assertGreaterEqual(self.n_kills, 200)
        print(f"# {self.n_kills} kills")

    def test_a_resume_killed_at_every_call(self):
        last = [call for call in self.train_calls() if call.what == "rename checkpoints/step.safetensors"][-1]
        self.kill_at(last, "train", self.begun("torn"), "--threads", 2)
        for call in self.train_calls("torn"):
            self.check_train(call, "torn")
        self.assertGreaterEqual(self.n_kills, 60)
        print(f"# {self.n_kills} kills")

    def test_an_experiment_killed_at_every_call_of_its_own(self):
        for call in self.calls("counted-run", *self.run_words("counted-run")):
            self.check_run(call)
        self.assertGreaterEqual(self.n_kills, 40)
        print(f"# {self.n_kills} kills")


class RandomKills(Case):
    """Kills at random instants of sweeps with two runs at a time: RANDOM_KILLS of them, or 200."""
    scratch = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.n_kills = 0
        self.dice = random.Random(2)
        self.write("tiny.yaml", TINY)

    def words(self, folder):
        return "run", "tiny.yaml", "--jobs", 2, "--threads", 1, "--results", folder

    def strike(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
            self.n_kills += 1
        except ProcessLookupError:
            pass

    def kill_some(self, process):
        """The parent, and its children with it; or a child, which its parent tells; or a child and then the parent."""
        whom = self.dice.choice(("parent", "child", "both"))
        children = children_of(process.pid) if whom != "parent" else []
        if children:
            self.strike(self.dice.choice(children))
        if whom == "child":
            process.communicate()
            self.assertIn(process.returncode, (0, 1))
        else:
            self.kill(process)
            self.n_kills += process.returncode == -signal.SIGKILL
        self.wait_for_locks()

    def test_sweeps_killed_at_random_instants(self):
        started = time.monotonic()
        self.refframe(*self.words("calm"))
        seconds = time.monotonic() - started
        calm, n_sweeps = results(self.at("calm", "tiny")), 0
        while self.n_kills < int(os.environ.get("RANDOM_KILLS", "200")):
            name = f"sweep{n_sweeps}"
            n_sweeps += 1
            for life in range(self.dice.randint(1, 8)):
                process, started = self.start(*self.words(name)), time.monotonic()
                try:
                    process.wait(self.dice.uniform(0, seconds))
                except subprocess.TimeoutExpired:
                    self.kill_some(process)
                    continue
                if life == 0:  # a machine that has become quicker
                    seconds = time.monotonic() - started
                break
            self.assertWhole(self.at(name))
            self.refframe(*self.words(name))
            self.assertSameResults(results(self.at(name, "tiny")), calm)
            self.assertEqual([path for path, _, _ in self.everything(name) if ".tmp-" in path], [])
            shutil.rmtree(self.at(name))
        print(f"# {self.n_kills} kills in {n_sweeps} sweeps")


if __name__ == "__main__":
    unittest.main()
