"""Without this, a bit that flipped on a disk could stay among the results and be believed.

Every kind of file is taken from the folder itself: of one that nobody here knows, the test fails until somebody says who
reads it. One bit of it flips; `status --verify` must name it, and whoever reads it must say so, or make it whole again.
"""
import fcntl
import glob
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import unittest

from harness import REFFRAME, SINGLE, Case, change_manifest, read, result_of_run, results, run_folders

YAML = SINGLE + "data: {tokenizer: {kind: bpe, vocab_size: 300}}\n"

# Who reads each kind of a finished run's files, N being any number: verbs that exit with 1 or 2 and name the file.
READERS = {
    "plan.json": ("report", "status"),
    "metrics.json": ("report",),
    "reference.json": (),
    "SHA256SUMS": (),  # lists: what stands is what is damaged, then
    **dict.fromkeys(("summary.csv", "runs.csv", "curves.csv", "onset.csv", "frames.csv", "changes.csv", "differences.csv", "formed.csv",
                     "geometry.csv", "heads.csv", "tokens.csv", "columns.csv", "verdicts.json", "labels.svg", "early.svg",
                     "report.html"), ()),
    "RUN/run.yaml": ("run", "measure", "train"),
    "RUN/manifest.json": ("report", "show", "measure"),
    "RUN/tokenizer.csv": ("run", "measure"),
    "RUN/train.csv": ("run",),
    "RUN/timing.csv": (),
    "RUN/log.txt": (),
    "RUN/snapshots/baselines.npz": ("run", "report", "show"),
    "RUN/snapshots/step-N.npz": ("run", "report"),
    "RUN/checkpoints/step-N.safetensors": (),
}
EMPTY = {"RUN/lock"}

# Of an unfinished run: True, it goes on from before it, says so and ends with the same bytes; False, it does not go on.
GOES_ON = {
    "run.yaml": False,
    "manifest.json": True,
    "tokenizer.csv": False,
    "train.csv": True,
    "snapshots/baselines.npz": True,
    "snapshots/step-N.npz": True,
    "checkpoints/step-N.safetensors": True,
}
TIMES = {"timing.csv", "log.txt"}  # no results, and hashed when the run has finished


def flips(data, n):
    """Copies with one bit of it another: of n, the first has it in the middle, two at the ends, and the rest between."""
    for k in range(n):
        at = [len(data) // 2, 0, len(data) - 1, len(data) // 3][k]
        yield data[:at] + bytes([data[at] ^ 1 << (5 * k + 1) % 8]) + data[at + 1:]


def kind_of(name):
    return re.sub(r"[0-9]+(?=\.)", "N", name)


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(root, name), folder) for root, _, names in os.walk(folder) for name in names)


