"""Without this, a lower folder could come to include a higher one, and the layers of the design would be words only."""
import os
import re
import unittest

SRC = os.path.join(os.environ["TESTS_DIR"], os.pardir, "src")

ORDER = ["base", "num", "data", "model", "geometry", "frame", "store", "maps", "train", "hub", "plan", "sched", "report", "serve", "app", "web"]

# Narrower than "everything above".
ONLY = {
    "geometry": {"base", "num"},
    "frame": {"base"},
    "maps": {"base", "num", "geometry", "frame", "store"},
    "hub": {"base", "num", "data", "model", "store", "train"},
    "plan": {"base"},
    "sched": {"base", "plan", "store"},
    "report": {"base", "store", "frame"},
    "serve": {"base", "store", "report"},
}


def allowed(folder):
    return ONLY.get(folder, set(ORDER[: ORDER.index(folder)])) | {folder}


def sources(suffixes):
    for path, _, names in os.walk(SRC):
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.relpath(os.path.join(path, name), SRC)


def project_includes(name):
    with open(os.path.join(SRC, name), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if match:
                yield number, match.group(1)


class Includes(unittest.TestCase):
    def test_folders_include_only_what_the_design_allows(self):
        wrong = []
        for name in sources((".c", ".h")):
            folder = name.split("/")[0]
            for number, included in project_includes(name):
                if included.split("/")[0] not in allowed(folder):
                    wrong.append(f"src/{name}:{number}: {folder} must not include {included}")
        self.assertEqual(wrong, [])

    def test_includes_are_paths_from_src(self):
        wrong = []
        for name in sources((".c", ".h")):
            for number, included in project_includes(name):
                if not os.path.exists(os.path.join(SRC, included)):
                    wrong.append(f"src/{name}:{number}: {included} is no file below src")
        self.assertEqual(wrong, [])

    def test_headers_do_not_include_each_other_in_circles(self):
        edges = {name: [i for _, i in project_includes(name)] for name in sources((".h",))}
        done = set()

        def visit(name, path):
            self.assertNotIn(name, path, " -> ".join(path + [name]))
            if name not in done:
                for included in edges.get(name, []):
                    visit(included, path + [name])
                done.add(name)

        for name in edges:
            visit(name, [])

    def test_the_rule_sees_a_wrong_edge(self):
        self.assertNotIn("model", allowed("geometry"))
        self.assertNotIn("app", allowed("report"))
        self.assertIn("train", allowed("app"))
        self.assertGreater(sum(1 for name in sources((".c",)) for _ in project_includes(name)), 10)
