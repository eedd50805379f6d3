"""Results of refframe in Python: runs, curves, snapshots, maps and weights.

    results = refframe.load("results/quickstart")
    curves = pandas.DataFrame(results.curves("sink_mass_idle"))

One file; it needs NumPy. A table is a dict of columns, NumPy arrays of equal length, which pandas.DataFrame takes as it is.
What is read is held against the hashes that were left with it: a file that is not what it was raises Error, and so does one that
its run does not list. Results of versions that left no hash of a table or manifest are taken as they stand.

Layers are L, heads H, positions T, sequences of the measuring set N, snapshots S. What each metric means, its unit and its source
stand in `results.metrics`; what each member of a snapshot is, in results/README.md of the project.
"""
import csv
import hashlib
import io
import json
import os
import statistics

import numpy

__version__ = "0.1.0"
__all__ = ["Error", "Results", "Run", "load"]

ALL, EVEN, ODD = range(3)  # a metric's mean over all, the even, the odd sequences


class Error(ValueError):
    """What is asked for is not there, or is not what the run left; one line."""


def load(folder):
    """Results of `folder`, the results/NAME that `refframe run` or `refframe report` has filled."""
    return Results(folder)


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Error(f"{path}: {error.strerror}") from error


def _json(bytes_, path):
    try:
        return json.loads(bytes_)
    except ValueError as error:
        raise Error(f"{path}: is no JSON") from error


def _manifest(path):
    """manifest.json, whose last member is the SHA-256 of all before its digits."""
    bytes_ = _read(path)
    manifest = _json(bytes_, path)
    digits_and_end = 64 + len('"\n}\n')
    if "sha256" in manifest and hashlib.sha256(bytes_[:-digits_and_end]).hexdigest() != manifest["sha256"]:
        raise Error(f"{path}: is not what was written")
    return manifest


def _column(cells):
    """Numbers where every cell is one or empty (NaN then); whole ones where no cell is empty; else words."""
    for kind in (int, lambda cell: float(cell or "nan")):
        try:
            return numpy.array([kind(cell) for cell in cells])
        except ValueError:
            pass
    return numpy.array(cells, dtype=object)


def _table(bytes_, path):
    try:
        rows = list(csv.reader(io.StringIO(bytes_.decode("utf-8"), newline="")))
    except UnicodeDecodeError as error:
        raise Error(f"{path}: is no UTF-8") from error
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise Error(f"{path}: its rows differ in length")
    return {name: _column([row[i] for row in rows[1:]]) for i, name in enumerate(rows[0])}


