"""What the tests of variants share: an arm for each that there is to choose. They come from `refframe list`: a new variant is
tested by being there, and so is each template, of which this program has registered every one."""
import os
import re
import shutil
import signal

from harness import Case, result_of_run, run_folders

KILLER = os.environ.get("KILLER", "")
PROGRAM = [os.path.abspath(os.environ["REFFRAME_WITH_TEMPLATES"])]

# Eight lanes, so that eight threads are of use.
YAML = """\
seeds: 1
model: {n_layers: 1, n_heads: 2, d_model: 16, context_length: 16}
train: {steps: 6, batch_size: 8, lanes: 8, warmup_steps: 2}
measure: {sequences: 4}
snapshot: {every: 2, maps: 1}
checkpoint: {every: 2, keep: 2}
sweep:
  variant:
"""

# What a variant may need beside it, the first that `refframe check` accepts. A text comes first, as tokenizers need it; but
# for a source its labels do, if it has any.
CONTEXTS = (
    {"data.source.kind": "text"},
    {"data.source.kind": "text", "data.window": "document"},
    {"data.source.kind": "bigram_backcopy"},
    {"data.source.kind": "trigger", "objective.kind": "labelled"},
    {"data.source.kind": "recall", "objective.kind": "labelled", "data.bos": "never"},
    {"data.source.kind": "text", "objective.kind": "masked"},
    {"data.source.kind": "trigger_mean", "objective.kind": "regression", "model.input": "linear"},
    {"data.source.kind": "retrieval", "objective.kind": "labelled", "model.input": "linear"},
)


def listed(text):
    """From `refframe list`: (key, value) pairs of every variant, and of every choice or switch that is not the default, with
    the variant that it belongs to."""
    found, group, variant = [], None, None
    for line in text.splitlines():
        kind = re.match(r"\w+: .*?(?: \((\S+)\.kind, default \w+\))?$", line)
        name = re.match(r"  ([\w-]+) ", line)
        row = re.match(r"      (\S+) .*\(default ([^();]*)(?:; ([^()]*))?\)$", line)
        if row:
            key, default, choices = row.groups()
            values = choices.split(" | ") if choices and " | " in choices else []
            values = ["true", "false"] if default in ("true", "false") else values
            found += [{**(variant or {}), key: value} for value in values if value != default]
        elif name:
            variant = {f"{group}.kind": name.group(1)} if group else None
            found += [variant] if group else []
        elif kind:
            group, variant = kind.group(1), None
    # Not a matter of what is computed: whether it is looked at, and what is kept.
    return [keys for keys in found if not {"measure.enabled", "snapshot.weights"} & set(keys)]


def yaml_of(keys):
    return "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"


class VariantsCase(Case):
    arms = None  # by name, the keys of each: the same for all tests of a file
    kinds = ()   # of which keys alone; (): of all

    def refframe(self, *words, **options):
        return super().refframe(*words, program=PROGRAM, **options)

    def setUp(self):
        super().setUp()
        if VariantsCase.arms is None:
            VariantsCase.arms = self.find_arms()
        self.write("all.yaml", YAML + "".join(f"    {arm}: {yaml_of(keys)}\n" for arm, keys in self.arms.items()))

    def find_arms(self):
        arms, ids = {}, set()
        has_openblas = "openblas none" not in self.refframe("--version").stdout
        for number, keys in enumerate(listed(self.refframe("list").stdout)):
            if keys == {"numerics.engine": "openblas"} and not has_openblas:
                continue
            if self.kinds and not set(self.kinds) & set(keys):
                continue
            is_source = "data.source.kind" in keys
            for context in sorted(CONTEXTS, key=lambda context: is_source and context.get("objective.kind") != "labelled"):
                both = {**context, **keys}
                self.write("one.yaml", f"{YAML}    one: {yaml_of(both)}\n")
                checked = self.refframe("check", "one.yaml", code=None)
                if checked.returncode == 0:
                    (run,) = re.findall(r"(?m)^ +one-s1-(\w+)", checked.stdout)
                    if run not in ids:  # two defaults are one run
                        arms[f"a{number}"] = both
                    ids.add(run)
                    break
            else:
                self.fail(f"no context of this test suits {keys}")
        return arms

    def run_all(self, name, *words):
        """Results of every arm, by the arm's name."""
        self.refframe("run", "all.yaml", "--jobs", 1, "--results", name, *words, timeout=600)
        folders = run_folders(self.at(name, "all"))
        return {run.split("-")[0]: result_of_run(path) for run, path in folders.items()}, folders


class ResumedCase(VariantsCase):
    def check_resumed(self):
        """Each arm is killed in another of its later calls: in a step, a snapshot, a checkpoint, whatever it falls on."""
        calm, folders = self.run_all("calm", "--threads", 1)
        self.assertEqual(sorted(calm), sorted(self.arms))
        for number, (run, path) in enumerate(folders.items()):
            arm = run.split("-")[0]
            with self.subTest(keys=self.arms[arm], killed=True):
                os.mkdir(self.at(arm))
                shutil.copy(os.path.join(path, "run.yaml"), self.at(arm))
                self.refframe("train", arm, "--threads", 2, code=-signal.SIGKILL,
                              env={**os.environ, "LD_PRELOAD": KILLER, "KILL_VERB": "train", "KILL_AT": str(90 + number % 60)})
                self.refframe("train", arm, "--threads", 3)
                self.assertSameResults(result_of_run(self.at(arm)), calm[arm])
