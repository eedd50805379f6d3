"""Faults at chosen calls: the program runs with failer.c preloaded, which lets one call fail, once. What the tests of some
faults and of every fault share."""
import collections
import concurrent.futures
import errno
import hashlib
import json
import os
import re
import shutil
import struct
import threading
import unittest

from harness import read, result_of_run, results
from killing import SMALL, KillCase

FAILER = os.environ.get("FAILER", "")

# Ways to fail: an error's name, half of what was asked, or half of it and then the error.
HALF = "half"
WAYS = {
    **dict.fromkeys(("malloc", "calloc", "realloc", "aligned_alloc"), ("ENOMEM",)),
    "open": ("EIO", "EMFILE"), "fopen": ("EMFILE",), "opendir": ("EMFILE",), "mkdir": ("ENOSPC", "EIO"),
    "read": ("EIO", "EINTR", HALF),
    "write": ("ENOSPC", "EINTR", "EIO", HALF, "EDQUOT", f"{HALF} ENOSPC"),
    "rename": ("EIO", "ENOSPC"), "link": ("EIO", "EPERM"), "flock": ("ENOLCK",),
    **dict.fromkeys(("close", "fsync", "ftruncate", "lseek", "unlink", "stat", "fstat", "readdir"), ("EIO",)),
    "pipe2": ("EMFILE",), "fork": ("EAGAIN",), "pthread_create": ("EAGAIN",),
    "poll": ("EINTR", "ENOMEM"), "waitid": ("EINTR",), "waitpid": ("EINTR",),
}
MEMORY = ("malloc", "calloc", "realloc", "aligned_alloc")
SURVIVED = ("EINTR", HALF)  # no failure at all: the program goes on where it was

Fault = collections.namedtuple("Fault", "call number path way")


def must_be_told(fault):
    """Whether a result would not stand on the disk, or not be known to: success would be a lie."""
    name = os.path.basename(fault.path)
    if fault.way in SURVIVED or name.startswith("lease.tmp-"):  # no result: it is made, or not, and looked at again
        return False
    if ".new.tmp-" in name:  # the folder of an export: folders that can't be synced pass
        return fault.call == "rename"
    if ".tmp-" in name:
        return fault.call in ("open", "write", "close", "fsync")
    return fault.call in ("rename", "ftruncate") or (fault.call in ("write", "fsync") and name.endswith(".csv"))


def state_of(folder):
    """What stands there, without what two runs differ in: equal states are gone on from in the same way."""
    state = []
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(root, name)
            data = read(path) if name not in ("log.txt", "timing.csv", "lease") else b""
            if name == "manifest.json":
                manifest = json.loads(data)
                for key in ("started", "ended", "wall_seconds", "measure_seconds", "reason"):
                    manifest.pop(key)
                data = json.dumps(manifest).encode()
            place = re.sub(r"\.tmp-[0-9]+$", ".tmp", os.path.relpath(path, folder))
            state.append((place, hashlib.sha256(data).hexdigest()))
    return tuple(sorted(state))


class Scene:
    """A verb, what stands when it begins (a folder, or nothing), and what must stand when it has ended well."""
    def __init__(self, words, start, expected, results_of):
        self.words, self.start, self.expected, self.results_of = words, start, expected, results_of

    def begin(self, folder):
        if self.start:
            shutil.copytree(self.start, folder)


