"""Without this, `check` could promise memory that a run does not keep to: a machine would be filled, or left half empty."""
import os
import re
import subprocess
import unittest

from harness import REFFRAME, Case, read

BUILD = os.environ["BUILD_DIR"]
WITHIN = 0.1

# The bench's S; two blocks of it with everything measured; the quickstart's model; byte pairs of the embedded corpus.
SETTINGS = {
    "bare": """
        model: {n_layers: 4, n_heads: 4, d_model: 128, context_length: 128}
        train: {steps: 2, batch_size: 16}
        measure: {enabled: false}
        """,
    "measured": """
        model: {n_layers: 2, n_heads: 4, d_model: 128, context_length: 128}
        train: {steps: 1, batch_size: 16}
        """,
    "quickstart": """
        model: {n_layers: 2, n_heads: 2, d_model: 128, context_length: 64, activation: relu}
        data: {source: {kind: bigram_backcopy, n_triggers: 3}}
        train: {steps: 2}
        """,
    "wide": """
        model: {n_layers: 2, n_heads: 4, d_model: 256, context_length: 64, activation: swiglu, norm_placement: sandwich}
        data: {tokenizer: {kind: bpe}}
        train: {steps: 2, batch_size: 8, optimizer: {kind: sgd}}
        measure: {sequences: 4}
        """,
}
ENGINE = """
    model: {n_layers: 2, n_heads: 8, d_model: 256, context_length: 128}
    train: {steps: 2, batch_size: 8}
    measure: {enabled: false}
    numerics: {engine: NAME}
    """


def instrumented():
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        return re.search(r"-fsanitize|--coverage", file.read()) is not None