class Verify(Case):
    def setUp(self):
        super().setUp()
        self.write("one.yaml", YAML)
        self.refframe("run", "one.yaml")
        self.whole = self.at("results", "one")
        self.refframe("report", self.whole, "--table", "geometry", "--table", "heads")
        (self.run,) = run_folders(self.whole)

    def restore(self):
        shutil.rmtree(self.at("results"))
        shutil.copytree(self.at("kept"), self.at("results"))

    def keep(self):
        shutil.copytree(self.at("results"), self.at("kept"))

    def verify(self, code, folder="results/one"):
        """Its lines below their headings."""
        done = self.refframe("status", folder, "--verify", code=code)
        self.assertEqual(len(done.stderr.splitlines()), 1 if code else 0, done.stderr)
        return done.stdout.splitlines()

    def read_by(self, verb):
        run = os.path.join(self.whole, self.run)
        words = {"run": ("run", "one.yaml"), "report": ("report", self.whole), "status": ("status", self.whole)}.get(verb, (verb, run))
        return self.refframe(*words, code=None)

    def test_all_stands(self):
        lines = self.verify(0)
        n_files = len(files_below(self.whole)) - len(EMPTY)
        self.assertEqual(lines[-1], f"{n_files} files stand as they were written; 0 damaged, 0 lost, 0 foreign; 0 without a hash")
        self.assertEqual(subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=self.whole, check=False,
                                        timeout=60).returncode, 0)
        for name, tail in ((f"{self.run}/run.yaml", 65), (f"{self.run}/manifest.json", 68)):
            text = read(os.path.join(self.whole, name))
            self.assertEqual(text[-tail:][:64].decode(), hashlib.sha256(text[:-tail]).hexdigest(), "as results/README.md says")

    def test_one_bit_of_every_kind_of_file(self):
        names = files_below(self.whole)
        kinds = {kind_of(name.replace(self.run, "RUN")) for name in names}
        self.assertEqual(kinds, READERS.keys() | EMPTY, "say who reads a new kind of file, and let --verify check it")
        self.keep()
        for name in names:
            kind = kind_of(name.replace(self.run, "RUN"))
            path, data = os.path.join(self.whole, name), read(os.path.join(self.whole, name))
            n_flips = 4 if kind in kinds else 1
            kinds.discard(kind)
            for data_now in flips(data, n_flips) if data else ():
                with self.subTest(name):
                    self.write(path, data_now)
                    lines = self.verify(1)
                    shown = name.removeprefix(self.run + "/")
                    found = [line for line in lines if re.match(" +(damaged|lost|foreign) ", line)]
                    if kind != "SHA256SUMS":
                        self.assertEqual([line.split()[:2] for line in found], [["damaged", shown + ":"]], lines)
                    self.assertTrue(found, lines)
                    for verb in READERS.get(kind, ()):
                        done = self.read_by(verb)
                        self.assertIn(done.returncode, (1, 2), (verb, done.stdout, done.stderr))
                        self.assertIn(os.path.basename(name), done.stderr, verb)
                    if read(path) == data_now:
                        self.write(path, data)
                    else:
                        self.restore()

    def test_what_reports_write_again_is_whole(self):
        """Tables and their list; what a report was made of stays damaged, and is not listed as it is now."""
        for name in ("summary.csv", "SHA256SUMS", "reference.json"):
            path = os.path.join(self.whole, name)
            self.write(path, read(path)[:-1] + b"\x00")
            self.verify(1)
            if name == "SHA256SUMS":
                self.assertIn("SHA256SUMS:", self.refframe("report", self.whole, code=2).stderr)
                os.remove(path)
                self.assertIn("note: ", self.refframe("report", self.whole).stdout)
            else:
                self.assertNotIn("note: ", self.refframe("report", self.whole).stdout)
            self.verify(1 if name == "reference.json" else 0)
        self.refframe("run", "one.yaml")
        self.verify(0)

    def test_one_bit_of_an_unfinished_run(self):
        """Killed just before its end, with a checkpoint to go back to."""
        run = os.path.join(self.whole, self.run)
        calm, rows = results(self.whole), read(os.path.join(run, "train.csv")).splitlines(keepends=True)
        files = json.loads(read(os.path.join(run, "manifest.json")))["files"]
        change_manifest(run, status="running", times={}, files={name: value for name, value in files.items() if name[0] in "st"
                                                                and name != "train.csv"},
                        rows={str(step): hashlib.sha256(b"".join(rows[:step + 1])).hexdigest() for step in (9, 12)})
        lines = self.verify(0)
        self.assertIn("      no hash  log.txt, timing.csv", lines)
        kinds = {kind_of(name) for name in files_below(run)}
        self.assertEqual(kinds - {"lock"} - TIMES, GOES_ON.keys())
        self.keep()
        for name in files_below(run):
            path, data = os.path.join(run, name), read(os.path.join(run, name))
            if kind_of(name) not in GOES_ON:
                continue
            n_flips = 3 if kind_of(name) in kinds else 1
            kinds.discard(kind_of(name))
            for data_now in flips(data, n_flips):
                with self.subTest(name):
                    self.write(path, data_now)
                    self.assertIn(["damaged", name + ":"], [line.split()[:2] for line in self.verify(1)])
                    done = self.refframe("run", "one.yaml", code=0 if GOES_ON[kind_of(name)] else None)
                    if GOES_ON[kind_of(name)]:
                        if "step-00000009.saf" not in name:  # which nobody needs, while the newer one stands
                            self.assertIn(os.path.basename(name), done.stdout)
                        else:
                            shutil.copy(os.path.join(self.at("kept", "one", self.run), name), path)
                        self.assertSameResults(results(self.whole), calm)
                    else:
                        self.assertIn(done.returncode, (1, 2))
                        self.assertIn(os.path.basename(name), done.stderr)
                    self.restore()

    def test_lost_and_foreign(self):
        for name in ("summary.csv", f"{self.run}/train.csv", f"{self.run}/snapshots/step-00000005.npz", f"{self.run}/run.yaml"):
            os.remove(os.path.join(self.whole, name))
        for name in ("mine.txt", "geometry.csv.tmp-2147483647", f"{self.run}/snapshots/step-00000003.npz",
                     f"{self.run}/a\x1b[31m\nname", f"geometry.csv.tmp-{os.getpid()}"):
            self.write(os.path.join(self.whole, name), "x")
        os.mkdir(os.path.join(self.whole, "folder"))
        for name in glob.glob(os.path.join(self.whole, self.run, "checkpoints", "*")):
            os.remove(name)  # these may go
        lines = self.verify(1)
        self.assertEqual([line.strip() for line in lines if line.startswith("      ")], [
            "lost     run.yaml", "lost     train.csv", "lost     snapshots/step-00000005.npz", "foreign  a\\x1b[31m\\x0aname",
            "foreign  snapshots/step-00000003.npz", "lost     summary.csv", "foreign  folder",
            "foreign  geometry.csv.tmp-2147483647: left half-written by a process that was ended", "foreign  mine.txt"])
        self.assertIn("; 0 damaged, 4 lost, 5 foreign; 0 without a hash", lines[-1])

    def test_a_run_in_use_is_not_called_damaged(self):
        snapshot = os.path.join(self.whole, self.run, "snapshots", "step-00000005.npz")
        os.truncate(snapshot, 100)
        self.verify(1)
        with open(os.path.join(self.whole, self.run, "lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = self.verify(0)
        self.assertIn("      in use   it is being trained or measured now, and not checked", lines)
        self.assertEqual(lines[-1], "1 folder is in use, and not checked")

    def test_what_earlier_versions_left(self):
        """It is read, and said to carry no hashes; a flipped bit is found where the id or `files` tells."""
        run = os.path.join(self.whole, self.run)
        manifest = json.loads(read(os.path.join(run, "manifest.json")))
        settings = read(os.path.join(run, "run.yaml"))
        del manifest["sha256"], manifest["times"]
        self.write(os.path.join(run, "manifest.json"), json.dumps(manifest, indent=2) + "\n")
        self.write(os.path.join(run, "run.yaml"), b"".join(settings.splitlines(keepends=True)[:-1]))
        os.remove(os.path.join(self.whole, "SHA256SUMS"))
        lines = self.verify(0)
        self.assertIn("      no hash  manifest.json, run.yaml, log.txt, timing.csv", lines)
        self.assertTrue(any(re.match(" +no hash  changes.csv, .*, plan.json, ", line) for line in lines), lines)
        self.assertIn("1 was there already", self.refframe("run", "one.yaml").stdout)
        self.refframe("measure", run)
        self.refframe("show", run)
        os.remove(os.path.join(self.whole, "SHA256SUMS"))
        self.assertIn("note: ", self.refframe("report", self.whole).stdout)
        self.assertNotIn("note: ", self.refframe("report", self.whole).stdout)
        self.verify(0)
        self.write(os.path.join(run, "run.yaml"), settings.replace(b"d_model: 16", b"d_model: 32").rpartition(b"#")[0])
        self.assertIn("damaged  run.yaml: its settings have the id", "\n".join(self.verify(1)))

    def test_runs_of_another_plan(self):
        """Are checked too; a manifest of another run is none of this one's."""
        self.refframe("run", "one.yaml", "--set", "train.lr=0.0125", "--results", "results")
        other, = set(run_folders(self.whole)) - {self.run}
        lines = self.verify(0)
        self.assertEqual(sum(line.startswith("  finished") for line in lines), 2)
        os.truncate(os.path.join(self.whole, self.run, "train.csv"), 30)
        shutil.copy(os.path.join(self.whole, self.run, "manifest.json"), os.path.join(self.whole, other, "manifest.json"))
        lines = "\n".join(self.verify(1))
        self.assertIn("damaged  train.csv: is not what was written", lines)
        self.assertIn(f"damaged  manifest.json: is of the run with id {self.run[-12:]}", lines)

    def test_a_run_without_its_manifest(self):
        os.remove(os.path.join(self.whole, self.run, "manifest.json"))
        lines = self.verify(1)
        self.assertIn("      lost     manifest.json", lines)
        self.assertIn("      no hash  log.txt, timing.csv, tokenizer.csv, train.csv", lines)

    def test_a_manifest_made_anew_claims_nothing(self):
        """What was in it is lost: the time, and on what machine the run was. The loss is there again."""
        path = os.path.join(self.whole, self.run, "manifest.json")
        before = json.loads(read(path))
        self.assertEqual(before["n_other_machines"], 0)
        for text in (read(path).replace(b'"seed": 1', b'"seed": 3'), None):
            with self.subTest(text is None):
                if text:
                    self.write(path, text)
                else:
                    os.remove(path)
                said = self.refframe("run", "one.yaml").stdout
                self.assertRegex(said, "manifest.json" + (": " if text else " is gone"))
                after = json.loads(read(path))
                for key in ("status", "step", "tokens", "targets", "final_loss", "files", "seed"):
                    self.assertEqual(after[key], before[key], key)
                self.assertEqual((after["n_resumes"], after["n_other_machines"]), (1, 1))

    def test_the_list_of_hashes_is_missed(self):
        os.remove(os.path.join(self.whole, "SHA256SUMS"))
        self.assertIn("      lost     SHA256SUMS", self.verify(1))

    def test_a_plan_that_is_none(self):
        self.write(os.path.join(self.whole, "plan.json"), b"{")
        self.assertIn("plan.json", self.refframe("status", self.whole, code=2).stderr)
        lines = "\n".join(self.verify(1))
        self.assertIn("damaged  plan.json", lines)
        self.assertIn(self.run, lines)
        self.refframe("status", self.at("results"), "--verify", code=2)

    def test_large_files_need_no_memory(self):
        """A table of 300 MB in 100 MB of address space."""
        with open(os.path.join(self.whole, "geometry.csv"), "r+b") as file:
            file.truncate(300 << 20)
        done = subprocess.run([REFFRAME, "status", self.whole, "--verify"], stdout=subprocess.PIPE, text=True, check=False, timeout=240,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (100 << 20,) * 2))
        self.assertEqual(done.returncode, 1)
        self.assertIn("damaged  geometry.csv: is not what was written", done.stdout)


if __name__ == "__main__":
    unittest.main()