@unittest.skipUnless(FAILER, "no preloading here: sanitizers, valgrind and systems without glibc")
class FaultCase(KillCase):
    yaml = SMALL

    def setUp(self):
        super().setUp()
        self.counts, self.states = collections.Counter(), set()
        self.n_survived = self.n_unreached = 0
        self.lock = threading.Lock()

    # ---- what is run ----

    def run_scene(self):
        return Scene(lambda folder: ("run", "one.yaml", "--threads", 1, "--jobs", 1, "--results", folder), None, self.calm,
                     lambda folder: results(os.path.join(folder, "one")))

    def train_scene(self):
        return Scene(self.train_words, self.at(self.begun("begun")), result_of_run(self.calm_run), result_of_run)

    def resume_scene(self):
        """The kill lies before the last checkpoint's rename: its snapshot is there already, and goes."""
        last = [call for call in self.train_calls() if call.what == "rename checkpoints/step.safetensors"][-1]
        self.kill_at(last, "train", self.begun("torn"), "--threads", 2)
        return Scene(self.train_words, self.at("torn"), result_of_run(self.calm_run), result_of_run)

    def report_scene(self):
        return Scene(lambda folder: ("report", os.path.join(folder, "one")), self.at("calm"), self.calm,
                     lambda folder: results(os.path.join(folder, "one")))

    def measure_scene(self):
        """The last snapshot is another step's, so that measuring has something to write and to hash."""
        start, snapshots = self.at("wrong"), self.at("wrong", "snapshots")
        shutil.copytree(self.calm_run, start)
        shutil.copy(os.path.join(snapshots, "step-00000002.npz"), os.path.join(snapshots, "step-00000004.npz"))
        return Scene(lambda folder: ("measure", folder), start, result_of_run(self.calm_run), result_of_run)

    def export_scene(self):
        """Over an earlier export, which stays whole until the new one is."""
        start = self.at("exported")
        shutil.copytree(self.calm_run, start)
        self.refframe("export", start, "--to", os.path.join(start, "out"))
        return Scene(lambda folder: ("export", start, "--to", os.path.join(folder, "out")), start, self.export_of(start),
                     self.export_of)

    def page_scene(self):
        """Over a page of other maps, which stays whole until the new one is. Each is one head's, even over a few keys."""
        for name, n_keys in ("earlier", 4), ("maps", 16):
            weights = [1 / min(i + 1, n_keys) if j <= i and j < n_keys else 0 for i in range(16) for j in range(16)]
            header = "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 16), }".ljust(117) + "\n"
            self.write(f"{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.encode() + struct.pack("<256f", *weights))
        start, after = self.at("paged"), self.at("after")
        for folder, name in (start, "earlier"), (after, "maps"):
            os.mkdir(folder)
            self.refframe("measure", self.at(f"{name}.npy"), "--html", os.path.join(folder, "page.html"))
        return Scene(lambda folder: ("measure", self.at("maps.npy"), "--html", os.path.join(folder, "page.html"), "--threads", 1),
                     start, self.page_of(after), self.page_of)

    @staticmethod
    def page_of(folder):
        return {"page.html": read(os.path.join(folder, "page.html"))}

    @staticmethod
    def export_of(folder):
        out = os.path.join(folder, "out")
        return {f"out/{name}": read(os.path.join(out, name)) for name in sorted(os.listdir(out))}

    @staticmethod
    def train_words(folder):
        return "train", folder, "--threads", 1

    # ---- faults ----

    def failing(self, words, **variables):
        env = {**os.environ, "LD_PRELOAD": FAILER, "FAIL_VERB": words[0],
               **{f"FAIL_{name}": str(value) for name, value in variables.items()}}
        return self.refframe(*words, code=None, env=env, timeout=240)

    def possible(self, scene):
        """Every call that can fail, as a fault without a way. Behind a fork, a number is a call of each of the two processes:
        one fault, in which both fail."""
        log = self.at("calls.log")
        folder = self.at("counted-calls")
        scene.begin(folder)
        self.assertEqual(self.failing(scene.words(folder), LOG=log).returncode, 0)
        self.assertSameResults(scene.results_of(folder), scene.expected)
        lines = [line.split(" ", 2) for line in sorted(set(read(log).decode().splitlines()))]
        os.remove(log)
        shutil.rmtree(folder)
        paths = {(call, int(number)): path for call, number, path in lines}
        return [Fault(call, number, path, None) for (call, number), path in paths.items()]

    def inject(self, scene, fault):
        """One fault, and the command once more without: what is wrong, or ""."""
        mark = f"{fault.call}-{fault.number}-{fault.way.replace(' ', '-')}"
        folder, log = self.at(mark), self.at(f"{mark}.log")
        reason = fault.way.removeprefix(HALF).strip()
        how = {"HALF": 1} if fault.way.startswith(HALF) else {}
        if reason:
            how["ERRNO"] = getattr(errno, reason)
        try:
            scene.begin(folder)
            done = self.failing(scene.words(folder), CALL=fault.call, AT=fault.number, LOG=log, **how)
            reached = read(log).decode().splitlines() if os.path.exists(log) else []
            if not reached:  # a parent looks at its children more or less often: so many such calls there were not
                with self.lock:
                    self.n_unreached += 1
                return ""
            with self.lock:
                self.counts[fault.call] += 1
                self.n_survived += done.returncode == 0
            failed = [fault._replace(path=line.split(" ", 2)[2]) for line in reached]
            fault = next(filter(must_be_told, failed), failed[0])
            self.check_end(scene, fault, folder, done)
            self.check_again(scene, folder)
        except Exception as problem:  # pylint: disable=broad-except
            return f"{scene.words('.')[0]} {fault}: {problem}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if os.path.exists(log):
                os.remove(log)
        return ""

    def check_end(self, scene, fault, folder, done):
        """Success and the results, or one line and nothing half-written."""
        lines = done.stderr.splitlines()
        if done.returncode == 0:
            self.assertEqual(lines, [])
            self.assertFalse(must_be_told(fault), "exit code 0")
            self.assertSameResults(scene.results_of(folder), scene.expected)
        else:
            # 2 would call it the user's fault, as it may where a stat fails: whoever opens then finds nothing there.
            self.assertIn(done.returncode, (1, 2) if fault.call == "stat" else (1,), done.stderr)
            self.assertNotIn(fault.way, SURVIVED, done.stderr)
            self.assertTrue(1 <= len(lines) <= 1 + (scene.words(".")[0] == "run"), done.stderr)
            self.assertEqual([line for line in lines if not line.startswith(("refframe: ", f"refframe {scene.words(folder)[0]}: "))], [])
        self.wait_for_locks(folder)
        self.assertWhole(folder)
        if fault.call not in MEMORY and fault.call != "unlink":  # there what has begun to be written stays until the next time
            before = self.temporaries(scene.start) if scene.start else []  # of a kill
            self.assertEqual([path for path in self.temporaries(folder) if path not in before], [])

    def check_again(self, scene, folder):
        """Once for each state that is left."""
        state = state_of(folder)
        with self.lock:
            is_known = state in self.states
            self.states.add(state)
        if not is_known:
            self.refframe(*scene.words(folder))
            self.assertSameResults(scene.results_of(folder), scene.expected)
            self.assertEqual(self.temporaries(folder), [])

    @staticmethod
    def temporaries(folder):
        return [os.path.relpath(os.path.join(root, name), folder)
                for root, _, names in os.walk(folder) for name in names if ".tmp-" in name]

    def check_all(self, scene, faults):
        """As many at a time as there are cores, each in a folder of its own."""
        self.assertEqual(len({fault._replace(path="") for fault in faults}), len(faults))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            problems = [problem for problem in pool.map(lambda fault: self.inject(scene, fault), faults) if problem]
        self.assertEqual(problems, [])
        counts = ", ".join(f"{call} {n}" for call, n in sorted(self.counts.items()))
        print(f"# {sum(self.counts.values())} faults ({counts}); {self.n_survived} times exit code 0 and all results; "
              f"{len(self.states)} states gone on from; {self.n_unreached} not reached")
