"""Without these, a slip in an experiment file could be trained on for an hour, or answered with a puzzle.

Every bad input: exit code 2, one line on stderr that names file, line and key (and the nearest valid word where there
is one), and not a file more or less than before.
"""
import gzip
import os
import re
import unittest

from harness import MODEL, SINGLE, Case

VECTORS = SINGLE + "model.input: linear\nobjective.kind: regression\ndata.source.kind: trigger_mean\n"

# What stands in bad.yaml; how the line on stderr goes on behind "refframe: " ("..." is any text in between, "+1" the number
# of the first line behind SINGLE's).
FILES = {
    "unknown key": (SINGLE + "lerning_rate: 1\n", 'bad.yaml:+1:...unknown key "lerning_rate"'),
    "unknown key below a group": (SINGLE.replace("n_layers", "n_layer"), 'bad.yaml:3:...model.n_layer...did you mean "model.n_layers"'),
    "unknown top word": (SINGLE + "sweeep:\n  seed: [1]\n", 'bad.yaml:+1:..."sweeep"...did you mean "sweep"'),
    "nanoGPT's word": (SINGLE + "block_size: 64\n", 'bad.yaml:+1:..."block_size"; did you mean "model.context_length"?'),
    "nanoGPT's word below a group": (SINGLE.replace("\nmodel:\n", "\nmodel:\n  block_size: 64\n"), 'bad.yaml:3:..."model.block_size"; did you mean "model.context_length"?'),
    "a name with a control character": (SINGLE + 'name: "a\\e[31mb"\n', "bad.yaml:+1: name: \"a\\x1b[31mb\" can't name a folder"),
    "value for a group": (SINGLE + "objective: next\n", "bad.yaml:+1: objective: is a group of keys"),
    "dotted key": (SINGLE + "model.position.knd: rope\n", 'bad.yaml:+1:...model.position.knd...did you mean "model.position.kind"'),
    "duplicate key": (SINGLE + "seeds: 2\n", 'bad.yaml:+1:..."seeds"...twice...line 1'),
    "the same key twice, nested and dotted": (SINGLE + "train.steps: 5\n", "bad.yaml:+1:...train.steps...twice...line 8"),
    "wrong type": (SINGLE.replace("steps: 12", "steps: many"), 'bad.yaml:8:...train.steps...many...whole number'),
    "fraction": (SINGLE.replace("steps: 12", "steps: 1.5"), "bad.yaml:8:...train.steps...1.5...whole number"),
    "quoted number": (SINGLE.replace("steps: 12", "steps: '12'"), "bad.yaml:8:...train.steps...12...quotes"),
    "list for a number": (SINGLE.replace("steps: 12", "steps: [12]"), "bad.yaml:8:...train.steps...list"),
    "no value": (SINGLE.replace("steps: 12", "steps:"), "bad.yaml:8:...train.steps"),
    "out of range": (SINGLE.replace("steps: 12", "steps: 0"), "bad.yaml:8:...train.steps...0 is not in 1.."),
    "unknown choice": (SINGLE + "model.position.kind: rop\n", 'bad.yaml:+1:...model.position.kind..."rop"...did you mean "rope"'),
    "key of a choice not taken": (SINGLE + "model.position: {kind: none, theta: 5}\n", "bad.yaml:+1:...model.position.theta...rope"),
    "key of a choice that two have": (SINGLE + "model.gate: {bias: true}\n", "bad.yaml:+1:...model.gate.bias...only with model.gate.kind: head or element"),
    "an activation without an MLP": (SINGLE + "model.mlp: false\nmodel.activation: relu\n", "bad.yaml:+2:...model.activation...only with model.mlp: true"),
    "an epsilon without a norm": (SINGLE + "model.norm: none\nmodel.norm_epsilon: 1e-6\n", "bad.yaml:+2:...model.norm_epsilon...model.norm: other than none or model.qk_norm: true"),
    "a gate's start without a bias": (SINGLE + "model.gate: {kind: head, initial: 1}\n", "bad.yaml:+1:...model.gate.initial...only with model.gate.bias: true"),
    "a held-out share of no text": (SINGLE + "data.source.kind: markov\ndata.held_out: 0.2\n", "bad.yaml:+2:...data.held_out...only with data.source.kind: text, bigram_backcopy or ngrams"),
    "a half set where lengths vary": (SINGLE + "measure.half_every: 2\ndata.lengths.kind: uniform\n", "bad.yaml:+1:...measure.half_every...data.lengths.kind: full"),
    "where to intervene without doing it": (SINGLE + "measure.interventions.place: 2\n", "bad.yaml:+1:...measure.interventions.place...measure.interventions.every: other than 0"),
    "heads that do not fit": (SINGLE.replace("n_heads: 2", "n_heads: 3"), "bad.yaml:4:...model.n_heads..."),
    "odd heads for rope": (SINGLE + "model.d_head: 5\n", "bad.yaml:+1:...model.d_head...odd"),
    "lanes over batch": (SINGLE + "train.lanes: 5\n", "bad.yaml:+1:...train.lanes"),
    "maps over sequences": (SINGLE.replace("maps: 1", "maps: 5"), "bad.yaml:15:...snapshot.maps"),
    "next with full": (SINGLE + "model.mask.kind: full\n", "bad.yaml:...full"),
    "vectors into an embedding": (VECTORS.replace("linear", "embedding"), "bad.yaml:+1:...model.input...vectors"),
    "vectors of another width": (VECTORS.replace("linear", "identity") + "data.source.n_noise: 5\n", "bad.yaml:+1:...model.input...8...16"),
    "a map of ids": (SINGLE + "model.input: linear\n", "bad.yaml:+1:...model.input...ids"),
    "vectors and a tokenizer": (VECTORS + "data.tokenizer.kind: byte\n", "bad.yaml:+4:...data.tokenizer.kind...only with data.source.kind: text, bigram_backcopy or ngrams"),
    "vectors and next": (VECTORS.replace("regression", "next"), "bad.yaml:+2:...objective.kind...vectors"),
    "vectors and a tied head": (VECTORS + "model.tied_head: true\n", "bad.yaml:+4:...model.tied_head...vectors"),
    "layers of no head": (VECTORS + "model.output: identity\nmodel.head_layers: 2\n", "bad.yaml:+5:...model.head_layers...no head"),
    "one token type and several": (SINGLE + "model.token_type: true\nmodel.token_types: 2\n", "bad.yaml:+1:...model.token_types...one of them"),
    "regression of ids": (SINGLE + "objective.kind: regression\n", "bad.yaml:+1:...objective.kind...vectors"),
    "missing corpus": (SINGLE + "data.source.files: [nowhere.txt]\n", "bad.yaml:+1:...data.source.files...nowhere.txt"),
    "corpus is a folder": (SINGLE + "data.source.files: [.]\n", "bad.yaml:+1:...data.source.files...folder"),
    "empty corpus": (SINGLE + "data.source.files: [empty.txt]\n", "bad.yaml:+1:...data.source.files...empty.txt"),
    "missing initial weights": (SINGLE + "model.init.from: nowhere.safetensors\n", "bad.yaml:+1:...model.init.from...nowhere.safetensors"),
    "initial weights are a text": (SINGLE + "model.init.from: short.txt\n", "bad.yaml:+1:...model.init.from...short.txt...not a safetensors file"),
    "initial weights in a list": (SINGLE + "model.init.from: [a.safetensors]\n", "bad.yaml:+1:...model.init.from...a list is not a file"),
    "corpus too short": (SINGLE + "data.source.files: [short.txt]\n", "bad.yaml:...data.source..."),
    "corpus is packed": (SINGLE + "data.source.files: [words.gz]\ndata.tokenizer.kind: byte\n", "bad.yaml:+1:...data.source.files...words.gz is gzip...unpack it first"),
    "corpus not UTF-8": (SINGLE + "data.source.files: [plain.txt, latin1.txt]\n", "bad.yaml:+1: data.source.files: .../latin1.txt is not UTF-8 at byte 5 (0xE9)"),
    "seeds": ("seeds: 0\n" + MODEL, "bad.yaml:1:...seeds"),
    "seed twice": ("seeds: [1, 2, 1]\n" + MODEL, "bad.yaml:1:...seeds...1...twice"),
    "seed in place of seeds": ("claim: x\n" + MODEL + "seed: 1\n", "bad.yaml:+1:...seed...seeds"),
    "sweep over an unknown key": (SINGLE + "sweep:\n  model.position.knd: [rope]\n", 'bad.yaml:+2:...model.position.knd...did you mean "model.position.kind"'),
    "sweep with a bad value": (SINGLE + "sweep:\n  model.position.kind: [rope, alibo]\n", 'bad.yaml:+2:...alibo...did you mean "alibi"'),
    "sweep without values": (SINGLE + "sweep:\n  model.position.kind: []\n", "bad.yaml:+2:...model.position.kind"),
    "sweep value twice": (SINGLE + "sweep:\n  model.position.kind: [rope, rope]\n", "bad.yaml:+2:...rope...twice"),
    "swept and set": (SINGLE + "model.position.kind: none\nsweep:\n  model.position.kind: [rope, none]\n", "bad.yaml:+3:...model.position.kind...line +1"),
    "exclude everything": (SINGLE + "sweep:\n  model.position.kind: [rope]\nexclude:\n  - {model.position.kind: rope}\n", "bad.yaml:...exclude"),
    "exclude an unknown value": (SINGLE + "sweep:\n  model.position.kind: [rope]\nexclude:\n  - {model.position.kind: ropes}\n", 'bad.yaml:+4:...exclude...ropes'),
    "expect: syntax": (SINGLE + "expect:\n  - {text: x, that: 'median(sink_mass_idle <'}\n", "bad.yaml:+2:...expect"),
    "expect: unknown metric": (SINGLE + "expect:\n  - {text: x, that: 'median(sink_mas_idle) < 1'}\n", 'bad.yaml:+2:...expect...sink_mas_idle...did you mean "sink_mass_idle"'),
    "expect: unknown frame": (SINGLE + "expect:\n  - {text: x, that: 'frame() = centralised'}\n", 'bad.yaml:+2:...expect...centralised...did you mean "centralized"'),
    "expect: unknown axis": (SINGLE + "expect:\n  - {text: x, that: 'median(sink_mass_idle, model.mask.kind=causal) < 1'}\n", "bad.yaml:+2:...expect...model.mask.kind"),
    "expect: a label against a number": (SINGLE + "expect:\n  - {text: x, that: 'frame() < 3'}\n", "bad.yaml:+2:...expect"),
    "expect: a metric that is off": (SINGLE + "measure.rips.every: 0\nexpect:\n  - {text: x, that: 'median(rips0_total) > 1'}\n", "bad.yaml:+3:...no arm of median(...measures rips0_total: measure.rips.every is 0"),
    "expect: a metric of interventions": (SINGLE + "expect:\n  - {text: x, that: 'median(cost@hide) > 1'}\n", "bad.yaml:+2:...cost@hide: measure.interventions.every is 0"),
    "expect: corrupted inputs of next": (SINGLE + "expect:\n  - {text: x, that: 'median(corrupted/sink_mass) > 1'}\n", "bad.yaml:+2:...corrupted/sink_mass: objective.kind corrupts no input"),
    "expect: targets that nobody measures": (SINGLE + "expect:\n  - {text: x, that: 'median(targets/sink_mass) > 1'}\n", "bad.yaml:+2:...targets/sink_mass: measure.targets is false"),
    "expect: slots of none": (SINGLE + "expect:\n  - {text: x, that: 'median(slot_mass@0) > 0.5'}\n", "bad.yaml:+2:...slot_mass@0: model.slot.kind is none"),
    "expect: a loss group of another source": (SINGLE + "data.source.kind: markov\nexpect:\n  - {text: x, that: 'onset(loss:copy) < 5'}\n", "bad.yaml:+3:...loss:copy: data.source.kind has no such group"),
    "expect: a frame without measuring": (SINGLE + "measure.enabled: false\nexpect:\n  - {text: x, that: 'frame() = none'}\n", "bad.yaml:+3:...frames: measure.enabled is false"),
    "expect: no list": (SINGLE + "expect: yes\n", "bad.yaml:+1:...expect"),
    "extends a missing file": (SINGLE + "extends: base.yaml\n", "bad.yaml:+1:...base.yaml"),
    "extends itself": (SINGLE + "extends: bad.yaml\n", "bad.yaml:+1:...extends"),
    "name with a slash": (SINGLE + "name: a/b\n", "bad.yaml:+1:...name"),
    "tab": (SINGLE.replace("  n_layers", "\tn_layers"), "bad.yaml:3:...tab"),
    "open bracket": (SINGLE + "sweep: [\n", "bad.yaml:"),
    "anchor": (SINGLE + "sweep: &a {}\n", "bad.yaml:+1:...anchor"),
    "a list": ("- 1\n", "bad.yaml:1:..."),
    "empty": ("seeds: 1\n---\nseeds: 1\n", "bad.yaml:..."),
    "not text": (bytes(range(256)), "bad.yaml:"),
}

