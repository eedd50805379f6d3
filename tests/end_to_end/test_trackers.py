"""Without these, what a tracker is told of a run could be something else than the run's results, come only when it has ended, or be a
file that TensorBoard cannot read."""
import importlib.util
import json
import os
import struct
import subprocess
import sys

import unittest

import numpy

from harness import TINY, Case, change_manifest, read, run_folders

PYTHON = os.path.join(os.environ["TESTS_DIR"], os.pardir, "python")
sys.path.insert(0, PYTHON)
import refframe  # noqa: E402
import refframe_trackers  # noqa: E402

METRIC = "sink_mass"


def records(path):
    """The payloads of a file of TensorFlow's records, each held against both of its checksums."""
    def check(bytes_, masked):
        crc = refframe_trackers.crc32c(bytes_)
        assert (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32 == struct.unpack("<I", masked)[0]
    data, found = read(path), []
    while data:
        (n,) = struct.unpack("<Q", data[:8])
        check(data[:8], data[8:12])
        check(data[12:12 + n], data[12 + n:16 + n])
        found.append(data[12:12 + n])
        data = data[16 + n:]
    return found


class Trackers(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)

    def follower(self, folder="results/tiny"):
        process = self.start("-m", "refframe_trackers", "follow", folder,
                             program=("env", f"PYTHONPATH={os.path.abspath(PYTHON)}", sys.executable))
        return process

    def check_row(self, row, results):
        """Against the snapshot itself."""
        run = results.run(row["arm"], row["seed"])
        snapshot = run.snapshot(row["step"])
        self.assertEqual((row["experiment"], row["run"]), ("tiny", run.folder_name))
        self.assertEqual(row["axis:model.position.kind"], row["arm"])
        self.assertEqual(row["tokens"], snapshot["tokens_seen"][0])
        self.assertEqual(row["targets"], snapshot["targets_seen"][0])
        self.assertEqual(row["held_out_loss"], snapshot["held_out_loss"][0])
        values = snapshot[METRIC][0]
        self.assertEqual(row[f"{METRIC}/most"], values.max())
        self.assertEqual(row[f"{METRIC}/model"], values.mean())
        self.assertEqual(row["value_drain/most"], numpy.nanmin(snapshot["value_drain"][0]))

    def test_a_line_a_snapshot_while_it_goes_on(self):
        """The follower is told of half of the runs before the others have begun; of every snapshot once, and it ends with the sweep."""
        self.refframe("run", "tiny.yaml", "--shard", "1/2")
        follower = self.follower()
        lines = [json.loads(follower.stdout.readline()) for _ in range(2)]
        self.assertIsNone(follower.poll())
        self.refframe("run", "tiny.yaml")
        lines += [json.loads(line) for line in follower.communicate(timeout=240)[0].splitlines()]
        self.assertEqual(follower.returncode, 0)
        results = refframe.load(self.at("results", "tiny"))
        self.assertEqual(sorted((line["run"], line["step"]) for line in lines),
                         sorted((run.folder_name, step) for run in results.runs for step in run.steps))
        for line in lines:
            self.check_row(line, results)

    def test_a_folder_that_is_none(self):
        done = self.follower("results/none")
        self.assertEqual((done.wait(60), len(done.stderr.read().splitlines())), (2, 1))

    def test_a_run_that_failed_is_not_waited_for(self):
        self.refframe("run", "tiny.yaml")
        (run,) = [folder for name, folder in run_folders(self.at("results", "tiny")).items() if name.startswith("none-s2")]
        change_manifest(run, status="failed", reason="the disk was full")
        out, err = self.follower().communicate(timeout=60)
        self.assertEqual(err, "")
        self.assertEqual(len(out.splitlines()), sum(len(run.steps) for run in refframe.load(self.at("results", "tiny")).runs))

    def test_checksums(self):
        """RFC 3720, B.4."""
        for bytes_, crc in ((b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)):
            self.assertEqual(refframe_trackers.crc32c(bytes_), crc)

    def test_event_files(self):
        """Whole records, one a run, snapshot and number that is known; the same bytes twice."""
        self.refframe("run", "tiny.yaml")
        results = refframe.load(self.at("results", "tiny"))
        paths = refframe_trackers.tensorboard(results, self.at("logs"))
        self.assertEqual([os.path.relpath(path, self.at("logs")) for path in paths],
                         [f"{run.arm}/s{run.seed}/events.out.tfevents.0.refframe" for run in results.runs])
        before = [read(path) for path in paths]
        refframe_trackers.tensorboard(results, self.at("logs"))
        self.assertEqual([read(path) for path in paths], before)
        curve = [value for run in results.runs[:1] for *_, values in run.traces(METRIC) for value in values]
        found = [record for record in records(paths[0]) if f"{METRIC}/strongest".encode() in record]
        self.assertEqual([struct.unpack("<f", record[-4:])[0] for record in found], [numpy.float32(value) for value in curve])

    @unittest.skipUnless(importlib.util.find_spec("tensorboard"), "tensorboard is not installed")
    def test_tensorboard_reads_them(self):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        self.refframe("run", "tiny.yaml")
        results = refframe.load(self.at("results", "tiny"))
        for run, path in zip(results.runs, refframe_trackers.tensorboard(results, self.at("logs"))):
            events = EventAccumulator(os.path.dirname(path), size_guidance={"scalars": 0}).Reload()
            tags = events.Tags()["scalars"]
            self.assertIn("held_out_loss", tags)
            self.assertGreater(len(tags), 50)
            for metric in sorted(run.measured()):
                for level in ("model", "strongest"):
                    ((_, _, values),) = run.traces(metric, level)
                    known = [(step, numpy.float32(value)) for step, value in zip(run.steps, values) if numpy.isfinite(value)]
                    there = events.Scalars(f"{metric}/{level}") if f"{metric}/{level}" in tags else []
                    self.assertEqual([(event.step, numpy.float32(event.value)) for event in there], known)


if __name__ == "__main__":
    unittest.main()
