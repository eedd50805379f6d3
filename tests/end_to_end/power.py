"""Power cuts: what a disk may hold after one, at each instant of a command, and what the program makes of it.

recorder.c writes down what a command does to its files, in order. `Disk` replays that and keeps, beside what processes see, what
was synced: the bytes of a file at its last fsync, the names of a folder at its last fsync. A cut leaves of a file what was synced,
and of the rest nothing, or some pages, or the size without the bytes; and of a folder the names that were synced and any of
the changes since (a rename happens whole or not at all). So a file may well have its new name and none of its bytes."""
import copy
import csv
import hashlib
import json
import os
import random
import shutil
import time
import unittest

from harness import read, result_of_run, results, run_folders
from killing import SMALL, KillCase, what_of

RECORDER = os.environ.get("RECORDER", "")
PAGE = 4096

# What is left of that which was not synced: nothing; every name without its bytes, or with zeros for them; as dice fall; all.
SYNCED, NAMES, ZEROS, DICE, ALL = "synced", "names", "zeros", "dice", "all"


class File:
    def __init__(self, data=b""):
        self.data, self.synced = bytearray(data), bytes(data)

    def sync(self):
        self.synced = bytes(self.data)

    def after(self, way, dice):
        if way in (SYNCED, NAMES):
            return self.synced
        if way == ALL:
            return bytes(self.data)
        size = len(self.data)
        if way == ZEROS:
            return self.synced[:size] + bytes(max(0, size - len(self.synced)))
        least, most = sorted((size, len(self.synced)))
        size = dice.choice((least, most, dice.randint(least, most), max(least, most // PAGE * PAGE)))
        return b"".join(dice.choice((self.data, self.synced))[at:at + PAGE].ljust(PAGE, b"\0") for at in range(0, size, PAGE))[:size]


class Folder:
    def __init__(self):
        self.names, self.synced, self.changes = {}, {}, []

    def change(self, put=None, node=None, drop=None):
        """One change of names: `put` now is node, `drop` is no more."""
        self.apply(self.names, (put, node, drop))
        self.changes.append((put, node, drop))

    @staticmethod
    def apply(names, change):
        put, node, drop = change
        if drop:
            names.pop(drop, None)
        if put:
            names[put] = node

    def sync(self):
        self.synced, self.changes = dict(self.names), []

    def after(self, way, dice):
        if way in (NAMES, ZEROS, ALL):
            return self.names
        names = dict(self.synced)
        in_order = dice.random() < 0.5  # as a journal would have it
        n = dice.randint(0, len(self.changes))
        for c, change in enumerate(self.changes):
            if way == DICE and (c < n if in_order else dice.random() < 0.5):
                self.apply(names, change)
        return names


class Disk:
    """Everything below one folder, which itself, with what stands there at the beginning, is on the disk."""
    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.top = self.load(self.root)

    def load(self, path):
        if not os.path.isdir(path):
            return File(read(path))
        folder = Folder()
        for name in os.listdir(path):
            folder.change(put=name, node=self.load(os.path.join(path, name)))
        folder.sync()
        return folder

    def parent(self, path):
        """(folder, name) of a path."""
        words = os.path.relpath(os.path.normpath(path), self.root).split(os.sep)
        folder = self.top
        for word in words[:-1]:
            folder = folder.names[word]
        return folder, words[-1]

    def node(self, path):
        if os.path.normpath(path) == self.root:
            return self.top
        folder, name = self.parent(path)
        return folder.names.get(name)

    def do(self, call, path, *words, data=b""):
        """One record of recorder.c."""
        folder, name = self.parent(path)
        node = self.node(path)
        if call == "create":
            folder.change(put=name, node=File())
        elif call == "mkdir":
            folder.change(put=name, node=Folder())
        elif call == "unlink":
            folder.change(drop=name)
        elif call in ("rename", "link"):
            target, new_name = self.parent(words[0])
            assert target is folder, "every rename is within its folder"
            folder.change(put=new_name, node=node, drop=name if call == "rename" else None)
        elif call == "write":
            at = int(words[0])
            node.data.extend(bytes(max(0, at - len(node.data))))
            node.data[at:at + len(data)] = data
        elif call == "truncate":
            size = int(words[0])
            node.data = node.data[:size].ljust(size, b"\0")
        else:
            assert call == "sync", call
            node.sync()

    def after(self, way, seed=0):
        """{path: bytes, or None for a folder} as a cut leaves it, or, with ALL, as processes see it."""
        found, dice = {}, random.Random(seed)

        def walk(path, node):
            if isinstance(node, File):
                found[path] = bytes(node.after(way, dice))
                return
            found[path] = None
            for name, below in sorted(node.after(way, dice).items()):
                walk(os.path.join(path, name), below)
        walk("", self.top)
        return found


def lay(state, folder):
    """Writes such a state out; the machine has then taken a while to start again, so that its leases have expired."""
    for path, data in state.items():
        if data is None:
            os.makedirs(os.path.join(folder, path))
        else:
            with open(os.path.join(folder, path), "wb") as file:
                file.write(data)
            os.utime(file.name, times=(time.time() - 3600,) * 2)


def records_of(log):
    """[(words, data)] of recorder.c's log."""
    found, at = [], 0
    while at < len(log):
        end = log.index(b"\n", at)
        words = log[at:end].decode().split("\t")
        at = end + 1
        n = int(words[3]) if words[0] == "write" else 0
        found.append((words[:3], log[at:at + n]))
        at += n
    return found


def csv_rows(data):
    return list(csv.DictReader(data.decode().splitlines()))


@unittest.skipUnless(RECORDER, "no preloading here: sanitizers, valgrind and systems without glibc")
class PowerCase(KillCase):
    yaml = SMALL

    def setUp(self):
        super().setUp()
        self.n_cuts = self.n_looks = self.n_finished = 0
        self.seen = set()

    # ---- what was done ----

    def record(self, folder, *words):
        """Runs a command that works in `folder`, and writes down what it does there: (the disk before, its records)."""
        os.makedirs(self.at(folder), exist_ok=True)
        before, log = Disk(self.at(folder)), self.at("record")
        self.refframe(*words, env={**os.environ, "LD_PRELOAD": RECORDER, "RECORD_LOG": log, "RECORD_BELOW": before.root})
        records = records_of(read(log))
        os.remove(log)
        replayed = self.replay(before, records)
        self.assertSameResults(replayed.after(ALL), Disk(self.at(folder)).after(ALL))  # nothing was missed
        return before, records

    @staticmethod
    def replay(before, records):
        disk = copy.deepcopy(before)
        for words, data in records:
            disk.do(*words, data=data)
        return disk

    def cuts(self, before, records, ways_of):
        """(what was cut, state) for each way that ways_of(record's number, its kind) gives; equal states but once."""
        disk = copy.deepcopy(before)
        for r, (words, data) in enumerate(records):
            disk.do(*words, data=data)
            what = what_of(" ".join(words[:2]))
            for seed, way in enumerate(ways_of(r, what)):
                state = disk.after(way, 100 * r + seed)
                key = hash(tuple(sorted(state.items(), key=lambda item: item[0])))
                if key not in self.seen:
                    self.seen.add(key)
                    yield f"{way} behind {r}: {what}", state

    # ---- what is made of it ----

    def check_cut(self, cut, state, words, expected, results_of, looks=()):
        """`words` in the folder that a cut left end with the same bytes as without one, and no checkpoint that it left is of no
        use; `looks` before believe nothing else."""
        folder = self.at("cut")
        lay(state, folder)
        with self.subTest(cut=cut):
            self.n_cuts += 1
            for look in looks:  # at a copy: a report writes, and so would mend what the next one is to go on from
                lay(state, self.at("look"))
                look(self.at("look"))
                shutil.rmtree(self.at("look"))
            done = self.refframe(*words(folder))
            self.assertNotIn("does not go on", done.stdout)
            self.assertSameResults(results_of(folder), expected)
            self.assertEqual([path for path, _, _ in self.everything(folder) if ".tmp-" in path], [])
        shutil.rmtree(folder)

    def assert_said(self, done):
        """No signal, and one line if there is no success."""
        self.assertIn(done.returncode, (0, 1, 2))
        self.assertEqual(len(done.stderr.splitlines()), done.returncode != 0, done.stderr)

    def look_at_status(self, folder):
        """What is called finished is the calm run's."""
        done = self.refframe("status", os.path.join(folder, "one"), code=None)
        self.assert_said(done)
        self.n_looks += 1
        if "1 of 1 run finished" in done.stdout:
            self.n_finished += 1
            (run,) = run_folders(os.path.join(folder, "one")).values()
            self.assertSameResults(result_of_run(run), result_of_run(self.calm_run))

    def look_at_report(self, folder):
        """A run that is in the tables stands there with the calm run's numbers."""
        done = self.refframe("report", os.path.join(folder, "one"), code=None)
        self.assert_said(done)
        self.n_looks += 1
        summary = os.path.join(folder, "one", "summary.csv")
        if done.returncode == 0 and csv_rows(read(summary))[0]["finished"] != "0":
            self.assertEqual(read(summary), self.calm["summary.csv"])

    def tell(self):
        print(f"# {self.n_cuts} power cuts, no two of which left the same; {self.n_looks} looks before going on; "
              f"{self.n_finished} times finished")

    # ---- commands ----

    def run_words(self, folder):
        return "run", "one.yaml", "--threads", 1, "--jobs", 1, "--results", folder

    @staticmethod
    def results_of(folder):
        return results(os.path.join(folder, "one"))

    def recorded_run(self):
        return self.record("run", *self.run_words("run"))

    def recorded_resume(self):
        """Behind a kill before the last checkpoint's rename."""
        last = [call for call in self.train_calls() if call.what == "rename checkpoints/step.safetensors"][-1]
        self.kill_at(last, "train", self.begun("resume"), "--threads", 2)
        return self.record("resume", *self.train_words("resume"))

    @staticmethod
    def train_words(folder):
        return "train", folder, "--threads", 1

    def recorded_measure(self):
        """The last snapshot is another step's: it is measured, written and hashed anew."""
        snapshots = self.at("measure", "snapshots")
        shutil.copytree(self.calm_run, self.at("measure"))
        shutil.copy(os.path.join(snapshots, "step-00000002.npz"), os.path.join(snapshots, "step-00000004.npz"))
        return self.record("measure", "measure", "measure")

    def result_with_hashes(self, folder):
        """What a run left, being what its manifest says."""
        found = result_of_run(folder)
        files = json.loads(read(os.path.join(folder, "manifest.json")))["files"]
        self.assertEqual({name: hashlib.sha256(found[name]).hexdigest() for name in files}, files)
        return found