# words behind `refframe`; the line
COMMANDS = {
    "no such file": (["run", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
    "a folder": (["run", "."], "..."),
    "--set unknown key": (["run", "good.yaml", "--set", "train.step=5"], '--set...train.step...did you mean "train.steps"'),
    "--set of a Hugging Face word": (["run", "good.yaml", "--set", "model.hidden_size=5"], '--set...model.hidden_size...did you mean "model.d_model"'),
    "--set of a group": (["run", "good.yaml", "--set", "train=5"], "--set: train: is a group of keys"),
    "--set of a word": (["run", "good.yaml", "--set", "claim=x"], "--set: claim: stands in the experiment's file only"),
    "--set out of range": (["run", "good.yaml", "--set", "train.steps=0"], "--set...train.steps...0 is not in 1.."),
    "--set without =": (["run", "good.yaml", "--set", "train.steps"], '--set...train.steps...KEY=VALUE'),
    "--set twice": (["run", "good.yaml", "--set", "train.steps=5", "--set", "train.steps=6"], "--set...train.steps...twice"),
    "--jobs 0": (["run", "good.yaml", "--jobs", "0"], "...--jobs...0...1..1024"),
    "--threads many": (["run", "good.yaml", "--threads", "many"], '...--threads..."many"'),
    "--jobs without a number": (["run", "good.yaml", "--jobs"], "...--jobs needs a value"),
    "unknown option": (["run", "good.yaml", "--thread", "2"], '..."--thread"; did you mean "--threads"?'),
    "one word too many": (["run", "good.yaml", "more"], '..."more" is one word too many'),
    "too few words": (["run"], "usage: refframe run"),
    "unknown verb": (["rum", "good.yaml"], 'unknown verb "rum"; did you mean "run"?'),
    "results is a file": (["run", "good.yaml", "--results", "empty.txt"], "...empty.txt...Not a directory"),
    "results cannot be made": (["run", "good.yaml", "--results", "/proc/refframe"], ".../proc/refframe..."),
    "check: the same errors": (["check", "good.yaml", "--set", "train.step=5"], '--set...train.step...did you mean "train.steps"'),
    "init: not a name": (["init", "a/b"], '..."a/b"...'),
    "init: exists": (["init", "good.yaml"], "...good.yaml exists already"),
    "list: unknown kind": (["list", "positions"], '..."positions"...did you mean "position"?'),
    "status: no results": (["status", "nowhere"], "nowhere: there is no such folder; what is wanted is an experiment's folder, results/NAME"),
    "report: no results": (["report", "nowhere"], "nowhere: there is no such folder; what is wanted is an experiment's folder, results/NAME"),
    "clean: a file": (["clean", "good.yaml"], "good.yaml: is a file; what is wanted is an experiment's folder, results/NAME"),
    "report: a folder of others": (["report", "."], ".: has no plan.json: nothing was run into it"),
    "compare: a file": (["compare", "good.yaml", "nowhere"], "good.yaml: is a file; what is wanted is an experiment's folder"),
    "show: no run": (["show", "nowhere"], "nowhere: there is no such folder"),
    "show: a folder of others": (["show", "."], ".: has no snapshots; show takes a run's folder, results/NAME/RUN"),
    "a name from a file that is none": (["check", "...yaml"], "...yaml: has no name: in it, and \"..\" can't name a folder"),
    "a control character in a path": (["report", "no\033[2Jwhere"], "no\\x1b[2Jwhere: there is no such folder"),
    "measure: no run": (["measure", "nowhere"], "...nowhere"),
    "export: no run": (["export", "nowhere", "--to", "out"], "nowhere: there is no such folder"),
    "train: no run": (["train", "nowhere"], "...nowhere"),
}


class Input(Case):
    def setUp(self):
        super().setUp()
        self.write("good.yaml", SINGLE)
        self.write("...yaml", SINGLE)
        self.write("empty.txt", "")
        self.write("short.txt", "ab\n")
        self.write("words.gz", gzip.compress(b"word after word\n" * 5000))
        self.write("plain.txt", "plain words\n")
        self.write("latin1.txt", ("word \xe9t\xe9 " * 5000).encode("latin-1"))

    def assert_refused(self, words, expected):
        before = self.everything()
        done = self.refframe(*words, code=2)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, r"^refframe( \w+)?: .*\n$")
        rest = done.stderr.removeprefix("refframe: ")
        first, *parts = expected.split("...")
        self.assertTrue(rest.startswith(first), f"{rest!r} should start with {first!r}")
        at = len(first)
        for part in parts:
            found = rest.find(part, at)
            self.assertGreaterEqual(found, 0, f"{part!r} is missing in {rest!r}")
            at = found + len(part)
        self.assertEqual(self.everything(), before)

    def test_bad_files(self):
        for what, (text, expected) in FILES.items():
            with self.subTest(what):
                self.write("bad.yaml", text)
                for n in range(1, 9):
                    expected = expected.replace(f"+{n}", str(SINGLE.count("\n") + n))
                self.assert_refused(["run", "bad.yaml"], expected)

    def test_bad_command_lines(self):
        for what, (words, expected) in COMMANDS.items():
            with self.subTest(what):
                self.assert_refused(words, expected)

    def test_kernels_that_there_are_not(self):
        for name in ("AVX2", "avx", "sse"):
            done = self.refframe("check", "good.yaml", code=2, env={**os.environ, "REFFRAME_KERNELS": name})
            self.assertRegex(done.stderr, f'^refframe: REFFRAME_KERNELS: "{name}" is none of the kernels that this '
                             r"machine runs:[ \w]* plain\n$")
        done = self.refframe("check", "good.yaml", env={**os.environ, "REFFRAME_KERNELS": "plain"})
        self.assertIn("note      the plain kernels are in use", done.stdout)

    def test_numbers_as_people_write_them(self):
        """A byte order mark, 12.0 for 12, 1e3: the same run, by its id."""
        folder = re.search(r" (all-s1-[0-9a-f]{12}) ", self.refframe("check", "good.yaml").stdout)[1]
        for text in ("\ufeff" + SINGLE, SINGLE.replace("steps: 12", "steps: 12.0").replace("sequences: 4", "sequences: 4e0")):
            self.write("other.yaml", text)
            self.assertIn(folder, self.refframe("check", "other.yaml").stdout)
        self.assertIn(folder, self.refframe("check", "good.yaml", "--jobs", "1e0", "--set", "seeds=1.0").stdout)

    def test_a_pipe_is_no_file(self):
        """It is there, so nobody is told that it is not."""
        (end, other) = os.pipe()
        os.write(other, SINGLE.encode())
        os.close(other)
        done = self.refframe("check", f"/dev/fd/{end}", code=2, pass_fds=[end])
        os.close(end)
        self.assertEqual(done.stderr, f"refframe: cannot read /dev/fd/{end}: it is not a regular file\n")

    def test_a_model_beyond_this_machine(self):
        """Refused with the number of bytes, before anything is taken or made."""
        self.write("bad.yaml", "model: {n_layers: 256, d_model: 16384, n_heads: 64, context_length: 4096}\n"
                               "train: {batch_size: 4096, steps: 1}\n")
        before = self.everything()
        done = self.refframe("run", "bad.yaml", code=2)
        self.assertRegex(done.stderr, r"^refframe: [^\n]*\d (GiB|TiB|PiB)[^\n]*\n$")
        self.assertEqual(self.everything(), before)
        self.write("bad.yaml", SINGLE.replace("batch_size: 4", "batch_size: 65536").replace("context_length: 16",
                                                                                           "context_length: 16384"))
        self.assert_refused(["run", "bad.yaml"], "bad.yaml:9: train.batch_size: a run of these sizes needs...")

    def test_a_bad_base_is_named_itself(self):
        self.write("base.yaml", "model.n_layer: 1\n")
        self.write("bad.yaml", SINGLE + "extends: base.yaml\n")
        self.assert_refused(["run", "bad.yaml"], '...base.yaml:1:...did you mean "model.n_layers"')

    def test_no_file_is_too_broken(self):
        """Truncations and changed bytes: fine or refused in one line, never a crash."""
        text = ("seeds: [1, 2]\nsweep:\n  model.position.kind: [rope, none]\n"
                "data.source: {kind: recall, task: first}\nobjective.kind: labelled\ndata.bos: never\n"
                "expect:\n  - {text: 'a', that: 'median(sink_mass) > 0.5'}\n").encode()
        self.write("bad.yaml", text)
        self.refframe("check", "bad.yaml")
        changed = [text[:n] for n in range(0, len(text), 3)]
        changed += [text[:n] + b"\x00" + text[n + 1:] for n in range(0, len(text), 11)]
        changed += [text[:n] + b"{" + text[n:] for n in range(0, len(text), 7)]
        changed += [text[:n] + text[n + 1:] for n in range(0, len(text), 5)]
        codes = set()
        for data in changed:
            self.write("bad.yaml", data)
            done = self.refframe_any("check", "bad.yaml")
            self.assertIn(done.returncode, (0, 2), (data, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1 if done.returncode else 0, (data, done.stderr))
            codes.add(done.returncode)
        self.assertEqual(codes, {0, 2})

    def refframe_any(self, *words):
        import subprocess
        from harness import REFFRAME
        return subprocess.run([REFFRAME, *words], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def test_a_run_that_is_not_what_its_name_says(self):
        """Results of other settings under this run's name are refused, not mixed in or overwritten."""
        self.refframe("run", "good.yaml")
        (name,) = [name for name in os.listdir(self.at("results", "good")) if "-s1-" in name]
        path = self.at("results", "good", name, "run.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("d_model: 16", text)
        self.write(path, text.replace("d_model: 16", "d_model: 32"))
        done = self.refframe("run", "good.yaml", code=2)
        self.assertIn("run.yaml", done.stderr)


if __name__ == "__main__":
    unittest.main()
