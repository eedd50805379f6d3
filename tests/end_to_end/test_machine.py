"""Without these, a run could end with bytes that no single machine would have given, and nothing would say so; or a run
could be refused that any machine may go on with."""
import json
import os
import re
import shutil
import unittest

from harness import SINGLE, Case, read, result_of_run, results, run_folders

BITS = ("kernels_bits", "libm_bits", "zlib_bits")
LATER = BITS + ("libm", "zlib", "n_other_machines")


class Machine(Case):
    def setUp(self):
        super().setUp()
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml")
        (self.run_folder,) = run_folders(self.at("results", "one")).values()
        self.calm = results(self.at("results", "one"))

    def manifest(self):
        return json.loads(read(os.path.join(self.run_folder, "manifest.json")))

    def change_manifest(self, **changes):
        """Members set, or with None removed."""
        manifest = {**self.manifest(), **changes}
        text = json.dumps({key: value for key, value in manifest.items() if value is not None}, indent=2)
        self.write(os.path.join(self.run_folder, "manifest.json"), text)

    def interrupt(self, **changes):
        """As if the run had been killed behind its checkpoint of step 9."""
        os.remove(os.path.join(self.run_folder, "checkpoints", "step-00000012.safetensors"))
        self.change_manifest(status="interrupted", **changes)

    def refused(self, *words):
        before = self.everything()
        done = self.refframe(*words, code=2)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("--accept-other-machine", done.stderr)
        self.assertEqual(self.everything(), before)
        return done.stderr

    def test_the_manifest_says_what_decides(self):
        manifest = self.manifest()
        for key in BITS:
            self.assertRegex(manifest[key], "^[0-9a-f]{16}$")
        self.assertRegex(manifest["zlib"], r"^zlib \d")
        self.assertTrue(manifest["libm"])
        self.assertEqual(manifest["n_other_machines"], 0)

    def test_another_machine_is_refused_and_can_be_accepted(self):
        for number, key in enumerate(BITS, 1):
            self.interrupt(**{key: "0123456789abcdef", "cpu": "Another CPU"})
            for words in (("run", "one.yaml"), ("train", self.run_folder)):
                self.assertIn("Another CPU", self.refused(*words))
            words = ("run", "one.yaml") if number % 2 else ("train", self.run_folder)
            self.refframe(*words, "--accept-other-machine")
            # It was this machine after all.
            self.assertSameResults(result_of_run(self.run_folder), {
                name.split("/", 1)[1]: data for name, data in self.calm.items() if "-s1-" in name})
            manifest = self.manifest()
            self.assertEqual(manifest["status"], "finished")
            self.assertEqual(manifest["n_other_machines"], number)
            self.assertNotEqual(manifest[key], "0123456789abcdef")
            log = read(os.path.join(self.run_folder, "log.txt")).decode()
            self.assertEqual(len(re.findall("accepted another machine: .*Another CPU there", log)), number)

    def test_accepting_what_is_the_same_changes_nothing(self):
        self.interrupt()
        self.refframe("run", "one.yaml", "--accept-other-machine")
        self.assertSameResults(results(self.at("results", "one")), self.calm)
        self.assertEqual(self.manifest()["n_other_machines"], 0)

    def test_names_decide_nothing(self):
        self.interrupt(cpu="Another CPU", libm="glibc 1.0", zlib="zlib 0.1", compiler="clang 99.0.0", kernels="plain")
        self.refframe("run", "one.yaml")
        self.assertSameResults(results(self.at("results", "one")), self.calm)

    def test_finished_runs_are_skipped_whoever_trained_them(self):
        for changes in ({key: "0123456789abcdef" for key in BITS}, {key: None for key in LATER}):
            self.change_manifest(**changes)
            before = read(os.path.join(self.run_folder, "manifest.json"))
            self.assertIn("0 runs trained, 1 was there already", self.refframe("run", "one.yaml").stdout)
            self.refframe("train", self.run_folder)
            self.assertEqual(read(os.path.join(self.run_folder, "manifest.json")), before)

    def test_runs_of_earlier_versions_go_on(self):
        self.interrupt(**{key: None for key in LATER})
        self.refframe("run", "one.yaml")
        self.assertSameResults(results(self.at("results", "one")), self.calm)
        self.assertRegex(self.manifest()["libm_bits"], "^[0-9a-f]{16}$")

    def test_a_run_without_a_checkpoint_starts_anew(self):
        self.interrupt(libm_bits="0123456789abcdef")
        os.remove(os.path.join(self.run_folder, "checkpoints", "step-00000009.safetensors"))
        self.refframe("run", "one.yaml")
        self.assertSameResults(results(self.at("results", "one")), self.calm)
        self.assertEqual(self.manifest()["n_other_machines"], 0)

    def test_measuring_again_elsewhere_is_counted(self):
        """If it changed anything: here a snapshot that was damaged before."""
        snapshots = os.path.join(self.run_folder, "snapshots")
        for bits, expected in ((self.manifest()["libm_bits"], 0), ("0123456789abcdef", 1)):
            self.change_manifest(libm_bits=bits)
            shutil.copy(os.path.join(snapshots, "step-00000010.npz"), os.path.join(snapshots, "step-00000012.npz"))
            for _ in range(2):
                self.refframe("measure", self.run_folder)
                self.assertEqual(self.manifest()["n_other_machines"], expected)
                self.assertSameResults(results(self.at("results", "one")), self.calm)

    def test_measuring_again_elsewhere_is_counted_after_a_kill(self):
        """Killed with the snapshot of the other machine in place: the manifest still has the hash of the one before."""
        name = "snapshots/step-00000012.npz"
        calm = self.manifest()["files"]
        self.change_manifest(libm_bits="0123456789abcdef", files={**calm, name: "0" * 64})
        for changed in (1, 0):
            text = self.refframe("measure", self.run_folder).stdout
            self.assertIn(f"1 snapshot measured again, {changed} changed", text)
            self.assertEqual(self.manifest()["n_other_machines"], 1)
            self.assertEqual(self.manifest()["files"], calm)

    def test_measuring_again_elsewhere_before_the_end_is_counted(self):
        """What was measured elsewhere stays when the run goes on at home."""
        snapshots = os.path.join(self.run_folder, "snapshots")
        here = self.manifest()["libm_bits"]
        for status in ("running", "interrupted", "failed"):
            self.change_manifest(status=status, files={}, libm_bits="0123456789abcdef", n_other_machines=0)
            shutil.copy(os.path.join(snapshots, "step-00000010.npz"), os.path.join(snapshots, "step-00000012.npz"))
            for _ in range(2):
                self.refframe("measure", self.run_folder)
                manifest = self.manifest()
                self.assertEqual((manifest["status"], manifest["n_other_machines"], manifest["files"]), (status, 1, {}))
        self.interrupt(libm_bits=here)
        self.refframe("run", "one.yaml")
        self.assertSameResults(results(self.at("results", "one")), self.calm)
        self.assertEqual(self.manifest()["n_other_machines"], 1)

    def test_measuring_again_elsewhere_that_fails_before_the_end_is_counted(self):
        """As a kill does, a failure may leave new snapshots, and no hash would tell them."""
        self.change_manifest(status="interrupted", files={}, libm_bits="0123456789abcdef")
        checkpoint = os.path.join(self.run_folder, "checkpoints", "step-00000012.safetensors")
        self.write(checkpoint, read(checkpoint)[:100])
        self.refframe("measure", self.run_folder, code=None)
        self.assertEqual(self.manifest()["n_other_machines"], 1)

    def test_another_numerics_version_is_not_measured(self):
        version = self.manifest()["numerics_version"]
        snapshots = os.path.join(self.run_folder, "snapshots")
        shutil.copy(os.path.join(snapshots, "step-00000010.npz"), os.path.join(snapshots, "step-00000012.npz"))
        for status in ("finished", "interrupted"):
            self.change_manifest(status=status, numerics_version=version - 1)
            before = self.everything()
            error = self.refframe("measure", self.run_folder, code=2).stderr
            self.assertEqual(len(error.splitlines()), 1, error)
            self.assertIn(f"numerics version {version - 1}, and this program's is {version}", error)
            self.assertEqual(self.everything(), before)

    def test_a_libm_without_fma(self):
        """glibc has its functions several times, for CPUs with and without fma: another libm on the same machine."""
        words = [word for name in ("AVX2", "FMA", "FMA4") for word in (f"-{name}", f"-{name}_Usable")]
        other = {**os.environ, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(words)}
        here = self.manifest()["libm_bits"]
        self.refframe("run", "one.yaml", "--results", "other", env=other)
        (self.run_folder,) = run_folders(self.at("other", "one")).values()
        if self.manifest()["libm_bits"] == here:
            self.skipTest("this C library has one version of each function on this machine")
        self.interrupt()
        self.assertIn("libm: other bits", self.refused("run", "one.yaml", "--results", "other"))
        self.refframe("run", "one.yaml", "--results", "other", env=other)
        self.assertEqual(self.manifest()["n_other_machines"], 0)


if __name__ == "__main__":
    unittest.main()