@unittest.skipIf(instrumented(), "sanitizers take memory of their own")
class Memory(Case):
    def promised(self, *words):
        found = re.search(r"memory +([\d.]+) (MiB|GiB) at most for a run", self.refframe("check", *words).stdout)
        return float(found[1]) * {"MiB": 2**20, "GiB": 2**30}[found[2]]

    def taken(self, *words, **variables):
        """The most that one process of a run had in memory at a time, its parent's not counted, which is small."""
        env = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"} | variables  # it touches what nobody does
        process = subprocess.Popen([REFFRAME, "run", *words], cwd=self.folder, stdout=subprocess.DEVNULL, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_within_a_tenth(self):
        has_openblas = "openblas none" not in self.refframe("--version").stdout
        engines = ["bfloat16"] + ["openblas"] * has_openblas
        for name, text in {**SETTINGS, **{name: ENGINE.replace("NAME", name) for name in engines}}.items():
            for threads in (1, 2):
                with self.subTest(name, threads=threads):
                    yaml = "claim: it fits\nseeds: 1\n" + re.sub(r"^ +", "", text, flags=re.M)
                    path = self.write(f"{name}{threads}.yaml", yaml)
                    options = (path, "--jobs", "1", "--threads", str(threads))
                    promised, taken = self.promised(*options), self.taken(*options, "--results", f"{name}{threads}")
                    self.assertLess(abs(taken / promised - 1), WITHIN, f"{promised} promised, {taken} taken")


    def test_reading_a_text(self):
        """It stands in memory with its tokens, before a run takes any."""
        with open(self.at("words.txt"), "w", encoding="ascii") as file:  # piece by piece: a child is held to have taken what
            file.writelines(f"{k * k % 9973:x} of {k % 61} " for k in range(1000000))  # its parent had
        for kind in ("byte", "bpe, vocab_size: 1024"):
            path = self.write("text.yaml", "seeds: 1\nmodel: {n_layers: 1, n_heads: 1, d_model: 16, context_length: 16}\n"
                              "train: {steps: 1, batch_size: 2}\nmeasure: {sequences: 2}\n"
                              f"data: {{source: {{kind: text, files: [words.txt]}}, tokenizer: {{kind: {kind}}}}}\n")
            promised, taken = self.promised(path, "--threads", "1"), self.taken(path, "--threads", "1", "--results", kind)
            self.assertGreater(taken, 60e6)  # that is, more than the run
            self.assertLess(abs(taken / promised - 1), WITHIN, f"{kind}: {promised} promised, {taken} taken")
        # the same is promised where tokens come from the cache, which takes less
        cache = {"REFFRAME_CACHE": self.at("cache")}
        self.refframe("check", path, env={**os.environ, **cache})
        self.assertLess(self.taken(path, "--threads", "1", "--results", "warm", **cache), promised)

    def test_threads_that_were_asked_for(self):
        """A run that memory has room for on one thread, not on four, is refused on four and on no other account."""
        path = self.write("wide.yaml", "seeds: 1\nmodel: {n_layers: 1, n_heads: 8, d_model: 16, context_length: 8192}\n"
                          "train: {steps: 1, batch_size: 8}\nmeasure: {enabled: false}\ndata: {source: {kind: bigram_backcopy}}\n")
        def check(heads, threads, code):
            return self.refframe("check", path, "--set", f"model.n_heads={heads}", "--set", f"model.d_model={2 * heads}",
                                 "--threads", threads, code=code).stderr
        found = re.search(r"a run of these sizes needs .* this machine has ([\d.]+) GiB", check(256, 4, None))
        heads = int(0.6 * float(found[1]) * 2**30 / (self.promised(path, "--threads", "1") / 8)) if found else 0
        if not 0 < heads <= 256:
            self.skipTest("too much memory for such a model, or too little")
        check(heads, 1, 0)
        self.assertIn("a run of these sizes needs", check(heads, 4, 2))

    def test_threads_without_work(self):
        """More of them than pieces of a batch: said, and not counted on."""
        path = self.write("lanes.yaml", "seeds: 1\nmodel: {n_layers: 1, n_heads: 1, d_model: 16, context_length: 16}\n"
                          "train: {steps: 1, batch_size: 8}\n")
        line = "threads for each run: training uses 4 of them, as many as train.lanes; more lanes make another run, with other bits"
        self.assertIn(f"note      6 {line}\n", self.refframe("check", path, "--threads", 6).stdout)
        for words in ("--threads", 4), ("--threads", 6, "--set", "train.lanes=8"):
            self.assertNotIn("training uses", self.refframe("check", path, *words).stdout)
        self.write("arms.yaml", read(path).decode() + "sweep: {train.lanes: [1, 4]}\n")
        self.assertIn("note      6 threads for each run: training uses 4 ", self.refframe("check", "arms.yaml", "--jobs", 1, "--threads", 6).stdout)
        bench = self.refframe("bench", "--threads", 6, "--seconds", 1, "--size", "S", "--set", "model.n_layers=1", "--set", "model.d_model=32",
                              "--set", "model.context_length=32", "--set", "numerics.engine=exact").stdout
        self.assertIn("2 of the 6 threads have nothing to do: train.lanes is 4, at most train.batch_size\n", bench)

    def test_runs_at_a_time(self):
        """As many as memory has room for, or as were asked for, if it has."""
        path = self.write("large.yaml", "seeds: 1024\nmodel: {n_layers: 8, n_heads: 8, d_model: 512}\ntrain: {steps: 1}\n")
        refused = self.refframe("check", path, "--jobs", "1024", code=2).stderr
        self.assertRegex(refused, r"^refframe: --jobs: 1024 runs at a time need [\d.]+ [GT]iB of memory; this machine has [\d.]+ .iB, "
                         r"room for \d+\n$")
        room = re.search(r"room for (\d+)", refused)[1]
        self.assertIn(f"for {room} at a time", self.refframe("check", path, "--jobs", room).stdout)
        self.refframe("run", path, "--jobs", str(int(room) + 1), code=2)
        # so many layers that two are too much
        words = ("check", path, "--set", f"model.n_layers={min(8 * int(room) * 2 // 3, 1024)}", "--threads", 1)
        refused = self.refframe(*words, "--jobs", 2, code=None).stderr
        cores = re.search(r"for (\d+) at a time", self.refframe("check", path).stdout)[1]
        if refused and cores != "1":
            self.assertIn("room for 1\n", refused)
            self.assertRegex(self.refframe(*words).stdout, r"note +1 at a time: this machine's memory, .*, has room for no more")


if __name__ == "__main__":
    unittest.main()
