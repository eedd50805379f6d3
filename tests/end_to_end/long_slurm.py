"""Without these, what runs on a cluster would rest on stand-ins alone: here a real Slurm of one node takes the jobs, gives a run's place
away and puts it back into the queue, and loses the node.

The cluster is of Debian's packages slurm-wlm and munge, started as root, without systemd, in a scratch folder."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from harness import MODEL, Case, read, results, run_folders

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo")
CONF = """\
ClusterName=refframe
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={first}
SlurmdPort={second}
ReturnToService=1
MpiDefault=none
KillWait=30
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1500 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
SWEEP = """\
seeds: 2
sweep:
  model.position.kind: [rope, none]
""" + MODEL.replace("steps: 12", "steps: 1500").replace("every: 5", "every: 100").replace("every: 3", "every: 20")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@unittest.skipUnless(os.geteuid() == 0, "a cluster of its own wants root")
@unittest.skipUnless(all(shutil.which(name) for name in PROGRAMS), "Slurm and munge are not installed")
class Cluster(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = tempfile.mkdtemp(prefix="refframe-slurm-")
        cls.addClassCleanup(shutil.rmtree, cls.cluster, ignore_errors=True)
        host = socket.gethostname().split(".")[0]
        os.mkdir(os.path.join(cls.cluster, "state"))
        os.mkdir(os.path.join(cls.cluster, "spool"))
        conf = os.path.join(cls.cluster, "slurm.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(CONF.format(host=host, folder=cls.cluster, first=free_port(), second=free_port()))
        cls.host, cls.env = host, {**os.environ, "SLURM_CONF": conf}
        try:
            cls.start_munge()
            for name in ("slurmctld", "slurmd"):
                subprocess.run([name, "-f", conf], env=cls.env, check=True, stdout=subprocess.DEVNULL)
                cls.addClassCleanup(cls.stop, name)
            cls.wait(lambda: "idle" in cls.slurm("sinfo", "--noheader", "--format=%T"), 60, "its node does not become idle")
        except (OSError, LookupError, subprocess.CalledProcessError, AssertionError) as problem:
            cls.problem = f"no cluster starts here: {problem}"

    @classmethod
    def start_munge(cls):
        """Unless one is running. Its folder must belong to the user munge."""
        if subprocess.run("munge -n | unmunge", shell=True, capture_output=True).returncode == 0:
            return
        os.makedirs("/run/munge", exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        subprocess.run(["runuser", "-u", "munge", "--", shutil.which("munged")], check=True)
        cls.addClassCleanup(subprocess.run, ["runuser", "-u", "munge", "--", shutil.which("munged"), "--stop"], capture_output=True)

    @classmethod
    def stop(cls, name):
        """And what it has started."""
        path = os.path.join(cls.cluster, f"{name}.pid")
        if os.path.exists(path):
            pid = int(read(path))
            os.kill(pid, 15)
            cls.wait(lambda: not os.path.exists(f"/proc/{pid}"), 60, f"{name} does not end")

    @classmethod
    def slurm(cls, *words):
        return subprocess.run(words, env=cls.env, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    @staticmethod
    def wait(is_so, seconds, what):
        until = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > until:
                raise AssertionError(what)
            time.sleep(0.2)

    problem = ""  # why there is no cluster

    def setUp(self):
        if self.problem:
            self.skipTest(self.problem)
        super().setUp()
        self.write("sweep.yaml", SWEEP)
        self.refframe("run", "sweep.yaml", "--results", "calm")

    def submit(self, *more):
        return self.refframe("run", "sweep.yaml", "--launcher", "slurm", "--threads", 1, *more, env=self.env).stdout

    def wait_for_queue(self):
        self.wait(lambda: not self.slurm("squeue", "--noheader"), 300, "the queue does not empty")

    def wait_for_checkpoint(self):
        """The folder of a run that is on its way: with one, and not at its end."""
        def begun():
            for folder in run_folders(self.at("results", "sweep")).values():
                checkpoints = os.path.join(folder, "checkpoints")
                if os.path.isdir(checkpoints) and os.listdir(checkpoints) and b'"running"' in read(os.path.join(folder, "manifest.json")):
                    self.begun = folder
                    return True
            return False
        self.wait(begun, 120, "no run has begun")

    def check_end(self):
        self.wait_for_queue()
        self.assertSameResults(results(self.at("results", "sweep")), results(self.at("calm", "sweep")))
        self.refframe("status", "results/sweep", "--verify")

    def test_a_sweep(self):
        self.assertIn("4 tasks for 4 runs", self.submit("--jobs", 2))
        self.assertIn("submitted to Slurm: squeue --jobs ", self.refframe("status", "results/sweep").stdout)
        error = self.refframe("run", "sweep.yaml", "--launcher", "slurm", code=2, env=self.env).stderr
        self.assertIn("are still in the queue", error)
        self.check_end()
        self.assertIn("all 4 runs have finished: nothing to submit", self.submit())

    def test_a_place_that_is_given_to_another(self):
        """SIGTERM, and back into the queue: what was trained is not trained again."""
        (array,) = [line.split()[3].rstrip(",") for line in self.submit().splitlines() if line.startswith("submitted: job array")]
        self.wait_for_checkpoint()
        running = self.slurm("squeue", "--noheader", "--states=RUNNING", "--format=%A", "--jobs", array).split()
        for job in running:
            self.slurm("scontrol", "requeue", job)
        self.check_end()
        self.assertGreaterEqual(json.loads(read(os.path.join(self.begun, "manifest.json")))["n_resumes"], 1)

    def test_a_node_that_is_lost(self):
        self.submit()
        self.wait_for_checkpoint()
        self.slurm("scontrol", "update", f"NodeName={self.host}", "State=DOWN", "Reason=lost")
        self.wait(lambda: not self.slurm("squeue", "--noheader", "--states=RUNNING,COMPLETING"), 120, "jobs of the lost node go on")
        self.wait_for_locks("results")
        self.slurm("scontrol", "update", f"NodeName={self.host}", "State=RESUME")
        self.check_end()

    def test_tasks_that_were_killed_are_submitted_again(self):
        (array,) = [line.split()[3].rstrip(",") for line in self.submit().splitlines() if line.startswith("submitted: job array")]
        self.wait_for_checkpoint()
        self.slurm("scancel", "--signal=KILL", "--full", array)
        self.slurm("scancel", array)
        self.wait_for_queue()
        self.wait_for_locks("results")
        self.assertRegex(self.submit(), r"[1-4] tasks? for 4 runs")
        self.check_end()


if __name__ == "__main__":
    unittest.main()
