"""Without this, the bits could be x86's: the program is built for Arm, run by qemu, and trains and measures the same."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import SINGLE, Case, result_of_run, run_folders
from long_compilers import YAML

SOURCE = os.path.join(os.environ["TESTS_DIR"], os.pardir)
CROSS = os.path.join(os.environ["TESTS_DIR"], "arm64.ini")
TOOLS = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", "qemu-aarch64", "meson", "ninja")

# Kernels that none of YAML's arms needs.
OTHERS = SINGLE + """\
sweep:
  arm_is:
    one: {model.score.kind: softmax_one, model.mask.kind: window, train.optimizer.kind: lion}
    sigmoid: {model.score.kind: sigmoid, model.gate.kind: element, train.optimizer.kind: muon}
    relu: {model.score.kind: relu, model.activation: gelu_exact, model.n_kv_heads: 1}
    clipped: {model.score.kind: clipped_softmax, model.position.kind: fire}
    softpick: {model.score.kind: softpick, model.position.kind: kerple, model.slot.kind: key_value}
    entmax: {model.score.kind: entmax15, model.score.softcap: 20, data.source.kind: induction}
    logit: {model.score.kind: sink_logit, measure.interventions.every: 1, model.norm: rmsnorm}
"""


def can_build_and_run():
    libraries = {**os.environ, "PKG_CONFIG_LIBDIR": "/usr/lib/aarch64-linux-gnu/pkgconfig"}
    return all(shutil.which(tool) for tool in TOOLS) and \
        subprocess.run(["pkg-config", "--exists", "yaml-0.1", "zlib"], env=libraries, check=False).returncode == 0


@unittest.skipUnless(can_build_and_run(), "`.ci/dependencies arm` installs what this needs")
class Arm(Case):
    @classmethod
    def setUpClass(cls):
        cls.build = tempfile.mkdtemp(prefix="refframe-arm-")
        cls.addClassCleanup(shutil.rmtree, cls.build, ignore_errors=True)
        for words in (["meson", "setup", cls.build, SOURCE, "-Dtests=false", "--cross-file", CROSS],
                      ["ninja", "-C", cls.build, "refframe"]):
            done = subprocess.run(words, env={**os.environ, "CFLAGS": "", "LDFLAGS": ""}, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode:
                raise AssertionError(done.stdout[-4000:])

    def check(self, yaml):
        """`run` starts processes of its own kind, which this machine does not; so every run is trained by itself."""
        self.write("one.yaml", yaml)
        self.refframe("run", "one.yaml", "--results", "here")
        runs = run_folders(self.at("here", "one"))
        self.assertGreater(len(runs), 3)
        for name, path in runs.items():
            with self.subTest(run=name):
                os.makedirs(self.at("arm", name))
                shutil.copy(os.path.join(path, "run.yaml"), self.at("arm", name))
                self.refframe("train", self.at("arm", name), "--threads", 2,
                              program=["qemu-aarch64", os.path.join(self.build, "refframe")])
                self.assertSameResults(result_of_run(self.at("arm", name)), result_of_run(path))

    def test_encodings_and_blocks(self):
        self.check(YAML)

    def test_scores_and_optimizers(self):
        self.check(OTHERS)

    def test_products_take_whole_vectors(self):
        """The inner loop of a product multiplies and adds four floats by one instruction, and calls nobody."""
        listing = subprocess.run(["aarch64-linux-gnu-objdump", "-d", os.path.join(self.build, "refframe")],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
        tile = re.search(r"<tile_together_8_2>:\n(.*?)\n\n", listing, re.S).group(1)
        self.assertGreater(len(re.findall(r"\tfmla\tv\d+\.4s, v\d+\.4s", tile)), 4 * 16)
        self.assertNotIn("\tbl\t", tile)


if __name__ == "__main__":
    unittest.main()
