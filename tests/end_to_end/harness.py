"""What the end-to-end tests share: a scratch folder, a tiny experiment, and the program run in it."""
import fcntl
import glob
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
import zipfile

REFFRAME = os.path.abspath(os.environ["REFFRAME"])
os.environ["REFFRAME_CACHE"] = "off"  # a test that wants one says where: never the user's own

MODEL = """\
model:
  n_layers: 1
  n_heads: 2
  d_model: 16
  context_length: 16
train:
  steps: 12
  batch_size: 4
  warmup_steps: 4
measure:
  sequences: 4
snapshot:
  every: 5
  maps: 1
checkpoint:
  every: 3
  keep: 2
"""

SWEEP = """\
claim: a model of one layer trains
seeds: 2
sweep:
  model.position.kind: [rope, none]
"""

TINY = SWEEP + MODEL  # 2 encodings x 2 seeds, 12 steps, characters of the embedded corpus
SINGLE = "seeds: 1\n" + MODEL


def run_folders(results):
    """Every run below results/NAME, by name."""
    return {os.path.basename(os.path.dirname(path)): os.path.dirname(path)
            for path in sorted(glob.glob(os.path.join(results, "*", "run.yaml")))}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def change_manifest(run, **changes):
    """As if the run had written these values, with the manifest's own hash at its end."""
    path = os.path.join(run, "manifest.json")
    manifest = {**json.loads(read(path)), **changes}
    del manifest["sha256"]
    text = json.dumps(manifest, indent=2)[:-len("\n}")] + ',\n  "sha256": "'
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + hashlib.sha256(text.encode()).hexdigest() + '"\n}\n')


def list_again(run):
    """Its manifest with the hashes of its files as they are now: what a test changed passes for what the run left."""
    names = json.loads(read(os.path.join(run, "manifest.json")))["files"]
    change_manifest(run, files={name: hashlib.sha256(read(os.path.join(run, name))).hexdigest() for name in names})


def result_of_run(folder):
    """What must be the same bytes however a run came about: its files without times."""
    found = {name: read(os.path.join(folder, name)) for name in ("run.yaml", "train.csv", "tokenizer.csv")
             if name != "tokenizer.csv" or os.path.exists(os.path.join(folder, name))}
    for part in ("snapshots", "checkpoints"):
        for name in sorted(os.listdir(os.path.join(folder, part))):
            found[f"{part}/{name}"] = read(os.path.join(folder, part, name))
    return found


def results(folder):
    """The same for all of results/NAME, tables and report included."""
    found = {f"{name}/{part}": value for name, path in run_folders(folder).items()
             for part, value in result_of_run(path).items()}
    for name in ("plan.json", "summary.csv", "runs.csv", "curves.csv", "onset.csv", "tokens.csv", "columns.csv", "verdicts.json",
                 "metrics.json", "report.html"):
        found[name] = read(os.path.join(folder, name))
    return found


def printed(line):
    """An error's line as it is printed: the program's name stands in front of it once."""
    return line if line.startswith("refframe ") else f"refframe: {line}"


class Case(unittest.TestCase):
    maxDiff = 2000
    scratch = None  # where the scratch folder is made; None: where the system has such

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="refframe-test-", dir=self.scratch)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        path = self.at(name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def refframe(self, *words, code=0, **options):
        """Runs `refframe WORDS` in the scratch folder and checks its exit code (None: any); `program`: the words of
        another build, or of what runs it."""
        options.setdefault("timeout", 240)
        program = options.pop("program", None) or [REFFRAME]
        done = subprocess.run([*program, *map(str, words)], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True, **options)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
        self.assertNotIn("refframe: refframe", done.stderr, "no line has the program's name twice")
        return done

    def start(self, *words, program=(REFFRAME,)):
        """Starts `refframe WORDS` in a process group of its own; it is gone when the test ends."""
        process = subprocess.Popen([*program, *map(str, words)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(self.end, process)
        return process

    def kill(self, process):
        """kill -9, and waits until no run below the scratch folder is locked: the system kills what trains as soon as its
        parent is gone, which on a busy machine is a while before it has let go of everything."""
        process.kill()
        process.communicate()
        self.wait_for_locks()

    def wait_for_locks(self, folder=""):
        """Of the runs below a folder; other threads of a test may have folders of their own beside it."""
        for path in glob.glob(self.at(folder, "**", "lock"), recursive=True):
            with open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    def assertSameResults(self, found, expected):
        """Two dicts of bytes, compared name by name so that a difference is named and not printed."""
        self.assertEqual(sorted(found), sorted(expected))
        self.assertEqual([name for name in expected if found[name] != expected[name]], [])

    def assertWhole(self, folder):
        """Whatever stands there under its own name is complete; temporary files may stand beside it."""
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)
                if name.endswith(".npz"):
                    with zipfile.ZipFile(path) as npz:
                        self.assertIsNone(npz.testzip())
                elif name.endswith(".safetensors"):
                    data = read(path)
                    self.assertGreater(len(data), 8 + struct.unpack("<Q", data[:8])[0])
                elif name.endswith(".json"):
                    json.loads(read(path))
                elif name.endswith(".html"):
                    self.assertTrue(read(path).endswith(b"</html>\n"), path)

    def everything(self, *below):
        """All paths below the scratch folder, or below one in it; of files, which no lock makes, sizes and times of change."""
        return sorted((path, *((0, 0) if os.path.isdir(path) else (os.stat(path).st_size, os.stat(path).st_mtime_ns)))
                      for path in glob.glob(self.at(*below, "**"), recursive=True, include_hidden=True))


def children_of(pid):
    """Process ids of the direct children."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = read(path).rsplit(b")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != b"Z":
            found.append(int(path.split("/")[2]))
    return found