def _safetensors(bytes_, path):
    """{name: array}; the layout of https://github.com/huggingface/safetensors."""
    kinds = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "u1"}
    try:
        n = int.from_bytes(bytes_[:8], "little")
        header, data = json.loads(bytes_[8 : 8 + n]), bytes_[8 + n :]
        return {name: numpy.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
                for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Error(f"{path}: is no safetensors file that refframe writes") from error


class Results:
    """A results/NAME.

    name, title, claim, source   as the experiment says
    axes                         {name: [values]}, what the sweep crosses
    runs                         [Run], every planned one, arm by arm and seed by seed
    metrics                      {name: {unit, level, direction, threshold, summary, source, weakness, ...}}
    """

    def __init__(self, folder):
        self.folder = os.fspath(folder)
        self._sums = self._read_sums()
        plan, schema = (_json(self.read(name), os.path.join(self.folder, name)) for name in ("plan.json", "metrics.json"))
        try:
            self.name, self.title = plan["name"], plan.get("title")
            self.claim, self.source = plan.get("claim"), plan.get("source")
            self.axes = {axis["name"]: list(axis["values"]) for axis in plan["axes"]}
            self.metrics = {metric["name"]: metric for metric in schema["metrics"]}
            arms = plan["arms"]
            self.runs = [Run(self, run["folder"], run["id"], run["seed"], arms[run["arm"]]) for run in plan["runs"]]
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise Error(f"{self.folder}: plan.json or metrics.json is not one that refframe writes") from error

    def __repr__(self):
        return f"<refframe results {self.name}: {len(self.runs)} runs, {len(self.finished)} of them finished>"

    @property
    def finished(self):
        """The runs that have come to their end."""
        return [run for run in self.runs if run.status == "finished"]

    def metrics_measured(self):
        """Names of the metrics that any finished run has measured."""
        measured = set().union(*(run.measured() for run in self.finished))
        return [name for name in self.metrics if name in measured]

    def run(self, arm, seed):
        """The run of an arm (by name) and a seed."""
        for run in self.runs:
            if run.arm == arm and run.seed == seed:
                return run
        arms = dict.fromkeys(run.arm for run in self.runs)
        raise Error(f"{self.folder}: no run of arm {arm!r} and seed {seed!r}; arms are {', '.join(arms)}")

    def _read_sums(self):
        """{name: SHA-256}, of SHA256SUMS; nothing where there is none."""
        path = os.path.join(self.folder, "SHA256SUMS")
        lines = _read(path).decode("utf-8", "replace").splitlines() if os.path.exists(path) else []
        if not all(line[64:66] == "  " for line in lines):
            raise Error(f"{path}: is not what was written")
        return {line[66:]: line[:64] for line in lines}

    def read(self, name):
        """The bytes of a file of the folder, e.g. "verdicts.json"; Error if SHA256SUMS has another hash of it."""
        path = os.path.join(self.folder, name)
        bytes_ = _read(path)
        if self._sums.get(name) not in (None, hashlib.sha256(bytes_).hexdigest()):
            raise Error(f"{path}: is not what was written: its SHA-256 is another than in SHA256SUMS")
        return bytes_

    def table(self, name):
        """A table that `refframe report` wrote: summary, runs, curves, onset, frames, tokens, changes, differences, formed, columns;
        geometry and heads if they were asked for (`--table`). Units stand in columns."""
        name = name if name.endswith(".csv") else name + ".csv"
        return _table(self.read(name), os.path.join(self.folder, name))

    def runs_table(self):
        """One row a planned run: arm, axes, seed, id, status, steps, tokens, seconds, as its manifest has them now; final loss (nats per
        target) and final label of the model by place and by token as in runs.csv, once `refframe report` has written it."""
        told = {}
        if os.path.exists(os.path.join(self.folder, "runs.csv")):
            runs = self.table("runs")
            for run, status, *last in zip(*(runs[c] for c in ("run", "status", "loss", "frame", "frame_by_token"))):
                if status == "finished":
                    told[run] = last
        rows = []
        for run in self.runs:
            manifest = run.manifest or {}
            loss, frame, frame_by_token = told.get(run.folder_name, (numpy.nan, "", ""))
            rest = {"seed": run.seed, "id": run.id, "status": run.status, "steps": manifest.get("step", 0),
                    "tokens": manifest.get("tokens", 0), "loss": loss, "seconds": _number(manifest.get("wall_seconds")),
                    "frame": frame, "frame_by_token": frame_by_token}
            rows.append(_with_axes(run, rest))
        return _columns(rows)

    def curves(self, *metrics, level="strongest"):
        """One row a finished run, snapshot and metric: arm, axes, seed, step, tokens, metric, layer, head, value.

        level: strongest   the head that ends most extreme on even sequences, read on odd ones (as the report's curves are)
               model       the mean over all heads
               layer       the mean over each layer's heads
               head        every head
        "held_out_loss" is a metric of the model, in nats per target, whatever the level."""
        rows = []
        for run in self.finished:
            for metric in metrics:
                traces, steps, tokens_seen = run.traces(metric, level), run.steps, run.tokens
                for layer, head, values in traces:
                    for step, tokens, value in zip(steps, tokens_seen, values):
                        if not numpy.isnan(value):
                            rows.append(_with_axes(run, {"seed": run.seed, "step": step, "tokens": tokens, "metric": metric,
                                                         "layer": layer, "head": head, "value": value}))
        return _columns(rows)


def _with_axes(run, rest):
    """A row. An axis is called as the user likes: as another column, and it is `loss (axis)`, as in the tables of the report."""
    axes = {f"{name} (axis)" if name in ("run", "arm", *rest) else name: value for name, value in run.values_of_axes.items()}
    return {"run": run.folder_name, "arm": run.arm, **axes, **rest}


def _number(value):
    return float("nan") if value is None else float(value)


def _columns(rows):
    return {name: numpy.array([row[name] for row in rows],
                              dtype=object if any(isinstance(row[name], str) for row in rows) else None)
            for name in (rows[0] if rows else ())}


class Run:
    """One run: an arm with a seed.

    arm, seed, id        as in plan.json
    values_of_axes       {axis: value}
    manifest             manifest.json, None before the run has begun
    status               planned, running, finished, failed, interrupted
    """

    def __init__(self, results, folder_name, id_, seed, arm):
        self.results, self.folder_name, self.id, self.seed = results, folder_name, id_, seed
        self.arm, self.values_of_axes = arm["name"], dict(arm["values"])
        self.folder = os.path.join(results.folder, folder_name)
        path = os.path.join(self.folder, "manifest.json")
        self.manifest = _manifest(path) if os.path.exists(path) else None
        self.status = "planned" if self.manifest is None else self.manifest.get("status")
        self._kept = None

    def __repr__(self):
        return f"<refframe run {self.folder_name}: {self.status}>"

    def read(self, name):
        """The bytes of a file of the run, e.g. "train.csv"; Error if they are not those that the run left."""
        files = (self.manifest or {}).get("files", {})
        path = os.path.join(self.folder, name)
        if name not in files:
            raise Error(f"{path}: the run lists no such file")
        bytes_ = _read(path)
        if hashlib.sha256(bytes_).hexdigest() != files[name]:
            raise Error(f"{path}: is not what the run left: its SHA-256 is another than the manifest's")
        return bytes_

    def _listed(self, folder, suffix):
        """{step: name} of the run's files FOLDER/step-NUMBER.SUFFIX."""
        found = {}
        for name in (self.manifest or {}).get("files", {}):
            front, end = f"{folder}/step-", f".{suffix}"
            if name.startswith(front) and name.endswith(end) and name[len(front) : -len(end)].isdigit():
                found[int(name[len(front) : -len(end)])] = name
        return dict(sorted(found.items()))

    @property
    def steps(self):
        """(S,) the steps that have a snapshot."""
        return numpy.array(list(self._listed("snapshots", "npz")), dtype=int)

    @property
    def tokens(self):
        """(S,) how many tokens had been trained on then."""
        return numpy.array([members["tokens_seen"][0] for members in self._series()], dtype=int)

    @property
    def train(self):
        """train.csv as columns: step, loss, gradient_norm, lr, targets."""
        return _table(self.read("train.csv"), os.path.join(self.folder, "train.csv"))

    def snapshot(self, step):
        """{member: array} of the snapshot of a step."""
        names = self._listed("snapshots", "npz")
        if step not in names:
            raise Error(f"{self.folder}: no snapshot of step {step}; there are {', '.join(map(str, names))}")
        return self._npz(names[step])

    def baselines(self):
        """{member: array}, e.g. uniform/sink_mass: what uniform attention, or the position bias alone, would give."""
        return self._npz("snapshots/baselines.npz")

    def _npz(self, name, wanted=lambda member: True):
        try:
            with numpy.load(io.BytesIO(self.read(name)), allow_pickle=False) as npz:
                return {member: npz[member] for member in npz.files if wanted(member)}
        except Error:
            raise
        except Exception as error:  # zipfile, zlib and NumPy each have their own
            raise Error(f"{os.path.join(self.folder, name)}: is no NPZ file") from error

    def _is_series(self, member):
        """Whether it is a number per model, layer or head: a metric (of corrupted/ or targets/, too), the loss, the tokens seen."""
        return member in ("held_out_loss", "tokens_seen") or (member.rpartition("/")[2] in self.results.metrics
                                                              and not member.startswith(("sd/", "n/")))

    def _series(self):
        """One {member: array} a snapshot, of its series; kept, as reading hashes all of a file."""
        if self._kept is None:
            self._kept = [self._npz(name, self._is_series) for name in self._listed("snapshots", "npz").values()]
        return self._kept

    def measured(self):
        """Names of the metrics in the last snapshot, which has all that the run measures."""
        return set(self._series()[-1]) & set(self.results.metrics) if len(self.steps) else set()

    def values(self, metric, part=ALL):
        """(S, L, H), (S, L) or (S,), by the metric's level: its mean over all sequences, or the even (1) or odd (2) ones alone. NaN
        in snapshots that did not measure it. "held_out_loss": (S, 1+G), all targets and then each loss group."""
        found = [members.get(metric) for members in self._series()]
        if metric != "held_out_loss":
            found = [None if value is None else value[part] for value in found]
        shapes = {value.shape for value in found if value is not None}
        if len(shapes) != 1:
            raise Error(f"{self.folder}: no snapshot has the metric {metric!r}")
        (shape,) = shapes
        return numpy.array([numpy.full(shape, numpy.nan) if value is None else value for value in found])

    def strongest(self, metric):
        """(layer, head) of a head metric, (layer, None) of a layer metric: the one whose final value on even sequences, the median of
        the last three snapshots that measured it, is the most extreme in the direction in which the metric moves."""
        last = numpy.array([members[metric][EVEN] for members in self._series() if metric in members][-3:])
        if last.ndim < 2:
            return None, None
        sign = -1 if self.results.metrics[metric.rpartition("/")[2]]["direction"] == "falls" else 1
        best, strongest = None, (0,) * (last.ndim - 1)
        for cell in numpy.ndindex(last.shape[1:]):
            known = [value for value in last[(slice(None), *cell)] if not numpy.isnan(value)]
            final = sign * statistics.median(known) if known else None
            if known and (best is None or final > best):
                best, strongest = final, cell
        return (*strongest, None)[:2]

    def traces(self, metric, level="strongest"):
        """[(layer, head, (S,) values)] at a level, see Results.curves; None where a layer or head has no meaning."""
        if level not in ("strongest", "model", "layer", "head"):
            raise Error(f"level {level!r} is none of strongest, model, layer, head")
        if metric == "held_out_loss":
            return [(None, None, self.values(metric)[:, 0])]
        if level == "strongest":
            layer, head = self.strongest(metric)
            if layer is None:
                return [(None, None, self.values(metric))]
            cell = (layer,) if head is None else (layer, head)
            return [(layer, head, self.values(metric, ODD)[(slice(None), *cell)])]
        values = self.values(metric)
        if level == "model" or values.ndim == 1:
            return [(None, None, _mean(values, tuple(range(1, values.ndim))))]
        if level == "layer" or values.ndim == 2:
            return [(layer, None, _mean(values[:, layer], tuple(range(1, values.ndim - 1)))) for layer in range(values.shape[1])]
        return [(layer, head, values[:, layer, head]) for layer in range(values.shape[1]) for head in range(values.shape[2])]

    def map(self, step):
        """(L, H, T, T) mean attention over the measuring set: row i says where query i looks."""
        return self.snapshot(step)["map_mean"]

    def weights(self, step=None):
        """{tensor: (rows, columns) float32}, of the last checkpoint or of a step that has one or whose snapshot holds weights."""
        checkpoints = self._listed("checkpoints", "safetensors")
        if step is None and checkpoints:
            step = list(checkpoints)[-1]
        if step in checkpoints:
            tensors = _safetensors(self.read(checkpoints[step]), os.path.join(self.folder, checkpoints[step]))
            return {name: tensor for name, tensor in tensors.items() if "/" not in name and tensor.dtype == numpy.float32}
        front = "weights/"
        if step in self._listed("snapshots", "npz"):
            tensors = {name[len(front) :]: tensor for name, tensor in self.snapshot(step).items() if name.startswith(front)}
            if tensors:
                return tensors
        raise Error(f"{self.folder}: no weights of step {step}; checkpoints are of {', '.join(map(str, checkpoints)) or 'none'}, and "
                    "snapshot.weights: true puts them into every snapshot")


def _mean(values, axes):
    """Mean without what is not available; NaN where nothing is."""
    there = ~numpy.isnan(values)
    n = there.sum(axis=axes)
    return numpy.where(n > 0, numpy.where(there, values, 0).sum(axis=axes) / numpy.maximum(n, 1), numpy.nan)
