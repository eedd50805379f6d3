"""Without these, a single call at which a kill costs a result could hide among hundreds that do no harm."""
import random
import signal
import time
import unittest

from harness import results
from killing import KillCase


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

    def test_killed_at_two_hundred_random_instants(self):
        """Of a whole `refframe run`, three times in each run's life."""
        dice = random.Random(2)
        started = time.monotonic()
        self.refframe(*self.run_words("timed"))
        seconds = time.monotonic() - started
        for attempt in range(200):
            name = f"random{attempt}"
            for _ in range(3):
                process = self.start(*self.run_words(name))
                time.sleep(dice.uniform(0, seconds))
                self.kill(process)
                self.n_kills += process.returncode == -signal.SIGKILL
            self.assertWhole(self.at(name))
            self.refframe(*self.run_words(name))
            self.assertSameResults(results(self.at(name, "one")), self.calm)
            if self.n_kills >= 200:
                break
        self.assertGreaterEqual(self.n_kills, 200)
        print(f"# {self.n_kills} kills")


if __name__ == "__main__":
    unittest.main()
