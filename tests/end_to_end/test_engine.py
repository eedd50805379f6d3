"""Without these, a run could be given to a library that is not there or of no use, go on by another one, or keep what its bits
depend on to itself; and one of bfloat16 could have other bytes where there is no AMX."""
import ctypes
import glob
import json
import os
import platform
import re
import subprocess
import sys
import unittest

from exported import RUNS, experiment
from harness import REFFRAME, SINGLE, Case, read, result_of_run, run_folders

OPENBLAS = SINGLE + "numerics: {engine: openblas}\n"
BFLOAT16 = SINGLE + "numerics: {engine: bfloat16}\n"
COMPILER = os.environ.get("CC", "cc").split()
FLAVOURS = {"serial": 0, "pthreads": 1, "OpenMP": 2}

# A library of that name, in plain loops.
LIBRARY = """
int openblas_get_parallel(void) { return FLAVOUR; }
char *openblas_get_config(void) { return "OpenBLAS VERSION MADE_UP"; }
char *openblas_get_corename(void) { return "CORE"; }
void openblas_set_num_threads(int n) { (void)n; }
void cblas_sgemm(int order, int turns_a, int turns_b, int m, int n, int k, float alpha, const float *a, int ld_a, const float *b,
                 int ld_b, float beta, float *c, int ld_c)
{
    (void)order;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int p = 0; p < k; p++)
                sum += (turns_a == 112 ? a[p * ld_a + i] : a[i * ld_a + p]) * (turns_b == 112 ? b[j * ld_b + p] : b[p * ld_b + j]);
            c[i * ld_c + j] = alpha * sum + (beta ? beta * c[i * ld_c + j] : 0);
        }
}
"""


def version_line():
    shown = subprocess.run([REFFRAME, "--version"], text=True, capture_output=True, check=True).stdout
    return re.search("^openblas (.*)$", shown, re.M)[1]


def is_built():
    return "built without OpenBLAS" not in version_line()


def has_amx():
    return re.search("^bfloat16 by amx$", subprocess.run([REFFRAME, "--version"], text=True, capture_output=True, check=True).stdout, re.M) is not None


def lends_tiles():
    """Whether processor and system say so to anybody who asks (arch_prctl(2): the request for the state of tiles)."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return False
    flags = set(read("/proc/cpuinfo").decode().partition("flags")[2].partition("\n")[0].split())
    return {"amx_tile", "amx_bf16", "avx512_bf16"} <= flags and ctypes.CDLL(None).syscall(158, 0x1023, 18) == 0


class Bfloat16(Case):
    @unittest.skipUnless(lends_tiles(), "no AMX here")
    def test_it_is_found(self):
        """Else it would be emulated without a word of complaint."""
        self.assertTrue(has_amx())

    def run_with(self, kernels, *words):
        """The run's folder, by the kernels of that name; None: the fastest."""
        name = kernels or "fastest"
        env = {**os.environ, **({"REFFRAME_KERNELS": kernels} if kernels else {})}
        shown = self.refframe("run", "one.yaml", "--results", name, *words, env=env).stdout
        (folder,) = run_folders(self.at(name, "one")).values()
        return folder, shown

    def test_the_same_bytes_whoever_multiplies(self):
        """AMX where it is, and each path's emulation, which says that it is one."""
        self.write("one.yaml", BFLOAT16)
        fastest, shown = self.run_with(None)
        emulated = "numerics.engine: no products by AMX here; the same bits are emulated, slowly"
        self.assertEqual(emulated in shown, not has_amx())
        for kernels in "avx2", "plain":
            folder, shown = self.run_with(kernels, "--threads", "2")
            self.assertIn(emulated, shown)
            self.assertSameResults(result_of_run(folder), result_of_run(fastest))
        manifests = [json.loads(read(os.path.join(folder, "manifest.json"))) for folder in (fastest, folder)]
        self.assertEqual(len({manifest["kernels_note"] for manifest in manifests}), 1)
        self.assertIn("operands rounded to bfloat16", manifests[0]["kernels_note"])

    def test_it_has_an_id_and_results_of_its_own(self):
        self.write("one.yaml", SINGLE + "sweep:\n  numerics.engine: [exact, bfloat16]\n")
        self.refframe("run", "one.yaml")
        folders = run_folders(self.at("results", "one"))
        self.assertEqual(len({name[-12:] for name in folders}), 2)
        losses = [read(os.path.join(folder, "train.csv")) for folder in folders.values()]
        self.assertNotEqual(*losses)

    def test_a_bench_leaves_out_what_is_emulated(self):
        words = ["bench", "--seconds", "1", "--size", "S", "--set", "model.n_layers=1", "--set", "model.d_model=32", "--set", "model.context_length=32"]
        self.assertIn("bfloat16 is not measured: no AMX beside the kernels 'avx2', which would emulate it",
                      self.refframe(*words, env={**os.environ, "REFFRAME_KERNELS": "avx2"}).stdout)


