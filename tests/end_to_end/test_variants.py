"""Without these, one encoding, tokenizer or block among many could give other bits with other threads, when it is measured,
or when its run was killed. What there is to choose comes from `refframe list`: a new variant is tested by being there, and so
is each template, of which this program has registered every one."""
import collections
import os
import re
import shutil
import signal
import unittest

from harness import Case, result_of_run, run_folders

KILLER = os.environ.get("KILLER", "")
PROGRAM = [os.path.abspath(os.environ["REFFRAME_WITH_TEMPLATES"])]

# Eight lanes, so that eight threads are of use.
YAML = """\
seeds: 1
model: {n_layers: 1, n_heads: 2, d_model: 16, context_length: 16}
train: {steps: 6, batch_size: 8, lanes: 8, warmup_steps: 2}
measure: {sequences: 8}
snapshot: {every: 2, maps: 1}
checkpoint: {every: 2, keep: 2}
sweep:
  variant:
"""

# What a variant may need beside it, the first that `refframe check` accepts. A text comes first, as tokenizers need it; but
# for a source its labels do, if it has any.
CONTEXTS = (
    {"data.source.kind": "text"},
    {"data.source.kind": "bigram_backcopy"},
    {"data.source.kind": "trigger", "objective.kind": "labelled"},
    {"data.source.kind": "recall", "objective.kind": "labelled", "data.bos": "never"},
    {"data.source.kind": "text", "objective.kind": "masked"},
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


class Variants(Case):
    def refframe(self, *words, **options):
        return super().refframe(*words, program=PROGRAM, **options)

    def setUp(self):
        super().setUp()
        self.arms, ids = {}, set()
        for number, keys in enumerate(listed(self.refframe("list").stdout)):
            is_source = "data.source.kind" in keys
            for context in sorted(CONTEXTS, key=lambda context: is_source and context.get("objective.kind") != "labelled"):
                both = {**context, **keys}
                self.write("one.yaml", f"{YAML}    one: {yaml_of(both)}\n")
                checked = self.refframe("check", "one.yaml", code=None)
                if checked.returncode == 0:
                    (run,) = re.findall(r"(?m)^ +one-s1-(\w+)", checked.stdout)
                    if run not in ids:  # two defaults are one run
                        self.arms[f"a{number}"] = both
                    ids.add(run)
                    break
            else:
                self.fail(f"no context of this test suits {keys}")
        self.write("all.yaml", YAML + "".join(f"    {arm}: {yaml_of(keys)}\n" for arm, keys in self.arms.items()))

    def run_all(self, name, *words, file="all.yaml"):
        """Results of every arm, by the arm's name."""
        self.refframe("run", file, "--jobs", 1, "--results", name, *words)
        folders = run_folders(self.at(name, file[:-5]))
        return {run.split("-")[0]: result_of_run(path) for run, path in folders.items()}, folders

    def test_every_variant_has_the_same_bits(self):
        self.assertGreater(len(self.arms), 30)
        calm, folders = self.run_all("t1", "--threads", 1)
        self.assertEqual(sorted(calm), sorted(self.arms))
        self.assertGreater(len({found["train.csv"] for found in calm.values()}), len(calm) * 2 // 3)  # they do differ
        found, _ = self.run_all("t8", "--threads", 8)  # a thread a lane; two and three below, and other numbers in test_exact
        for arm, keys in self.arms.items():
            with self.subTest(threads=8, keys=keys):
                self.assertSameResults(found[arm], calm[arm])
        self.check_without_measuring(calm)
        if KILLER:
            self.check_killed(calm, folders)

    def check_without_measuring(self, calm):
        found, _ = self.run_all("off", "--threads", 2, "--set", "measure.enabled=false")
        for arm, keys in self.arms.items():
            with self.subTest(keys=keys, measuring="off"):
                for name in ("train.csv", "checkpoints/step-00000004.safetensors", "checkpoints/step-00000006.safetensors"):
                    self.assertEqual(found[arm][name] == calm[arm][name], True, name)
                self.assertFalse([name for name in found[arm] if name.startswith("snapshots/")])

    def check_killed(self, calm, folders):
        """Each in another of its later calls: in a step, a snapshot, a checkpoint, whatever it falls on."""
        for number, (run, path) in enumerate(folders.items()):
            arm = run.split("-")[0]
            with self.subTest(keys=self.arms[arm], killed=True):
                os.mkdir(self.at(arm))
                shutil.copy(os.path.join(path, "run.yaml"), self.at(arm))
                self.refframe("train", arm, "--threads", 2, code=-signal.SIGKILL,
                              env={**os.environ, "LD_PRELOAD": KILLER, "KILL_VERB": "train", "KILL_AT": str(90 + number)})
                self.refframe("train", arm, "--threads", 3)
                self.assertSameResults(result_of_run(self.at(arm)), calm[arm])

    def test_the_list_is_read_right(self):
        """Or else the test above would hold of nothing."""
        seen = collections.Counter(key for keys in self.arms.values() for key in keys)
        for key in ("model.position.kind", "model.mask.kind", "objective.kind", "data.tokenizer.kind", "train.optimizer.kind",
                    "train.schedule.kind", "model.position.table", "model.norm_placement", "model.qk_norm", "data.bos"):
            self.assertIn(key, seen)
        kinds = {keys.get("model.position.kind") for keys in self.arms.values()}
        text = self.refframe("list", "position").stdout
        self.assertEqual(kinds - {None}, set(re.findall(r"(?m)^  (\w+) ", text)))


if __name__ == "__main__":
    unittest.main()
