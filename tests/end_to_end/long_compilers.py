"""Without this, the bits could be one compiler's, or one level of optimisation's: the program is built anew with each and
trains the same."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import SINGLE, Case, results

SOURCE = os.path.join(os.environ["TESTS_DIR"], os.pardir)

# Every kind of kernel and every function of the C library is on the way of one of the arms.
YAML = SINGLE.replace("  context_length: 16\n", "  context_length: 16\n  qk_norm: true\n") + """\
sweep:
  arm_is:
    rope: {model.position.kind: rope, train.schedule.kind: cosine, model.activation: swiglu}
    absolute: {model.position.kind: absolute, model.position.table: sinusoidal, train.optimizer.kind: sgd, train.lr: 0.05}
    alibi: {model.position.kind: alibi, model.norm: rmsnorm, model.norm_placement: sandwich, objective.kind: masked,
      model.mask.kind: full, data.source.kind: text}
    relative: {model.position.kind: relative, model.bias: true, model.norm_placement: post, data.source.kind: text,
      data.tokenizer.kind: bpe}
"""


class Compilers(Case):
    @classmethod
    def setUpClass(cls):
        cls.builds = tempfile.mkdtemp(prefix="refframe-builds-")
        cls.addClassCleanup(shutil.rmtree, cls.builds, ignore_errors=True)

    def built(self, compiler, *options):
        """The program as `compiler` makes it, in a build folder of its own."""
        if not shutil.which(compiler):
            self.skipTest(f"{compiler} is not installed")
        for tool in ("meson", "ninja"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not on the path")
        folder = os.path.join(self.builds, "-".join((compiler, *options)))
        for words in (["meson", "setup", folder, SOURCE, "-Dtests=false", *options], ["ninja", "-C", folder, "refframe"]):
            done = subprocess.run(words, env={**os.environ, "CC": compiler, "CFLAGS": "", "LDFLAGS": ""},
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        return [os.path.join(folder, "refframe")]

    def trained(self, program, name, kernels):
        self.refframe("run", "one.yaml", "--results", name, program=program,
                      env={**os.environ, "REFFRAME_KERNELS": kernels})
        return results(self.at(name, "one"))

    def check(self, compiler, *options):
        """What this build's program trains on every path that the machine has is what the tested program trains."""
        program = self.built(compiler, *options)
        self.write("one.yaml", YAML)
        calm = self.trained(None, "calm", "")
        kinds = re.search("this machine runs (.*)", self.refframe("--version", program=program).stdout).group(1).split()
        self.assertIn("plain", kinds)
        for kernels in kinds:
            with self.subTest(kernels=kernels):
                self.assertSameResults(self.trained(program, kernels, kernels), calm)

    def test_gcc(self):
        self.check("gcc")

    def test_clang(self):
        self.check("clang")

    def test_gcc_without_optimisation(self):
        self.check("gcc", "-Dbuildtype=debug")

    def test_clang_without_optimisation(self):
        self.check("clang", "-Dbuildtype=debug")


if __name__ == "__main__":
    unittest.main()
