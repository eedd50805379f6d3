"""Without these, the page of somebody's maps could say something else than the table, show other weights than were measured,
load something, run a token as a script, or be left half-written."""
import base64
import csv
import io
import json
import os
import pathlib
import re
import unittest

import browser
from exported import RUNS, experiment
from harness import SINGLE, Case, printed, read, run_folders

try:
    import numpy as np
except ImportError:
    np = None

HOSTILE = ("</script><script>document.title = 'ran'</script>", '<img src=x onerror="document.title = 1">', "\u202ebackwards", "\x07", "@data@")


def planted(n=3, layers=2, heads=3, length=24, seed=4):
    """Causal maps of which head 1.2 has a sink, the others a little noise."""
    scores = np.random.default_rng(seed).normal(size=(n, layers, heads, length, length))
    scores[:, 1, 2, :, 0] += 5
    weights = np.exp(scores) * np.tril(np.ones((length, length)))
    return (weights / weights.sum(-1, keepdims=True)).astype("f4")


def data_of(html):
    return json.loads(re.search(r'(?s)<script type="application/json" id="data">(.*?)</script>', html).group(1))


def unpacked(packed, visible, side):
    """(heads, side, side) weights of a page's bytes, NaN where nothing is shown."""
    shown = np.zeros((side, side), bool)
    for row, runs in enumerate(visible):
        for first, end in runs:
            shown[row, first:end] = True
    quantised = np.frombuffer(base64.b64decode(packed), np.uint8).reshape(-1, shown.sum())
    maps = np.full((len(quantised), side, side), np.nan)
    maps[:, shown] = (quantised / 255) ** 2
    return maps


