"""Without this, the program could read what was never written, in a way that its unit tests don't: each verb under valgrind,
training with each kind of block included. (What `run` starts is tested as `train`: valgrind can't follow /proc/self/exe.)"""
import glob
import json
import os
import shutil
import signal
import time
import unittest
import zipfile

from harness import REFFRAME, SINGLE, TINY, Case, result_of_run, run_folders

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--trace-children=no", REFFRAME]

ARMS = """\
sweep:
  arm_is:
    rope: {model.activation: swiglu, model.qk_norm: true, data.source.kind: text, data.tokenizer.kind: bpe}
    absolute: {model.position.kind: absolute, model.norm: rmsnorm, model.norm_placement: post, model.tied_head: true}
    alibi: {model.position.kind: alibi, model.mask.kind: full, objective.kind: masked, model.bias: true}
    relative: {model.position.kind: relative, objective.kind: labelled, data.source.kind: recall, data.bos: never,
      train.optimizer.kind: sgd, train.schedule.kind: wsd}
"""


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Valgrind(Case):
    def checked(self, *words, **options):
        """`refframe WORDS` under valgrind, which has nothing to say."""
        done = self.refframe(*words, program=VALGRIND, timeout=1200, **options)
        self.assertNotIn("==", done.stderr)
        return done

    def test_training_and_resuming(self):
        self.write("one.yaml", SINGLE + ARMS)
        self.refframe("run", "one.yaml", "--results", "calm")
        for name, path in run_folders(self.at("calm", "one")).items():
            with self.subTest(run=name):
                os.mkdir(self.at(name))
                shutil.copy(os.path.join(path, "run.yaml"), self.at(name))
                self.checked("train", name, "--threads", 2)
                self.assertSameResults(result_of_run(self.at(name)), result_of_run(path))
                os.remove(self.at(name, "checkpoints", "step-00000012.safetensors"))
                manifest = self.at(name, "manifest.json")
                with open(manifest, encoding="utf-8") as file:
                    text = json.load(file)
                self.write(manifest, json.dumps({**text, "status": "running"}))
                self.checked("train", name, "--threads", 3)
                self.assertSameResults(result_of_run(self.at(name)), result_of_run(path))
                self.checked("show", name)

    def test_interrupting(self):
        self.write("one.yaml", SINGLE.replace("steps: 12", "steps: 50000"))
        process = self.start("run", "one.yaml", "--results", "r")
        while process.poll() is None and not run_folders(self.at("r", "one")):
            time.sleep(0.005)
        self.kill(process)
        (run,) = run_folders(self.at("r", "one")).values()
        process = self.start("train", run, "--threads", 2, program=VALGRIND)
        while process.poll() is None and not glob.glob(os.path.join(run, "snapshots", "step-*5.npz")):
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 130, out + err)
        self.assertNotIn("==", err)

    def test_the_other_verbs(self):
        self.write("tiny.yaml", TINY.replace("seeds: 2", "seeds: 1"))
        self.refframe("run", "tiny.yaml", "--set", "snapshot.weights=true", "--results", "results")
        run = next(iter(run_folders(self.at("results", "tiny")).values()))
        with zipfile.ZipFile(os.path.join(run, "snapshots", "step-00000012.npz")) as npz:
            npz.extract("map.npy", self.folder)
            npz.extract("tokens.npy", self.folder)
        self.write("other.yaml", TINY.replace("seeds: 2", "seeds: 1") + "snapshot.weights: true\n")
        again = "run", "tiny.yaml", "--set", "snapshot.weights=true", "--results", "results"
        for words in (again, ("list",), ("check", "tiny.yaml"), ("init", "new"), ("status", "results/tiny", "--verify"),
                      ("report", "results/tiny", "--table", "heads"), ("show", run), ("measure", run), ("export", run, "--to", "out"),
                      ("measure", "out", "--ids", "tokens.npy"),
                      ("run", "other.yaml", "--results", "results"),  # the same runs: none is trained
                      ("compare", "results/tiny", "results/other"), ("clean", "results/tiny", "--yes"), (*again, "--shard", "1/2"),
                      ("measure", "map.npy", "--mask", "causal"), ("--help",), ("run", "--help")):
            with self.subTest(words=words):
                self.checked(*words)
        self.write("wrong.yaml", SINGLE.replace("n_layers", "n_layer"))
        self.checked("check", "wrong.yaml", code=2)


if __name__ == "__main__":
    unittest.main()