class Engine(Case):
    def library(self, flavour="pthreads", version="1.0.0", core="Loops"):
        """An environment in which that one is found."""
        folder = self.at(f"{flavour}-{version}-{core}")
        os.makedirs(folder)
        source = LIBRARY.replace("FLAVOUR", str(FLAVOURS[flavour])).replace("VERSION", version).replace("CORE", core)
        path = os.path.join(folder, "libopenblas.so.0")
        subprocess.run([*COMPILER, "-x", "c", "-", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-o", path], input=source, text=True, check=True)
        return {**os.environ, "LD_LIBRARY_PATH": folder}

    def run_folder(self, name="one"):
        (folder,) = run_folders(self.at("results", name)).values()
        return folder

    def assert_refused(self, line, env, *words):
        for verb in ("check", "run"):
            done = self.refframe(verb, *words, code=2, env=env)
            self.assertEqual((done.stdout, done.stderr), ("", f"refframe: {line}\n"))

    def test_the_default_is_exact(self):
        """Whether it is said or not, and whatever lies where the library would."""
        self.write("one.yaml", SINGLE)
        self.write("said.yaml", SINGLE + "numerics: {engine: exact}\n")
        self.refframe("run", "one.yaml")
        self.refframe("run", "said.yaml")
        self.assertEqual(os.path.basename(self.run_folder()), os.path.basename(self.run_folder("said")))
        self.assertSameResults(result_of_run(self.run_folder()), result_of_run(self.run_folder("said")))
        self.assertEqual(json.loads(read(os.path.join(self.run_folder(), "manifest.json")))["kernels_note"],
                         "own products of fixed order; no BLAS")
        self.assertEqual(json.loads(read(self.at("results", "one", "reference.json")))["blas"], "none: own products of fixed order")

    def test_the_key_is_told(self):
        listed = self.refframe("list").stdout
        self.assertRegex(listed, r"numerics\.engine +matrix products: exact, .* openblas, .* bits depend on library and machine")
        self.write("one.yaml", SINGLE + "numerics: {engine: opnblas}\n")
        self.assertIn("openblas", self.refframe("check", "one.yaml", code=2).stderr)

    @unittest.skipIf(is_built(), "built with OpenBLAS")
    def test_a_build_without_it_says_so(self):
        path = self.write("one.yaml", OPENBLAS)
        self.assert_refused(f"one.yaml:{OPENBLAS.count(chr(10))}: numerics.engine: {version_line()[len('none: '):]}", None, os.path.basename(path))

    @unittest.skipUnless(is_built(), "built without OpenBLAS")
    def test_what_cannot_be_used_is_refused(self):
        self.write("one.yaml", OPENBLAS)
        place = f"one.yaml:{OPENBLAS.count(chr(10))}: numerics.engine: "
        env, path = self.hidden()
        self.assert_refused(place + f"OpenBLAS cannot be loaded (Debian: libopenblas0-pthread): {path}: file too short", env, "one.yaml")
        self.assert_refused(place + "this OpenBLAS is the serial one, whose calls threads cannot share; install the one with threads "
                            "(Debian: libopenblas0-pthread), and choose it with update-alternatives", self.library("serial"), "one.yaml")

    def hidden(self):
        """An environment in which the library cannot be loaded, and where it lies."""
        os.makedirs(self.at("broken"))
        path = self.write("broken/libopenblas.so.0", "no library")
        return {**os.environ, "LD_LIBRARY_PATH": self.at("broken")}, path

    @unittest.skipUnless(is_built(), "built without OpenBLAS")
    def test_what_computes_nothing_does_not_need_it(self):
        """An export holds the same bytes without the library."""
        self.write("one.yaml", experiment(RUNS["llama"], "numerics: {engine: openblas}\n").replace("maps: 1", "weights: true"))
        with_it, without = self.library(), self.hidden()[0]
        self.refframe("run", "one.yaml", env=with_it)
        run = self.run_folder()
        for words in (("--step", 3), ("--revisions",)):
            self.refframe("export", run, "--to", "with" + words[0], *words, env=with_it)
            self.refframe("export", run, "--to", "without" + words[0], *words, env=without)
            self.assertSameResults(*(self.files(self.at(name + words[0])) for name in ("without", "with")))
        for words in (("status", "results/one", "--verify"), ("show", run), ("report", "results/one")):
            self.refframe(*words, env=without)
        self.assertIn("OpenBLAS cannot be loaded", self.refframe("measure", run, code=2, env=without).stderr)

    def files(self, folder):
        found = {os.path.relpath(path, folder): read(path) for path in glob.glob(os.path.join(folder, "**", "*.*"), recursive=True)}
        self.assertTrue(any(name.endswith("model.safetensors") for name in found))
        return found

    @unittest.skipUnless(is_built(), "built without OpenBLAS")
    def test_it_says_what_its_bits_depend_on(self):
        self.write("one.yaml", OPENBLAS)
        env, products = self.library("OpenMP", "1.2.3", "Abacus"), "OpenBLAS 1.2.3, core Abacus, OpenMP"
        for verb in "check", "run":
            self.assertIn(f"numerics.engine: matrix products by {products}: another library or machine gives other bits",
                          self.refframe(verb, "one.yaml", env=env).stdout)
        self.assertEqual(json.loads(read(os.path.join(self.run_folder(), "manifest.json")))["kernels_note"], products)
        self.assertIn(f"matrix products by {products}: ", read(os.path.join(self.run_folder(), "log.txt")).decode())
        self.assertEqual(json.loads(read(self.at("results", "one", "reference.json")))["blas"],
                         f"{products}, where numerics.engine is openblas")
        self.assertIn(f"openblas {products}\n", self.refframe("--version", env=env).stdout)

    @unittest.skipUnless(is_built(), "built without OpenBLAS")
    def test_another_library_does_not_go_on(self):
        """Neither another version nor another core; the same goes on, to the same bytes."""
        self.write("one.yaml", OPENBLAS)
        env = self.library()
        self.refframe("run", "one.yaml", "--results", "calm", env=env)
        self.refframe("run", "one.yaml", env=env)
        self.interrupt(self.run_folder())
        for number, (version, core) in enumerate((("1.0.1", "Loops"), ("1.0.0", "Abacus"))):
            other, folder = self.library(version=version, core=core), self.run_folder()
            for words in (("run", "one.yaml"), ("train", folder)):
                done = self.refframe(*words, code=2, env=other)
                self.assertIn("matrix products: made by OpenBLAS 1.0.0, core Loops, pthreads there, by "
                              f"OpenBLAS {version}, core {core}, pthreads here; go on there, or here with --accept-other-machine\n", done.stderr)
        self.refframe("run", "one.yaml", env=env)
        (calm,) = run_folders(self.at("calm", "one")).values()
        self.assertSameResults(result_of_run(self.run_folder()), result_of_run(calm))
        self.interrupt(self.run_folder())
        self.refframe("run", "one.yaml", "--accept-other-machine", env=other)
        manifest = json.loads(read(os.path.join(self.run_folder(), "manifest.json")))
        self.assertEqual((manifest["n_other_machines"], manifest["kernels_note"]), (1, "OpenBLAS 1.0.0, core Abacus, pthreads"))

    def interrupt(self, folder):
        """As if it had been killed behind its checkpoint of step 9."""
        os.remove(os.path.join(folder, "checkpoints", "step-00000012.safetensors"))
        path = os.path.join(folder, "manifest.json")
        manifest = {**json.loads(read(path)), "status": "interrupted"}
        self.write(path, json.dumps({key: value for key, value in manifest.items() if key != "sha256"}, indent=2))

    @unittest.skipUnless(is_built(), "built without OpenBLAS")
    def test_both_engines_in_one_sweep(self):
        """Each run has its own id, and its own machine to go on with."""
        self.write("both.yaml", SINGLE + "sweep:\n  numerics.engine: [exact, openblas]\n")
        env = self.library()
        self.refframe("run", "both.yaml", env=env)
        folders = run_folders(self.at("results", "both"))
        self.assertEqual(sorted(name.split("-")[0] for name in folders), ["exact", "openblas"])
        self.assertEqual(len({name[-12:] for name in folders}), 2)
        for folder in folders.values():
            self.interrupt(folder)
        other = self.library(version="1.0.1")
        done = self.refframe("run", "both.yaml", code=2, env=other)
        self.assertIn("openblas-s1", done.stderr)
        self.refframe("run", "both.yaml", env=env)
        for name, folder in folders.items():
            if name.startswith("exact"):
                self.interrupt(folder)
        self.refframe("run", "both.yaml", env=other)

    @unittest.skipUnless(is_built(), "built without OpenBLAS")
    def test_a_bench_of_both(self):
        words = ["bench", "--json", "--seconds", "1", "--size", "S"]
        words += [word for key in ("n_layers=1", "d_model=32", "d_head=8", "context_length=32") for word in ("--set", f"model.{key}")]
        env = self.library()
        own = ["exact"] + ["bfloat16"] * has_amx()
        rows = json.loads(self.refframe(*words, env=env).stdout)
        self.assertEqual([(row["size"], row["engine"]) for row in rows], [("S", "exact"), ("S", "openblas"), *(("S", name) for name in own[1:])])
        self.assertEqual(rows[1]["products"], "OpenBLAS 1.0.0, core Loops, pthreads")
        for engine in "exact", "openblas", "bfloat16":
            rows = json.loads(self.refframe(*words, "--set", f"numerics.engine={engine}", env=env).stdout)
            self.assertEqual([row["engine"] for row in rows], [engine])
        serial = self.library("serial")
        self.assertEqual([row["engine"] for row in json.loads(self.refframe(*words, env=serial).stdout)], own)
        self.assertIn("openblas is not measured: this OpenBLAS is the serial one", self.refframe(*[w for w in words if w != "--json"], env=serial).stdout)
        self.assertIn("serial one", self.refframe(*words, "--set", "numerics.engine=openblas", code=2, env=serial).stderr)


if __name__ == "__main__":
    unittest.main()
