"""Without these, a verb could print nothing, print colours into a pipe, or say another number than the files do."""
import array
import csv
import io
import json
import os
import pty
import random
import re
import statistics
import subprocess
import unittest
import zipfile

from harness import MODEL, REFFRAME, SINGLE, TINY, Case, list_again, read, result_of_run, run_folders

VERBS = ["run", "check", "list", "init", "status", "show", "report", "measure", "export", "train", "bench"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Verbs(Case):
    def one_run(self, *options):
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml", *options, "--results", "results")
        (run,) = run_folders(self.at("results", "one")).values()
        return run

    def on_a_terminal(self, *words, **environment):
        """Output of `refframe WORDS` on a terminal of 100 columns, and its exit code."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([REFFRAME, *words], cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs,
                                   env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment})
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux tells the end
                break
            if not piece:
                break
            pieces.append(piece)
        os.close(ours)
        return b"".join(pieces).decode(), process.wait(timeout=60)

    def test_help(self):
        overview = self.refframe("--help").stdout
        self.assertEqual(self.refframe("help").stdout, overview)
        for verb in VERBS:
            self.assertRegex(overview, rf"(?m)^  {verb} ")
            text = self.refframe(verb, "--help").stdout
            self.assertTrue(text.startswith(f"usage: refframe {verb}"))
            for option in re.findall(r"--[a-z]+", text.splitlines()[0]):
                self.assertRegex(text, rf"(?m)^  {option}\b", "every option is explained")
        self.assertEqual(self.refframe(code=2).stdout, overview)
        self.assertTrue(all(len(line) <= 120 for line in overview.splitlines()))

    def test_version(self):
        root = os.path.dirname(os.environ["TESTS_DIR"])
        version = re.search(rb"version: '([0-9.]+)'", read(os.path.join(root, "meson.build"))).group(1).decode()
        self.assertTrue(self.refframe("--version").stdout.startswith(f"refframe {version}\n"))

    def test_list(self):
        everything = self.refframe("list").stdout
        kinds = re.findall(r"(?m)^([a-z]+): ", everything)
        self.assertGreaterEqual(len(kinds), 9)
        for word in ("rope", "absolute", "alibi", "causal", "masked", "bigram_backcopy", "adamw", "model.position.theta"):
            self.assertIn(word, everything)
        for kind in kinds:
            one = self.refframe("list", kind).stdout
            self.assertTrue(len(one.splitlines()) >= 2, kind)
        metrics = self.refframe("list", "metrics").stdout
        self.assertIn("sink_mass_idle", metrics)
        self.assertIn("needs maps; cost O(L H T^3); measured every 4 snapshots, on 4 sequences (measure.graph.every", metrics)

    def test_list_has_every_key(self):
        """What a run.yaml holds and --set takes is explained somewhere, with its default."""
        everything = self.refframe("list").stdout
        keys = []
        for line in read(os.path.join(self.one_run(), "run.yaml")).decode().splitlines()[:-1]:  # the last is their hash
            depth, key, value = re.match(r"( *)([a-z_0-9]+):(.*)", line).groups()
            keys = keys[:len(depth) // 2] + [key]
            if value.strip() and key != "seed":  # an experiment says `seeds`
                self.assertRegex(everything, rf"(?m)(^ +{re.escape('.'.join(keys))} .*\(default |\({re.escape('.'.join(keys))}, "
                                             "default )")

    def test_what_list_names_check_accepts(self):
        """A word of `list` with its default settings is a valid choice; the one combination ruled out says so."""
        for line in self.refframe("list").stdout.split("\n\n"):
            head = re.match(r"[a-z]+: .*\(([a-z.]+\.kind), default", line)
            if not head:
                continue
            for word in re.findall(r"(?m)^  ([a-z_]+) ", line):
                self.write("one.yaml", SINGLE)
                done = subprocess.run([REFFRAME, "check", "one.yaml", "--set", f"{head.group(1)}={word}"],
                                      cwd=self.folder, capture_output=True, text=True, timeout=60)
                self.assertNotIn("is not one of", done.stderr)
                self.assertIn(done.returncode, (0, 2), done.stderr)

    def test_init_check_run(self):
        said = self.refframe("init", "first").stdout
        self.assertEqual(said, f"first.yaml written; next: {REFFRAME} check first.yaml && {REFFRAME} run first.yaml\n")
        text = read(self.at("first.yaml"))
        plan = self.refframe("check", "first.yaml").stdout
        self.assertRegex(plan, r"memory +[0-9.]+ [KMG]iB")
        self.assertRegex(plan, r"TFLOP")
        self.assertEqual(sorted(os.listdir(self.folder)), ["first.yaml"], "check writes nothing")
        self.refframe("init", "first.yaml", code=2)
        self.assertEqual(read(self.at("first.yaml")), text)
        found = {**os.environ, "PATH": f"{os.path.dirname(REFFRAME)}:{os.environ['PATH']}"}
        said = self.refframe("init", "second", program=["/usr/bin/env", os.path.basename(REFFRAME)], env=found).stdout
        self.assertIn("next: refframe check second.yaml && refframe run second.yaml", said)
        self.assertEqual(read(self.at("second.yaml")), text.replace(b"name: first", b"name: second"))
        self.assertIn("-> results/second", self.refframe("check", "second.yaml").stdout)

    def test_check_tells_what_a_run_then_has(self):
        self.write("tiny.yaml", TINY)
        plan = self.refframe("check", "tiny.yaml").stdout
        self.refframe("run", "tiny.yaml")
        runs = run_folders(self.at("results", "tiny"))
        self.assertIn("4 runs", plan)
        for name, path in runs.items():
            if "-s1-" not in name:
                continue
            manifest = json.loads(read(os.path.join(path, "manifest.json")))
            snapshots = [file for file in os.listdir(os.path.join(path, "snapshots")) if file.startswith("step-")]
            self.assertRegex(plan, rf"{re.escape(name)} +{manifest['n_parameters']} +{len(snapshots)} ")

    def test_a_run_leaves_what_the_format_says(self):
        run = self.one_run()
        manifest = json.loads(read(os.path.join(run, "manifest.json")))
        self.assertEqual(manifest["status"], "finished")
        self.assertEqual((manifest["step"], manifest["steps"], manifest["seed"]), (12, 12, 1))
        share = re.search(rb"finished; ([0-9.]+) % of [0-9.]+ s went into measuring\n$", read(os.path.join(run, "log.txt")))
        self.assertAlmostEqual(float(share[1]), 100 * manifest["measure_seconds"] / manifest["wall_seconds"], delta=5)
        self.assertTrue(run.endswith("-s1-" + manifest["id"]))
        self.assertRegex(manifest["id"], "^[0-9a-f]{12}$")
        self.assertTrue(manifest["cpu"] and manifest["compiler"] and manifest["kernels"])
        rows = list(csv.DictReader(io.StringIO(read(os.path.join(run, "train.csv")).decode())))
        self.assertEqual([int(row["step"]) for row in rows], list(range(1, 13)))
        self.assertTrue(all(0 < float(row["loss"]) < 20 and float(row["gradient_norm"]) > 0 for row in rows))
        found = result_of_run(run)
        steps = sorted(name for name in found if name.startswith("snapshots/step-"))
        self.assertEqual([int(name[-12:-4]) for name in steps], [0, 1, 2, 4, 5, 10, 12])
        self.assertEqual([name for name in found if name.startswith("checkpoints/")],
                         ["checkpoints/step-00000009.safetensors", "checkpoints/step-00000012.safetensors"])
        self.assertIn("snapshots/baselines.npz", found)
        import hashlib
        for name, digest in manifest["files"].items():
            self.assertEqual(hashlib.sha256(found[name]).hexdigest(), digest)
        self.assertEqual(sorted(manifest["files"]), sorted(name for name in found if name != "run.yaml"))

    def test_tables_agree(self):
        self.write("tiny.yaml", TINY)
        done = self.refframe("run", "tiny.yaml")
        folder = self.at("results", "tiny")
        self.refframe("report", folder, "--table", "geometry", "--table", "heads")
        names = ("summary.csv", "runs.csv", "curves.csv", "geometry.csv", "heads.csv", "onset.csv")
        tables = {name: list(csv.DictReader(io.StringIO(read(os.path.join(folder, name)).decode()))) for name in names}
        plan = json.loads(read(os.path.join(folder, "plan.json")))
        self.assertEqual(len(tables["summary.csv"]), len(plan["arms"]))
        runs = {run["folder"] for run in plan["runs"]}
        self.assertEqual(runs, set(run_folders(folder)))
        self.assertEqual([row["run"] for row in tables["runs.csv"]], [run["folder"] for run in plan["runs"]])
        for table in ("geometry.csv", "heads.csv", "onset.csv"):
            self.assertTrue(tables[table])
            self.assertEqual({row["run"] for row in tables[table]} - runs, set())
        self.assertEqual({row["run"] for row in tables["geometry.csv"]}, runs)
        metrics = read(os.path.join(folder, "metrics.json")).decode()
        for table in ("geometry.csv", "heads.csv", "curves.csv"):
            for name in {row["metric"] for row in tables[table]}:
                if not name.startswith(("held_out_loss", "frame")):  # no metrics of geometry
                    self.assertIn(f'"{name.split(":")[0]}"', metrics)
        by_layer = {(row["run"], row["step"], row["layer"], row["metric"]): float(row["value"] or "nan") for row in tables["geometry.csv"]}
        run_of = {(row["arm"], row["seed"]): row["run"] for row in tables["runs.csv"]}
        n_same = 0
        for row in tables["curves.csv"]:
            if row["level"] != "strongest" and not row["metric"].startswith("frame"):
                expected = by_layer[run_of[row["arm"], row["seed"]], row["step"], row["layer"], row["metric"]]
                self.assertEqual(str(float(row["value"] or "nan")), str(expected), row)
                n_same += 1
        self.assertGreater(n_same, 100)
        finals = [statistics.median([float(row["value"]) for row in tables["curves.csv"] if row["level"] == "strongest" and
                                     row["metric"] == run["headline"] and run_of[row["arm"], row["seed"]] == run["run"]][-3:])
                  for run in tables["runs.csv"]]
        self.assertEqual([float(run["final"]) for run in tables["runs.csv"]], finals)
        for arm in tables["summary.csv"]:
            own = [run for run in tables["runs.csv"] if run["arm"] == arm["arm"]]
            for column in ("final", "value_drain", "loss", "floor"):
                self.assertAlmostEqual(float(arm[column]), statistics.median(float(run[column]) for run in own), delta=1e-15)
            self.assertEqual(int(arm["formed"]), sum(run["onset"] != "never" for run in own))
        for arm in plan["arms"]:
            self.assertIn(arm["name"], done.stdout)
        json.loads(read(os.path.join(folder, "verdicts.json")))
        json.loads(read(os.path.join(folder, "reference.json")))

    def test_check_says_what_the_seeds_can_decide(self):
        """Before hours are spent: as many seeds as a claim needs, and as a family of claims does."""
        claims = "".join(f'  - {{text: t, that: "median(sink_mass) < {i}"}}\n' for i in range(4))
        self.write("two.yaml", TINY + "expect:\n" + claims)
        said = self.refframe("check", "two.yaml").stdout
        self.assertRegex(said, "(?m)^  seeds +2 seeds decide no claim; 6 do, where all of them agree$")
        self.assertRegex(said, r"(?m)^  family +4 claims, .*2 seeds decide none of them .*; 8 seeds that agree would;$")
        said = self.refframe("check", "two.yaml", "--set", "seeds=12").stdout
        self.assertIn("12 seeds decide a claim on which 10 of them agree", said)
        self.assertIn("as the first of them, one true in 90 % of seeds is decided in 66 % of studies", said)
        self.write("none.yaml", TINY)
        self.assertNotIn("decide", self.refframe("check", "none.yaml").stdout)

    def test_large_tables_are_written_on_request(self):
        """They once took as much room as the results; asked for, they never go stale."""
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml")
        folder = self.at("results", "one")
        choices = [name for name, summary in re.findall(r"(?m)^  (\w+) +(.*)$", self.refframe("list", "export").stdout)
                   if "on request" in summary]
        self.assertEqual(choices, ["geometry", "heads"])
        paths = [os.path.join(folder, f"{name}.csv") for name in choices]
        self.assertEqual([os.path.exists(path) for path in paths], [False, False])
        for name in choices:
            self.assertRegex(self.refframe("report", "--help").stdout, rf"--table TABLE .*\b{name}\b")
        done = self.refframe("report", folder, "--table", "geometri", code=2)
        self.assertEqual(done.stderr, 'refframe report: --table: "geometri" is not one of geometry, heads; did you mean "geometry"?\n')
        self.refframe("report", folder, "--table", "summary", code=2)
        self.refframe("report", folder, "--table", "geometry", "--table=heads")
        whole = [read(path) for path in paths]
        self.assertEqual([data.startswith(b"run,arm,seed,step,tokens,layer,") for data in whole], [True, True])
        self.refframe("status", folder, "--verify")
        for path in paths:
            self.write(path, "of another day\n")
        self.refframe("run", "one.yaml")  # which reports, and was asked for neither
        self.assertEqual([read(path) for path in paths], whole)
        os.remove(paths[1])
        self.refframe("report", folder)
        self.assertEqual([os.path.exists(path) for path in paths], [True, False])
        self.refframe("status", folder, "--verify")

    def test_axes_called_like_columns(self):
        """An axis may have any name; the tables once ended the program when it was that of a column."""
        self.write("axes.yaml", SINGLE + "sweep:\n  arm: {short: {train.clip: 1}, tall: {train.clip: 2}}\n"
                                         "  loss: {low: {data.eos: always}, high: {data.eos: never}}\n")
        self.refframe("run", "axes.yaml")
        rows = list(csv.DictReader(io.StringIO(read(self.at("results", "axes", "summary.csv")).decode())))
        self.assertEqual([(row["arm"], row["arm (axis)"], row["loss (axis)"]) for row in rows],
                         [("short-low", "short", "low"), ("short-high", "short", "high"),
                          ("tall-low", "tall", "low"), ("tall-high", "tall", "high")])
        self.assertTrue(all(float(row["loss"]) > 0 for row in rows))
        for table, n in (("runs.csv", 4), ("curves.csv", 100)):
            rows = list(csv.DictReader(io.StringIO(read(self.at("results", "axes", table)).decode())))
            self.assertGreaterEqual(len(rows), n)
            loss = "loss (axis)" if table == "runs.csv" else "loss"
            self.assertEqual({row["arm"] for row in rows}, {f"{row['arm (axis)']}-{row[loss]}" for row in rows})

    def test_a_snapshot_without_tokens_is_no_result(self):
        """Labels by token need them; a run that lacks them is named with the reason, and the others are reported."""
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml")
        run = sorted(run_folders(self.at("results", "tiny")).values())[0]
        path = os.path.join(run, "snapshots", "step-00000012.npz")
        with zipfile.ZipFile(path) as npz:
            members = [(name, npz.read(name)) for name in npz.namelist() if name != "tokens.npy"]
        with zipfile.ZipFile(path, "w") as npz:
            for name, data in members:
                npz.writestr(name, data)
        list_again(run)
        text = self.refframe("report", "results/tiny", code=1).stdout
        self.assertRegex(text, rf"{re.escape(os.path.basename(run))}: [^\n]*`tokens` is missing")

    def test_plain_kernels_are_said_to_be_slow(self):
        """An old CPU is no reason for a puzzle: some hours where the README says minutes."""
        self.write("one.yaml", SINGLE)
        for words in (["check", "one.yaml"], ["run", "one.yaml"]):
            text = self.refframe(*words, env={**os.environ, "REFFRAME_KERNELS": "plain"}).stdout
            self.assertRegex(text, "(?m)^ *note:? +the plain kernels are in use .* 90 times as slow as AVX2")

    def test_status(self):
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml")
        text = self.refframe("status", "results/tiny").stdout
        for run in run_folders(self.at("results", "tiny")):
            self.assertRegex(text, rf"(?m)^  finished +{re.escape(run)}  step 12/12")
        self.assertTrue(text.endswith("4 of 4 runs finished\n"))

    def test_show(self):
        run = self.one_run()
        last = self.refframe("show", run).stdout
        self.assertEqual(self.refframe("show", run, "--step", 12).stdout, last)
        first = self.refframe("show", run, "--step", 0).stdout
        self.assertNotEqual(first, last)
        self.assertRegex(last, r"(?m)^  model +\w+ +\w+ +[0-9.]+ from \w+, [0-9]+ %$")
        # One heading for every metric that `show` knows: a name that the snapshots do not have would be left out silently.
        self.assertRegex(last, r"(?m)^ +head +sink idle +sink +alpha +max inflow +end +anchors +entropy +v drain +logit gap "
                               r"+by position +by token +margin, agree$")
        self.refframe("show", run, "--step", 3, code=2)

    def test_a_folder_for_another(self):
        """A run's folder for its experiment's, the other way round, and the one above both: the right one is named."""
        self.one_run()
        (run,) = run_folders(self.at("results", "one"))
        self.assertEqual(self.refframe("show", "results/one", code=2).stderr,
                         f"refframe: results/one: is an experiment's folder; show takes one of its runs, as results/one/{run}\n")
        for verb in "status", "report", "clean":
            self.assertEqual(self.refframe(verb, f"results/one/{run}", code=2).stderr,
                             f"refframe: results/one/{run}: is the folder of one run; its experiment's is results/one\n")
            self.assertEqual(self.refframe(verb, "results", code=2).stderr,
                             "refframe: results: holds experiments' folders; name one of them, as results/one\n")

    def test_learnt_tokens_are_read_as_text_from_the_run_alone(self):
        words = "the cat café naïve 猫 sat on 1813 mats, then".split(" ")
        dice = random.Random(1)
        text = "\n\n".join(" ".join(dice.choices(words, k=40)) for _ in range(80)).encode()
        self.write("words.txt", text)
        self.write("words.yaml", MODEL + "seeds: 1\nsweep:\n  data.tokenizer.kind: [byte, bpe]\ndata:\n  source: {kind: text, "
                                 "files: [words.txt]}\n  tokenizer: {vocab_size: 293}\n")
        self.refframe("run", "words.yaml")
        bpe, byte = sorted(run_folders(self.at("results", "words")).values())  # by arm
        self.assertFalse(os.path.exists(os.path.join(byte, "tokenizer.csv")))
        rows = list(csv.DictReader(io.StringIO(read(os.path.join(bpe, "tokenizer.csv")).decode())))
        self.assertEqual([int(row["id"]) for row in rows], list(range(3, 293)))
        spelt = {int(row["id"]): bytes.fromhex(row["bytes"]) for row in rows}
        for row in rows[256:]:
            self.assertEqual(spelt[int(row["id"])], spelt[int(row["left"])] + spelt[int(row["right"])])
        self.assertIn(" café".encode(), spelt.values())
        with zipfile.ZipFile(os.path.join(bpe, "snapshots", "step-00000012.npz")) as npz:
            member = npz.read("tokens.npy")
        ids = array.array("i", member[10 + int.from_bytes(member[8:10], "little"):])
        self.assertEqual(len(ids), 4 * 16)
        for start in range(0, len(ids), 16):
            self.assertEqual(ids[start], 0)  # BOS
            sequence = b"".join(spelt[i] for i in ids[start + 1:start + 16])
            self.assertGreater(len(sequence), 20)
            self.assertGreater(text.rfind(sequence), 0.85 * len(text))
        self.assertIn("tokenizer.csv", json.loads(read(os.path.join(bpe, "manifest.json")))["files"])

    def test_measuring_again_gives_the_same_bytes(self):
        run = self.one_run("--set", "snapshot.weights=true")
        before = result_of_run(run)
        text = self.refframe("measure", run, "--threads", 3).stdout
        self.assertIn("7 snapshots measured again, 0 changed", text)
        self.assertSameResults(result_of_run(run), before)

    def test_measuring_again_from_checkpoints(self):
        """A snapshot that is wrong is put right by the checkpoint of its step; the others have no weights and stay."""
        run = self.one_run()
        before = result_of_run(run)
        with open(os.path.join(run, "snapshots", "step-00000012.npz"), "wb") as file:
            file.write(before["snapshots/step-00000010.npz"])
        text = self.refframe("measure", run).stdout
        self.assertIn("1 snapshot measured again, 1 changed\n  steps   12\n  changed 12\n", text)
        self.assertSameResults(result_of_run(run), before)

    def test_measuring_again_wants_the_same_text(self):
        """Another text under the same name: other sequences would be measured, and their numbers put beside the old ones."""
        self.write("corpus.txt", "to be or not to be that is the question\n\n" * 200)
        self.write("one.yaml", SINGLE + "data.source.files: [corpus.txt]\n")
        self.refframe("run", "one.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", "one")).values()
        before = result_of_run(run)
        self.write("corpus.txt", "whether tis nobler in the mind to suffer\n\n" * 200)
        for verb in ("measure", "train"):
            error = self.refframe(verb, run, code=2).stderr
            self.assertEqual(len(error.splitlines()), 1, error)
            self.assertIn("changed", error)
        self.assertSameResults(result_of_run(run), before)

    def test_set_writes_beside(self):
        """Each override into a folder of its own, the same in whichever order it is given."""
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml")
        folder = "one+model.position.kind=alibi+train.lr=0.5"
        for words, name in (((), "one"), (("train.lr=0.5", "model.position.kind=alibi"), folder),
                            (("model.position.kind=alibi", "train.lr=0.5"), folder), (("train.lr=0.25",), "one+train.lr=0.25")):
            before = [entry for entry in self.everything() if f"results/{name}/" not in entry[0]]
            done = self.refframe("run", "one.yaml", *(word for each in words for word in ("--set", each)))
            after = {entry[0]: entry for entry in self.everything()}
            self.assertEqual([entry for entry in before if os.path.isfile(entry[0]) and after[entry[0]] != entry], [])
            self.assertIn(f"-> results/{name}\n", done.stdout)
        (changed,) = run_folders(self.at("results", folder)).values()
        self.assertIn(b"kind: alibi", read(os.path.join(changed, "run.yaml")))
        self.assertNotEqual(os.path.basename(changed), *run_folders(self.at("results", "one")))

    def test_set_that_no_folder_could_be_called_by(self):
        """It keeps what can be kept, and a hash: nothing leaves results/, and two never meet."""
        self.write("one.yaml", SINGLE)
        folders = set()
        for sets in (["seeds=[2]"], ["seeds=[3]"], ["train.lr=1e-3", "data.bos= always "],
                     [f"measure.{family}.every={n}" for n, family in enumerate(("rank", "graph", "topology", "rips"), 2)]):
            words = [word for each in sets for word in ("--set", each)]
            (folder,) = re.findall(r" -> (\S+)\n", self.refframe("check", "one.yaml", *words).stdout)
            self.assertRegex(folder, r"^results/one\+[\w.=,+-]{1,90}-[0-9a-f]{8}$")
            folders.add(folder)
        self.assertEqual(len(folders), 4)

    def test_a_loss_that_explodes_fails_the_run(self):
        self.write("one.yaml", SINGLE.replace("warmup_steps: 4", "warmup_steps: 0") + "train.lr: 1000\ntrain.clip: 0\n"
                   "train.optimizer.kind: sgd\nmodel.tied_head: true\nmodel.init.head_std: 100\n")
        done = self.refframe("run", "one.yaml", "--set", "train.steps=200", "--results", "results", code=1)
        (run,) = run_folders(self.at("results", "one")).values()
        manifest = json.loads(read(os.path.join(run, "manifest.json")))
        self.assertEqual(manifest["status"], "failed")
        self.assertIn("finite", manifest["reason"])
        self.assertIn(manifest["reason"], done.stderr)
        self.assertIn("failed", self.refframe("status", "results/one").stdout)
        self.assertGreaterEqual(len(read(os.path.join(run, "train.csv")).splitlines()), 1)

    def test_colours_only_where_they_are_wanted(self):
        run = self.one_run()
        self.assertNotIn("\x1b", self.refframe("show", run).stdout)
        coloured, code = self.on_a_terminal("show", run)
        self.assertEqual(code, 0)
        self.assertRegex(coloured, COLOUR)
        plain, code = self.on_a_terminal("show", run, NO_COLOR="1")
        self.assertEqual(code, 0)
        self.assertNotRegex(plain, COLOUR)
        self.assertEqual(COLOUR.sub("", coloured), plain)
        self.assertNotIn("\x1b", self.on_a_terminal("show", run, TERM="dumb")[0])

    def test_progress_on_a_terminal(self):
        self.write("tiny.yaml", TINY.replace("steps: 12", "steps: 400"))
        text, code = self.on_a_terminal("run", "tiny.yaml")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"\r\x1b\[K[0-4]/4 runs  \[[#-]+\]")
        self.assertRegex(text, r"loss [0-9.]+.*tokens/s")
        self.assertRegex(text, r"runs  \[[#-]+\] +\d+ % .*left  loss")  # what a narrow terminal must not cut off
        self.write("tiny.yaml", TINY)
        self.assertNotRegex(self.refframe("run", "tiny.yaml", "--results", "other").stdout, "[\r\x1b]")

    def test_claims_of_what_was_measured_on_other_queries(self):
        masked = "objective.kind: masked\nmodel.mask.kind: full\n"
        for name, keys in (("targets/sink_mass", ""), ("corrupted/sink_mass", masked), ("corrupted/targets/sink_mass", masked)):
            self.write("claims.yaml", f"measure.targets: true\n{keys}expect:\n  - {{text: some, that: \"median({name}:strongest) > 0\"}}\n")
            self.refframe("check", "claims.yaml")
        for name, hint in (("targets/sink_mas", '; did you mean "sink_mass"?'), ("target/sink_mass", ""), ("targets/corrupted/sink_mass", "")):
            self.write("claims.yaml", f"train.steps: 5\nexpect:\n  - {{text: some, that: \"median({name}) > 0\"}}\n")
            self.assertIn(f'unknown metric "{name}"{hint}\n', self.refframe("check", "claims.yaml", code=2).stderr)

    def test_bench(self):
        """What it says fits together. How fast it is says nothing here: machines are busy, and a window of steps may fall into a
        quiet moment between two peaks that did not. The models are cut down, as a sanitizer takes minutes for a step of L."""
        small = [word for key in ("n_layers=1", "d_model=32", "d_head=8", "context_length=32") for word in ("--set", f"model.{key}")]
        rows = json.loads(self.refframe("bench", "--json", "--seconds", 1, *small, "--set", "numerics.engine=exact").stdout)
        self.assertEqual([row["size"] for row in rows], ["S", "M", "L"])
        self.assertEqual(sorted(row["flops_per_token"] for row in rows), [row["flops_per_token"] for row in rows])
        for row in rows:
            self.assertGreaterEqual(row["threads"], 1)
            self.assertGreaterEqual(row["best_tokens_per_s"], row["tokens_per_s"])
            ratio = row["tokens_per_s"] / row["floor_tokens_per_s"]
            for share in (row["share_of_floor"], row["best_share_of_floor"]):
                self.assertTrue(share / 100 < ratio < share * 100, row)  # of one unit

    def test_bench_of_another_model(self):
        """Every key of an experiment may be set; the floor knows of layers, and of targets under the masked objective."""
        flops = []
        for more in ([], ["--set", "model.n_layers=1"], ["--set", "model.n_layers=1", "--set", "objective.kind=masked"]):
            rows = json.loads(self.refframe("bench", "--json", "--seconds", 1, "--size", "S", *more).stdout)
            self.assertEqual({row["size"] for row in rows}, {"S"})
            flops.append(rows[0]["flops_per_token"])
        self.assertTrue(flops[0] > 2 * flops[1] > 2 * flops[2], flops)
        for words, text in ((("--size", "XL"), '--size is S, M or L, not "XL"'), (("--set", "lr"), 'KEY=VALUE, not "lr"'),
                            (("--set", "model.maks.kind=full"), 'did you mean "model.mask.kind"'), (("--vocab", "3"), "--vocab")):
            done = self.refframe("bench", *words, code=2)
            self.assertEqual(done.stdout, "")
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
