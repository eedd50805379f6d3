"""Without these, hosts that share results/ over a file system whose locks are each host's own could train one run at a time, write
tables of each other's plans, or wait for ever for a host that was lost.

Two "hosts" are two names: by a UTS namespace where one may be made, else by what gethostname says; apart.c lets every flock succeed."""
import glob
import json
import os
import signal
import subprocess
import time
import unittest

from harness import REFFRAME, SINGLE, TINY, Case, children_of, read, result_of_run, results, run_folders
from killing import KILLER, SMALL, KillCase

APART = os.environ.get("APART", "")
HAS_NAMESPACES = subprocess.run(["unshare", "--uts", "hostname", "host-a"], capture_output=True, check=False).returncode == 0
SECONDS = 3  # for which a lease is good here


def on(host, preload=APART, **variables):
    """The words that run the program on a host."""
    words = [f"{name}={value}" for name, value in variables.items()]
    words += [f"LD_PRELOAD={preload}", f"REFFRAME_LEASE_SECONDS={SECONDS}"]
    if HAS_NAMESPACES:
        return ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, "env", *words, REFFRAME]
    return ["env", *words, f"APART_HOST={host}", REFFRAME]


def wait_until(happens, seconds=60):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@unittest.skipUnless(APART, "no preloading here: sanitizers, valgrind and systems without glibc")
class Hosts(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml", "--results", "alone")
        print(f"# hosts are {'UTS namespaces' if HAS_NAMESPACES else 'names'}")

    def both(self, *words):
        """The same command on two hosts at the same time: (exit code, output, error) of each."""
        processes = [self.start(*words, program=on(host)) for host in ("host-a", "host-b")]
        ended = [process.communicate(timeout=240) for process in processes]
        return [(process.returncode, *spoken) for process, spoken in zip(processes, ended)]

    def check_trained_once(self):
        for folder in run_folders(self.at("shared", "tiny")).values():
            log = read(os.path.join(folder, "log.txt")).decode()
            self.assertEqual((log.count(" started at step 0 of 12"), log.count("resumed"), log.count(" finished; ")), (1, 0, 1), log)
            self.assertEqual(json.loads(read(os.path.join(folder, "manifest.json")))["n_resumes"], 0)
        self.assertEqual(glob.glob(self.at("shared", "**", "lease*"), recursive=True), [])

    def test_shards(self):
        processes = [self.start("run", "tiny.yaml", "--shard", f"{i}/2", "--jobs", 1, "--threads", 1, "--results", "shared",
                                program=on(host)) for i, host in ((1, "host-a"), (2, "host-b"))]
        for process in processes:
            _, error = process.communicate(timeout=240)
            self.assertEqual((process.returncode, error), (0, ""))
        self.check_trained_once()
        self.refframe("report", "shared/tiny")
        self.assertSameResults(results(self.at("shared", "tiny")), results(self.at("alone", "tiny")))
        self.refframe("status", "shared/tiny", "--verify")

    def test_the_same_sweep_on_both(self):
        """A run that one has is left to it by the other, which says so."""
        for code, _, error in self.both("run", "tiny.yaml", "--jobs", 2, "--threads", 1, "--results", "shared"):
            self.assertIn(code, (0, 1))
            if code == 1:
                self.assertRegex(error, r"process \d+ on host-[ab]|\d of 4 runs failed")
        self.check_trained_once()
        self.assertIn("4 were there already", self.refframe("run", "tiny.yaml", "--results", "shared").stdout)
        self.assertSameResults(results(self.at("shared", "tiny")), results(self.at("alone", "tiny")))

    def test_reports_of_both(self):
        for _ in range(4):
            self.assertEqual([(code, error) for code, _, error in self.both("report", "alone/tiny")], [(0, "")] * 2)
            self.refframe("status", "alone/tiny", "--verify")

    def test_one_that_was_suspended_writes_nothing_more(self):
        """Its run went on elsewhere meanwhile; it says so and ends."""
        self.write("long.yaml", SINGLE.replace("steps: 12", "steps: 4000").replace("every: 5", "every: 1000")
                   .replace("every: 3", "every: 100"))
        self.refframe("run", "long.yaml", "--threads", 1, "--results", "alone")
        words = "run", "long.yaml", "--threads", 1, "--results", "shared"
        first = self.start(*words, program=on("host-a"))
        wait_until(lambda: glob.glob(self.at("shared", "long", "*", "checkpoints", "*.safetensors")))
        (child,) = children_of(first.pid)
        os.kill(child, signal.SIGSTOP)
        (run,) = run_folders(self.at("shared", "long")).values()
        lease = os.path.join(run, "lease")
        self.assertIn("host host-a\nboot ", read(lease).decode())
        error = self.refframe(*words, program=on("host-b"), code=1).stderr
        self.assertRegex(error, rf"shared/long/.*: process {child} on host-a is training it\n$")
        wait_until(lambda: "interrupted" in self.refframe("status", "shared/long", program=on("host-b")).stdout)
        second = self.start(*words, program=on("host-b"))
        wait_until(lambda: "on host-b\n" in self.refframe("status", "shared/long", program=on("host-c")).stdout)
        os.kill(child, signal.SIGCONT)
        _, error = first.communicate(timeout=60)
        self.assertEqual(first.returncode, 1)
        self.assertRegex(error, r"its lease was taken over by (process \d+ on host-b|another host), as it had not been renewed in time; "
                                "nothing more is written here")
        self.assertEqual(second.communicate(timeout=240)[1], "")
        self.assertEqual(second.returncode, 0)
        (alone,) = run_folders(self.at("alone", "long")).values()
        self.assertSameResults(result_of_run(run), result_of_run(alone))
        self.assertFalse(os.path.exists(lease))
        self.refframe("status", "shared/long", "--verify")


@unittest.skipUnless(APART, "no preloading here: sanitizers, valgrind and systems without glibc")
class LostHosts(KillCase):
    yaml = SMALL

    def setUp(self):
        super().setUp()
        self.at_call = [call for call in self.train_calls() if call.what == "rename checkpoints/step.safetensors"][-1]

    def lose(self, folder):
        """Host A trains, and is killed before its last checkpoint's rename."""
        self.refframe(*self.run_words(folder), program=on("host-a", f"{APART}:{KILLER}", KILL_VERB="train", KILL_AT=self.at_call.number),
                      code=1)
        (run,) = run_folders(self.at(folder, "one")).values()
        self.assertTrue(read(os.path.join(run, "lease")).startswith(b"host host-a\n"))
        return run

    def check_gone_on(self, folder, run):
        self.assertIn("resumed at step 2 of 4", read(os.path.join(run, "log.txt")).decode())
        self.assertSameResults(results(self.at(folder, "one")), self.calm)
        self.assertFalse(os.path.exists(os.path.join(run, "lease")))

    def test_another_host_goes_on_when_the_lease_has_expired(self):
        run = self.lose("lost")
        status = self.refframe("status", "lost/one", program=on("host-b")).stdout
        self.assertRegex(status, r"\n  running +all-s1-\w+ .* by process \d+ on host-a\n")
        before = self.everything("lost")
        refused = self.refframe(*self.run_words("lost"), program=on("host-b"), code=1)
        self.assertRegex(refused.stderr, r"lost/one/all-s1-\w+: process \d+ on host-a is training it\n$")
        self.assertEqual([path for path, _, _ in self.everything("lost")], [path for path, _, _ in before])
        self.assertRegex(self.refframe("status", "lost/one", "--verify", program=on("host-b")).stdout, "in use")
        wait_until(lambda: "interrupted" in self.refframe("status", "lost/one", program=on("host-b")).stdout)
        self.refframe(*self.run_words("lost"), program=on("host-b"))
        self.check_gone_on("lost", run)

    def test_the_same_host_goes_on_at_once(self):
        run = self.lose("lost")
        self.assertRegex(self.refframe("status", "lost/one", program=on("host-a")).stdout, r"\n  interrupted +all-s1-")
        self.assertNotIn("lease", self.refframe("status", "lost/one", "--verify", program=on("host-a"), code=None).stdout)
        self.refframe(*self.run_words("lost"), program=on("host-a"))
        self.check_gone_on("lost", run)


if __name__ == "__main__":
    unittest.main()
