"""Without these, a job array could lack runs, submit again what has finished, or pass a cluster words that it takes otherwise. Here
sbatch and squeue are stand-ins that write down what they were told; long_slurm.py has a real cluster."""
import os
import re
import shlex
import subprocess

import unittest

from harness import REFFRAME, TINY, Case, read, results, run_folders

SBATCH = """#!/bin/sh
[ ! -e sbatch-says-no ] || { echo 'sbatch: error: invalid partition specified: long' >&2; exit 1; }
n=$(ls | grep -c '^job-'); n=$((n + 7))
for word; do printf '%s\\0' "$word"; done > job-$n
echo "$n;cluster"
"""
SQUEUE = """#!/bin/sh
[ "$1 $2" = "--noheader --jobs" ] || exit 9
[ ! -e gone ] || { echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1; }
[ ! -e busy ] || { echo 'slurm_load_jobs error: Socket timed out on send/recv operation' >&2; exit 1; }
[ ! -e queue ] || cat queue
"""


class Slurm(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)
        os.mkdir(self.at("bin"))
        for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE)):
            os.chmod(self.write(f"bin/{name}", text), 0o755)

    def submit(self, *more, code=0, path=None):
        path = path or f"{self.at('bin')}:{os.environ['PATH']}"
        return self.refframe("run", "tiny.yaml", "--launcher", "slurm", *more, code=code, env={**os.environ, "PATH": path})

    def job(self, number):
        return read(self.at(f"job-{number}")).decode().split("\0")[:-1]

    def do_task(self, job, task):
        """What Slurm would do."""
        words = self.job(job)
        command = words[words.index("--wrap") + 1]
        return subprocess.run(["sh", "-c", command], cwd=self.folder, env={**os.environ, "SLURM_ARRAY_TASK_ID": str(task)}, text=True,
                              capture_output=True)

    def test_an_array_and_a_report_behind_it(self):
        done = self.submit("--jobs", 3, "--threads", 2, "--slurm", "--partition=long", "--slurm", "--time=7")
        self.assertIn("submitted: job array 7, 4 tasks for 4 runs, and job 8, which reports when they have ended\n", done.stdout)
        array, report = self.job(7), self.job(8)
        for word in ("--parsable", "--array=1-4%3", "--cpus-per-task=2", "--requeue", "--signal=B:TERM@60", "--open-mode=append",
                     "--job-name=refframe-tiny", "--output=results/tiny/slurm/task-%a.txt", "--partition=long"):
            self.assertIn(word, array)
        self.assertGreater(array.index("--time=7"), [word.startswith("--time=") for word in array].index(True))
        self.assertTrue(any(re.fullmatch(r"--mem=\d+M", word) for word in array))
        self.assertIn("--dependency=afterany:7", report)
        self.assertEqual(shlex.split(report[-1])[2:], ["report", "results/tiny"])
        self.assertEqual(read(self.at("results", "tiny", "slurm", "jobs.txt")), b"7 array\n8 report\n")
        self.assertIn("submitted to Slurm: squeue --jobs 7,8\n0 of 4 runs finished", self.refframe("status", "results/tiny").stdout)
        self.refframe("run", "tiny.yaml", "--results", "whole")
        for task in (1, 2, 3, 4):
            ended = self.do_task(7, task)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(subprocess.run(["sh", "-c", report[-1]], cwd=self.folder, stdout=subprocess.DEVNULL).returncode, 0)
        self.assertSameResults(results(self.at("results", "tiny")), results(self.at("whole", "tiny")))
        self.assertNotIn("Slurm", self.refframe("status", "results/tiny", "--verify").stdout)

    def test_again_submits_what_has_not_finished(self):
        self.submit()
        for task in (1, 3):
            self.assertEqual(self.do_task(7, task).returncode, 0)
        self.assertIn("--array=2,4", self.job(9) if "2 tasks for 4 runs" in self.submit().stdout else [])
        for task in (2, 4):
            self.assertEqual(self.do_task(9, task).returncode, 0)
        self.assertIn("all 4 runs have finished: nothing to submit; refframe report results/tiny\n", self.submit().stdout)
        self.assertFalse(os.path.exists(self.at("job-11")))

    def test_jobs_in_the_queue_are_waited_for(self):
        self.submit()
        self.write("queue", "7_1 long refframe\n")
        error = self.submit(code=2).stderr
        self.assertIn("jobs 7,8 are still in the queue (squeue --jobs 7,8): wait for them, or scancel them", error)
        self.assertFalse(os.path.exists(self.at("job-9")))

    def test_this_machine_says_nothing_of_the_nodes(self):
        """Its memory bounds no tasks at a time, its cores are not a task's."""
        self.submit("--jobs", 900)
        self.assertIn("--array=1-4%900", self.job(7))
        self.assertIn("--cpus-per-task=1", self.job(7))

    def test_a_queue_that_does_not_answer_is_not_empty(self):
        self.submit()
        self.write("busy", "")
        self.assertIn("Socket timed out", self.submit(code=2).stderr)
        self.assertFalse(os.path.exists(self.at("job-9")))
        os.rename(self.at("busy"), self.at("gone"))
        self.assertIn("submitted: job array 9", self.submit().stdout)

    def test_words_that_a_shell_would_take_apart(self):
        """Overrides and folders as they were given."""
        files = "data.source.files=[it's $HOME; `x`.txt]"
        self.write("it's $HOME; `x`.txt", "to be or not to be\n\n" * 400)
        self.submit("--set", files, "--results", "a folder's", "--accept-other-machine")
        words = shlex.split(self.job(7)[-1])
        self.assertEqual(words[:2], ["exec", os.path.realpath(REFFRAME)])
        self.assertEqual(words[2:], ["run", "tiny.yaml", "--set", files, "--results", "a folder's",
                                     "--accept-other-machine", "--jobs", "1", "--threads", "1", "--shard", "$SLURM_ARRAY_TASK_ID/4"])
        self.assertEqual(self.do_task(7, 2).returncode, 0)
        self.assertEqual(len(run_folders(self.at("a folder's", "tiny"))), 1)

    def test_what_sbatch_refuses(self):
        self.write("sbatch-says-no", "")
        error = self.submit("--slurm", "--partition=long", code=2).stderr
        self.assertEqual(error, "refframe: sbatch: error: invalid partition specified: long\n")
        self.assertFalse(os.path.exists(self.at("results", "tiny", "slurm", "jobs.txt")))

    def test_where_there_is_none(self):
        os.mkdir(self.at("nothing"))
        error = self.submit(code=1, path=self.at("nothing")).stderr
        self.assertEqual(error, "refframe: there is no sbatch here: --launcher slurm is for where jobs are submitted from\n")

    def test_words_that_do_not_go_together(self):
        for words, line in ((("--launcher", "pbs"), '--launcher: "pbs" is neither local nor slurm'),
                            (("--launcher", "slurm", "--shard", "1/2"), "--launcher slurm makes the shards")):
            error = self.refframe("run", "tiny.yaml", *words, code=2).stderr
            self.assertIn(line, error)


if __name__ == "__main__":
    unittest.main()
