"""Without this, what gcc's and clang's analyzers see, an error path that leaks or reads what was never written, would be found by
whoever tries them next. Each finding is mended or answered here; an answer that answers nothing any more fails, too."""
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

TESTS = os.environ["TESTS_DIR"]
BUILD = os.environ["BUILD_DIR"]
SRC = os.path.realpath(os.path.join(TESTS, os.pardir, "src"))
SEEN_FIRST = ["-include", os.path.join(TESTS, "layout", "analyzed.h")]

DEFINE_THEM = ("base/status.c", "base/settings.c", "plan/tools.c")  # its macros would stand in the way of the functions themselves

# {(file, finding): why it is none}
ANSWERED = {
    "gcc": {
        ("app/program.c", "analyzer-null-dereference"): "a claim's metric is known when it is asked what measures it, and its family with it",
        ("report/export/changes.c", "analyzer-null-dereference"): "two values are named of an axis alone, not of the seed",
        ("report/changes_json.c", "analyzer-null-dereference"): "two values are named of an axis alone, not of the seed",
        ("base/embed.c", "analyzer-malloc-leak"): "a program of the build, which ends where its file can't be read",
        ("store/series.c", "analyzer-possible-null-dereference"): "what calloc returns has been asked for, in the condition before",
        ("num/bfloat16_emulated.h", "analyzer-shift-count-overflow"): "gcc takes the number of lanes of a vector for the bits of one",
        ("num/oct.h", "analyzer-shift-count-overflow"): "gcc takes the number of lanes of a vector for the bits of one",
        ("num/vec_math.h", "analyzer-shift-count-overflow"): "gcc takes the number of lanes of a vector for the bits of one",
    },
    "clang": {
        ("data/tokenizer/bpe.c", "core.UndefinedBinaryOperatorResult"): "a piece of text has at least one byte",
        ("model/model.c", "core.NonNullParamChecker"): "a model that takes vectors is given vectors",
        ("report/export/changes.c", "core.NullDereference"): "two values are named of an axis alone, not of the seed",
        ("report/verdict.c", "core.NullDereference"): "what says yes or no is 0 or 1, so that there are two sides at most",
        ("train/measure.c", "core.uninitialized.Assign"): "what says yes or no is 0 or 1, so that there are two passes at most",
        ("base/settings.c", "core.NonNullParamChecker"): "every setting has a key",
        ("model/attention_backward.c", "core.NonNullParamChecker"): "the gradients of keys and values are there in every workspace",
    },
}
VERSIONS = {"gcc": 12, "clang": 14}  # each version has findings of its own; these are Debian 12's


def sources():
    """{source of the program: its folder and flags}, each once, without what belongs to one output."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        if path.startswith(SRC + os.sep) and path not in found:
            words = shlex.split(entry["command"])
            found[path] = entry["directory"], [word for word in words if re.match(r"-(I|D|U|W|std=|f(?!sanitize|diagnostics)|m)", word)]
    return found


def version_of(compiler):
    """Its major version; None where it is not there."""
    if not shutil.which(compiler):
        return None
    said = subprocess.run([compiler, "-dumpversion"], text=True, capture_output=True, check=True).stdout
    return int(said.split(".")[0])


def findings(command, path, folder, flags):
    """{(file, finding)} of one source, and whatever else the analyzer had to say."""
    first = [] if os.path.relpath(path, SRC) in DEFINE_THEM else SEEN_FIRST
    done = subprocess.run([*command, *flags, *first, path], cwd=folder, text=True, capture_output=True)
    found = set()
    for where, what in re.findall(r"^(\S+?):\d+:\d+: warning: .*\[(?:-W)?([\w.-]+)\]$", done.stderr, re.M):
        found.add((os.path.relpath(os.path.realpath(os.path.join(folder, where)), SRC), what))
    return found, done.stderr if done.returncode or (done.stderr.strip() and not found) else ""


class Analyzers(unittest.TestCase):
    maxDiff = None

    def check(self, compiler, *words):
        if version_of(compiler) != VERSIONS[compiler]:
            self.skipTest(f"{compiler} {VERSIONS[compiler]} is not installed")
        asked = sources()
        self.assertGreater(len(asked), 200)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            done = list(pool.map(lambda item: findings([compiler, *words], item[0], *item[1]), asked.items()))
        self.assertEqual([words for _, words in done if words], [])
        found = set().union(*(found for found, _ in done))
        self.assertEqual(found, set(ANSWERED[compiler]))

    def test_gcc(self):
        self.check("gcc", "-fanalyzer", "-O1", "-S", "-o", os.devnull, "-Wno-unused-value", "-fno-diagnostics-show-caret", "-fdiagnostics-plain-output",
                   "-fdiagnostics-path-format=none")

    def test_clang(self):
        self.check("clang", "--analyze", "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument", "--analyzer-output", "text",
                   "-fno-caret-diagnostics")


if __name__ == "__main__":
    unittest.main()
