"""Runs of refframe in trackers: a line of JSON a snapshot while a sweep goes on, and TensorBoard's event files.

    python3 -m refframe_trackers follow results/NAME            # prints a line a snapshot, until every run has ended
    python3 -m refframe_trackers tensorboard results/NAME LOGS  # then: tensorboard --logdir LOGS

A line has `experiment`, `run`, `arm`, the axes of the sweep, `seed`, `step`, `tokens`, `targets`, and numbers: `held_out_loss` and its groups
(`held_out_loss:copy`), and of each metric `METRIC/model`, its mean over layers and heads, and `METRIC/most`, the most extreme head of that
snapshot in the direction in which the metric moves. (The report's curves are of the head that ends strongest; while a run goes on nobody
knows which that is.) What is not available is left out.

TensorBoard's files hold `METRIC/strongest` instead: the head that ends strongest on even sequences, read on odd ones. They are a pure function
of the results: times in them are 0.
"""
import json
import os
import struct
import sys
import time

import numpy

import refframe

METRICS = ("sink_mass_idle", "sink_mass", "max_inflow", "value_drain")  # what is followed unless others are asked for


# ---- one line a snapshot ----


def rows(run, steps, metrics=METRICS):
    """{name: value} of each of these steps that the run has left a snapshot of."""
    front = {"experiment": run.results.name, "run": run.folder_name, "arm": run.arm,
             **{f"axis:{name}": value for name, value in run.values_of_axes.items()}, "seed": run.seed}
    for step in steps:
        snapshot = run.snapshot(step)
        row = {**front, "step": int(step), "tokens": int(snapshot["tokens_seen"][0]), "targets": int(snapshot["targets_seen"][0])}
        row.update(_numbers(snapshot, run.results.metrics, metrics))
        yield row


def _numbers(snapshot, schema, metrics):
    losses = snapshot["held_out_loss"]
    names = ["held_out_loss"] + [f"held_out_loss:{group.decode()}" for group in snapshot["loss_groups"]]
    found = dict(zip(names, losses))
    for name in metrics:
        if name in snapshot:
            values = snapshot[name][refframe.ALL]
            known = values[~numpy.isnan(values)]
            if known.size:
                falls = schema[name.rpartition("/")[2]]["direction"] == "falls"
                found[f"{name}/model"], found[f"{name}/most"] = known.mean(), known.min() if falls else known.max()
    return {name: float(value) for name, value in found.items() if numpy.isfinite(value)}


def follow(folder, metrics=METRICS, poll=2.0):
    """A row (a dict, see above) for every snapshot of every run of results/NAME, as they come, those that are there first; ends when
    no run is planned, running or interrupted any more. `poll`: seconds between looks."""
    told = {}
    while True:
        results = refframe.load(folder)
        for run in results.runs:
            new = [step for step in run.steps if step not in told.setdefault(run.folder_name, set())]
            for row in rows(run, new, metrics):
                told[run.folder_name].add(row["step"])
                yield row
        if all(run.status in ("finished", "failed") for run in results.runs):
            return
        time.sleep(poll)


# ---- TensorBoard ----
# A file is records (length, its checksum, bytes, their checksum: TensorFlow's tfrecord) of Event messages in protocol
# buffers: wall_time = 1, step = 2, file_version = 3, summary = 5 {value = 1 {tag = 1, simple_value = 2}}.


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def crc32c(bytes_):
    """Castagnoli's checksum (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in bytes_:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(bytes_):
    crc = crc32c(bytes_)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _record(bytes_):
    length = struct.pack("<Q", len(bytes_))
    return length + _masked(length) + bytes_ + _masked(bytes_)


def _varint(number):
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _field(number, bytes_):
    return bytes([number << 3 | 2]) + _varint(len(bytes_)) + bytes_


def _event(step, tag, value):
    number = _field(1, tag.encode()) + b"\x15" + struct.pack("<f", value)
    return b"\x09" + bytes(8) + b"\x10" + _varint(step) + _field(5, _field(1, number))


def tensorboard(results, logs, metrics=None):
    """Writes LOGS/ARM/sSEED/events.out.tfevents.0.refframe for every finished run: losses, and of the metrics (None: all that were
    measured) the mean over the model and the strongest head. Returns the paths. Files that stand there are replaced."""
    written = []
    for run in results.finished:
        series = {}
        losses = run.values("held_out_loss")
        groups = run.snapshot(run.steps[-1])["loss_groups"]
        for g, name in enumerate(["held_out_loss"] + [f"held_out_loss:{group.decode()}" for group in groups]):
            series[name] = losses[:, g]
        for metric in sorted(run.measured()) if metrics is None else metrics:
            for level in ("model", "strongest"):
                ((_, _, series[f"{metric}/{level}"]),) = run.traces(metric, level)
        events = [_record(b"\x09" + bytes(8) + _field(3, b"brain.Event:2"))]
        events += [_record(_event(int(step), tag, float(values[s]))) for s, step in enumerate(run.steps)
                   for tag, values in series.items() if numpy.isfinite(values[s])]
        folder = os.path.join(logs, run.arm, f"s{run.seed}")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "events.out.tfevents.0.refframe")
        with open(path + ".tmp", "wb") as file:
            file.write(b"".join(events))
        os.replace(path + ".tmp", path)
        written.append(path)
    return written


def main(words):
    """Returns the exit code: 0, 2 where the words or the folder are wrong, 130 where it was interrupted."""
    try:
        if len(words) == 2 and words[0] == "follow":
            for row in follow(words[1]):
                print(json.dumps(row), flush=True)
            return 0
        if len(words) == 3 and words[0] == "tensorboard":
            print(f"{len(tensorboard(refframe.load(words[1]), words[2]))} runs in {words[2]}")
            return 0
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    except refframe.Error as error:
        print(f"refframe_trackers: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