@unittest.skipUnless(np, "there is no NumPy")
class MeasureHtml(Case):
    def page(self, *words):
        """Of `measure WORDS --html page.html`: the file, and what its scripts read."""
        self.refframe("measure", *words, "--html", "page.html")
        html = read(self.at("page.html")).decode()
        return html, data_of(html)

    def save(self, name, array):
        np.save(self.at(name), array)
        return name

    def test_it_says_what_the_table_says(self):
        name = self.save("maps.npy", planted())
        table = self.refframe("measure", name, "--html", "page.html").stdout
        self.assertTrue(table.endswith("  page.html written: open it in a browser\n\n"))
        data = data_of(read(self.at("page.html")).decode())
        label, share, place = re.search(r"model: (\w+) by position, ([\d.]+) of the excess on (.*?); by token", table).groups()
        self.assertEqual(data["answer"]["frame"], f"The model has a {label} frame: {share} of the excess lies on {place}.")
        head, mass, floor = re.search(r"strongest sink: head ([\d.]+), ([\d.]+) of its attention on the first key \(uniform: ([\d.]+)\)", table).groups()
        for word in (f"({head})", f"gives {mass} of", f"gives {floor}."):
            self.assertIn(word, data["answer"]["sink"])
        self.assertEqual(head, "1.2")
        self.assertIsNone(data["answer"]["token"], "ids were not given")
        rows = {(row["layer"], row["head"], row["metric"]): row for row in csv.DictReader(io.StringIO(
            self.refframe("measure", name, "--format", "csv", "--html", "page.html").stdout)) if not row["sequence"]}
        for metric in data["metrics"]:
            for head, value in enumerate(metric["values"]):
                row = rows[str(head // 3), str(head % 3), metric["name"]]
                self.assertAlmostEqual(value, float(row["value"]), delta=1e-5 * abs(value) + 1e-9)
                self.assertAlmostEqual(metric["floor"], float(row["baseline"]), delta=1e-5 * abs(metric["floor"]) + 1e-9)
        for head, digit in enumerate(data["labels"]):
            self.assertEqual(data["frames"][int(digit)], rows[str(head // 3), str(head % 3), "frame"]["label"])

    def test_maps_are_those_of_the_file(self):
        maps = planted()
        _, data = self.page(self.save("maps.npy", maps))
        mean = unpacked(data["maps"]["mean"], data["maps"]["visible"], 24)
        np.testing.assert_allclose(np.nan_to_num(mean), maps.mean(0).reshape(-1, 24, 24), atol=0.004)
        self.assertTrue((np.isnan(mean[0]) == ~np.tril(np.ones((24, 24), bool))).all())
        for sequence, own in enumerate(data["sequences"]):
            found = unpacked(own["maps"], own["visible"], 24)
            np.testing.assert_allclose(np.nan_to_num(found), maps[sequence].reshape(-1, 24, 24), atol=0.004)
        self.assertEqual(len(data["sequences"]), 3)

    def test_many_maps_are_pooled(self):
        """The page stays small, says what was pooled, and pooled rows are means of their queries."""
        maps = planted(2, 24, 20, 128)
        html, data = self.page(self.save("maps.npy", maps))
        self.assertLess(len(html), 7_000_000)
        pool, side = data["maps"]["pool"], data["maps"]["side"]
        self.assertGreater(pool, 1)
        self.assertEqual(side, 128 // pool)
        self.assertIn(f"positions are pooled by {pool}", dict(map(tuple, data["settings"]))["Maps in this page"])
        expected = maps.mean(0).reshape(-1, side, pool, side, pool).sum(4).mean(2)
        found = np.nan_to_num(unpacked(data["maps"]["mean"], data["maps"]["visible"], side))
        np.testing.assert_allclose(found, expected, atol=0.004)

    def test_same_bytes(self):
        name = self.save("maps.npy", planted())
        pages = {self.page(name, "--threads", n)[0] for n in (1, 3)}
        self.assertEqual(len(pages), 1)
        (page,) = pages
        self.assertNotIn(self.folder, page, "no path of this machine")

    def test_refused(self):
        """One line, exit 2 for what was asked and 1 for what the system refuses; and nothing is written."""
        name = self.save("maps.npy", planted())
        self.save("wide.npy", np.ones((1, 128, 129, 1, 1), "f4"))
        os.mkdir(self.at("folder.html"))
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", "one")).values()
        before = self.everything()
        for words, code, expected in (
                (("wide.npy", "--html", "page.html"), 2, "wide.npy: a page has room for 16384 heads, in all layers; here are 16512"),
                ((name, "--html", "maps.npy"), 2, 'refframe measure: --html: "maps.npy" should end in .html'),
                ((name, "--html", "folder.html"), 2, "refframe measure: --html: folder.html is a folder"),
                ((name, "--html", "no/page.html"), 2, "refframe measure: --html: no/page.html: there is no folder no"),
                ((name, "--html", "/proc/page.html"), 1, "cannot "),
                (("absent.npy", "--html", "page.html"), 2, "cannot open absent.npy"),
                ((run, "--html", "page.html"), 2, "refframe measure: --html is for maps and models (`refframe report` writes the page of runs); ")):
            with self.subTest(words=words):
                done = self.refframe("measure", *words, code=code)
                self.assertTrue(done.stderr.startswith(printed(expected)), done.stderr)
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1))
        self.assertEqual(self.everything(), before)

    def model(self):
        """An export with its tokenizer of characters, and ids."""
        self.write("gpt2.yaml", experiment(RUNS["gpt2"]))
        self.refframe("run", "gpt2.yaml", "--results", "results")
        (run,) = run_folders(self.at("results", "gpt2")).values()
        self.refframe("export", run, "--to", "model")
        ids = np.load(os.path.join(run, "snapshots", "step-00000006.npz"))["tokens"]
        self.save("ids.npy", ids)
        return ids

    def test_a_model_with_its_words(self):
        ids = self.model()
        tokenizer = json.loads(read(self.at("model", "tokenizer.json")))
        names = {id: word for word, id in tokenizer["model"]["vocab"].items()}
        names.update({token["id"]: token["content"] for token in tokenizer["added_tokens"]})
        os.rename(self.at("ids.npy"), self.at("ids.html"))
        done = self.refframe("measure", "model", "--ids", "ids.html", "--html", "./ids.html", code=2)
        self.assertEqual(done.stderr, "refframe measure: --html: ./ids.html is what is to be measured\n")
        os.rename(self.at("ids.html"), self.at("ids.npy"))
        _, data = self.page("model", "--ids", "ids.npy")
        for own, row in zip(data["sequences"], ids):
            self.assertEqual(own["tokens"], [names[id].replace(" ", "␣").replace("\n", "⏎") for id in row])
        self.assertTrue(data["maps"]["has_words"])
        os.remove(self.at("model", "tokenizer.json"))
        _, data = self.page("model", "--ids", "ids.npy")
        self.assertEqual(data["sequences"][0]["tokens"], [str(id) for id in ids[0]])
        self.write("model/tokenizer.json", "{")
        self.assertIn("model/tokenizer.json:1: ", self.refframe("measure", "model", "--ids", "ids.npy", "--html", "page.html", code=2).stderr)

    def hostile_page(self):
        """A model whose words are scripts, in a folder that is one."""
        ids = self.model()
        tokenizer = json.loads(read(self.at("model", "tokenizer.json")))
        tokenizer["added_tokens"] = []
        words = {id: HOSTILE[k % len(HOSTILE)] + " " * (k // len(HOSTILE)) for k, id in enumerate(np.unique(ids).tolist())}
        tokenizer["model"]["vocab"] = {word: id for id, word in words.items()}
        self.write("model/tokenizer.json", json.dumps(tokenizer))
        os.rename(self.at("model"), self.at("<img src=x onerror=alert(1)>"))
        return self.page("<img src=x onerror=alert(1)>", "--ids", "ids.npy")

    def test_hostile_words_are_text(self):
        html, data = self.hostile_page()
        self.assertNotIn("<script>document", html)
        self.assertNotIn("<img", html)
        outside_scripts = re.sub(r"(?s)<script\b[^>]*>.*?</script>", "", html)
        self.assertNotRegex(outside_scripts, r"(?i)<(link|iframe|object|embed|base|img)\b|<[^>]*\son\w+\s*=|url\(|@import")
        self.assertIn(r"\u202ebackwards", [word.strip("␣") for word in data["sequences"][0]["tokens"] + data["sequences"][1]["tokens"]])
        self.assertEqual(data["name"], "<img src=x onerror=alert(1)>")

    # ---- in a browser ----

    def open(self, **options):
        if not browser.PROGRAM:
            self.skipTest("no Chromium here")
        page = browser.Page(pathlib.Path(self.at("page.html")).as_uri(), **options)
        self.addCleanup(page.close)
        return page

    def assert_quiet(self, page):
        self.assertEqual(page.complaints, [])
        self.assertEqual([url for url in page.requests if not url.startswith(("data:", "blob:"))],
                         [pathlib.Path(self.at("page.html")).as_uri()])
        self.assertTrue(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scroll")

    def test_a_reader_walks_over_heads_and_weights(self):
        maps = planted()
        self.save("ids.npy", np.arange(72).reshape(3, 24) + 100)
        self.page(self.save("maps.npy", maps), "--tokens", "ids.npy")
        for options in ({}, {"dark": True}, {"width": 390}):
            page = self.open(**options)
            text = page.evaluate("document.body.innerText")
            for word in ("The model has a centralized frame", "The strongest sink is head 2 of layer 1", "Layer 1, head 2", "3 sequences of 24 tokens"):
                self.assertIn(word, text)
            self.assert_quiet(page)
        page = self.open()
        cell = "document.querySelector('.cell').innerText"
        page.evaluate("document.querySelector('.large canvas').focus()")
        for key, code in (("ArrowDown", 40), ("ArrowDown", 40), ("ArrowDown", 40)):
            page.press(key, code)
        self.assertEqual(page.evaluate(cell).split()[1:], "query position 2 → key position 0".split())
        self.assertAlmostEqual(float(page.evaluate(cell).split()[0]), maps.mean(0)[1, 2, 2, 0], delta=0.005)
        page.press("ArrowRight", 39)
        page.press("ArrowRight", 39)
        page.press("ArrowRight", 39)
        self.assertIn("hidden", page.evaluate(cell))
        page.evaluate("document.querySelector('.sheet canvas').focus()")
        page.press("ArrowLeft", 37)
        page.press("ArrowUp", 38)
        self.assertIn("Layer 0, head 1", page.evaluate("document.querySelector('.large').innerText"))
        page.evaluate("(s => { s.value = 2; s.dispatchEvent(new Event('change')); })(document.querySelector('select[aria-label=\"Which maps\"]'))")
        page.evaluate("document.querySelector('.large canvas').focus()")
        page.press("ArrowDown", 40)
        self.assertIn("position 0 “124”", page.evaluate(cell))
        self.assert_quiet(page)

    def test_the_table_sorts_and_is_saved(self):
        _, data = self.page(self.save("maps.npy", planted()))
        page = self.open()
        column = next(m for m in data["metrics"] if m["name"] == "max_inflow")["values"]
        by_value = sorted(range(6), key=lambda head: -column[head])
        page.evaluate("[...document.querySelectorAll('.heads thead button')].find(b => b.innerText.startsWith('max inflow')).click()")
        names = "[...document.querySelectorAll('.heads tbody th button')].map(b => b.innerText)"
        self.assertEqual(page.evaluate(names), [f"{head // 3}.{head % 3}" for head in by_value])
        page.evaluate("[...document.querySelectorAll('.heads thead button')].find(b => b.innerText.startsWith('max inflow')).click()")
        self.assertEqual(page.evaluate(names), [f"{head // 3}.{head % 3}" for head in by_value[::-1]])
        self.assertEqual(page.evaluate("document.querySelectorAll('.heads [aria-sort=ascending]').length"), 1)
        rows = list(csv.DictReader(io.StringIO(page.evaluate("page.csv()"))))
        self.assertEqual([float(row["max_inflow"]) for row in rows], column)
        self.assertEqual(rows[5]["frame"], "centralized")
        saved = "new Promise(done => { page.save = (blob, name) => done([blob.type, name, blob.size > 1000]); document.querySelector('.large > button').click(); })"
        self.assertEqual(page.evaluate(saved), ["image/png", "head-1.2.png", True])
        self.assert_quiet(page)

    def test_hostile_words_run_nothing(self):
        self.hostile_page()
        page = self.open()
        page.evaluate("(s => { s.value = 1; s.dispatchEvent(new Event('change')); })(document.querySelector('select[aria-label=\"Which maps\"]'))")
        page.evaluate("document.querySelector('.large canvas').focus()")
        for _ in range(5):
            page.press("ArrowDown", 40)
        self.assertEqual(page.evaluate("document.title"), "<img src=x onerror=alert(1)> · refframe")
        self.assertEqual(page.evaluate("document.querySelectorAll('img').length"), 0)
        self.assert_quiet(page)


if __name__ == "__main__":
    unittest.main()
