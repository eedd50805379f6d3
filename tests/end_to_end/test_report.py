"""Without these, a report could be blank, need the network, or break when somebody touches it."""
import json
import os
import pathlib
import re
import struct
import unittest
import xml.etree.ElementTree
import zipfile

import browser
from harness import SINGLE, TINY, Case, list_again, read, run_folders

EXPECT = """\
expect:
  - {text: "the loss goes down", that: "median(sink_mass) < 2"}
  - {text: "<b>&amp; \\"quoted\\"</b>", that: "seen(centralized)"}
"""


# Every object of the page's data, as the page gets it, notes who asks it for a key that document.h does not list.
LISTENING = """{
window.unlisted = [];
const listed = %s, parse = JSON.parse;
const listen = (value, path) => {
    if (Array.isArray(value)) return value.map((item) => listen(item, path + '[]'));
    if (value === null || typeof value !== 'object') return value;
    const own = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, listen(v, path ? `${path}.${k}` : k)]));
    return new Proxy(own, {get(target, key) {
        if (typeof key === 'string' && !(key in Object.prototype) && !listed[path].includes(key))
            window.unlisted.push(`${path}.${key}`);
        return target[key];
    }});
};
JSON.parse = (text) => listen(parse(text), '');
}"""
DOCUMENT = pathlib.Path(__file__).parents[2] / "src/report/document.h"


def listed_keys():
    text = DOCUMENT.read_text().replace("\\\n", "")
    for word, keys in re.findall(r'#define (DOCUMENT_[A-Z]+) +("[^"]*")', text):
        text = text.replace(word, keys)
    rows = re.findall(r'\{"([^"]*)",((?:\s*"[^"]*")+)\}', text)
    return {path: "".join(re.findall('"([^"]*)"', keys)).split() for path, keys in rows}


def npy(kind, shape, values):
    """An array as .npy (version 1.0) holds it; kind: i, f."""
    header = repr({"descr": f"<{kind}4", "fortran_order": False, "shape": shape}).encode()
    header += b" " * ((53 - len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}{kind}", *values)


def window(T, width=4, n_first=2):
    """What a query sees of T keys: the first ones, and itself with those just before it, as two ranges."""
    for i in range(T):
        first = max(0, i + 1 - width)
        yield [(0, i + 1), (i + 1, i + 1)] if first <= n_first else [(0, n_first), (first, i + 1)]


class Report(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY + EXPECT)
        self.refframe("run", "tiny.yaml")
        self.path = pathlib.Path(self.at("results", "tiny", "report.html"))

    def test_one_file(self):
        """Nothing is loaded from anywhere, and it can be mailed."""
        data = read(self.path)
        self.assertLessEqual(len(data), 10_000_000)
        text = data.decode()
        self.assertRegex(text[:200].lower(), "<!doctype html>")
        outside_scripts = re.sub(r"(?s)<script\b[^>]*>.*?</script>", lambda m: m.group(0).split(">")[0] + ">", text)
        self.assertNotRegex(outside_scripts, r"""(?i)\b(src|srcset|poster|data)\s*=\s*["']?(?!data:|#)[^\s"'>]""")
        self.assertNotRegex(outside_scripts, r"(?i)<(link|iframe|object|embed|base)\b")
        self.assertNotRegex(outside_scripts, r"(?i)url\(\s*['\"]?(?!data:|#)|@import")
        self.assertIn("a model of one layer trains", text)
        self.assertNotIn(self.folder, text, "no path of this machine")

    def test_losses_say_their_unit(self):
        """Nats, or what a model of vectors is wrong by; and both where arms differ."""
        vectors = "{objective.kind: regression, data.source.kind: trigger_mean, model.input: linear}"
        self.write("vectors.yaml", SINGLE + f"sweep:\n  task:\n    v: {vectors}\n")
        self.write("both.yaml", SINGLE + f"sweep:\n  task:\n    v: {vectors}\n    t: {{data.source.kind: text}}\n")
        for name, unit in (("tiny", "nats"), ("vectors", "mean squared error"), ("both", "nats or mean squared error")):
            if name != "tiny":
                self.refframe("run", f"{name}.yaml")
            self.assertIn(f'"loss_unit":"{unit}"', read(self.at("results", name, "report.html")).decode())
            for run, folder in run_folders(self.at("results", name)).items():
                shown = self.refframe("show", folder).stdout
                expected = "mean squared error" if run.startswith("v-") else "nats"
                self.assertRegex(shown, rf"held-out loss [\d.]+ {expected} per target")

    def test_figures_are_files_of_their_own(self):
        """Well-formed, with their words, and nothing to load."""
        for name, words in (("labels.svg", "Which frame each run ended with"), ("early.svg", "the loss's fall")):
            data = read(self.path.parent / name)
            root = xml.etree.ElementTree.fromstring(data)
            self.assertIn(words, "".join(root.itertext()))
            self.assertNotRegex(data.decode(), r"(?i)href|url\(|<script")

    def open(self, **options):
        if not browser.PROGRAM:
            self.skipTest("no Chromium here")
        page = browser.Page(self.path.as_uri(), **options)
        self.addCleanup(page.close)
        return page

    def assert_quiet(self, page):
        self.assertEqual(page.complaints, [])
        self.assertEqual([url for url in page.requests if url != self.path.as_uri() and not url.startswith("data:")
                          and not url.startswith("blob:")], [])

    def test_opens_without_a_word(self):
        for dark in (False, True):
            page = self.open(dark=dark)
            self.assert_quiet(page)
            text = page.evaluate("document.body.innerText")
            for word in ("rope", "none", "the loss goes down", '<b>&amp; "quoted"</b>'):
                self.assertIn(word, text)
            self.assertGreaterEqual(page.evaluate("document.querySelectorAll('canvas').length"), 2)
            self.assertEqual(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), True, "no sideways scroll")

    def test_maps_play_over_training(self):
        page = self.open()
        script = """(value) => { const slider = document.querySelector('#maps input[type=range]');
            slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true}));
            slider.dispatchEvent(new Event('change', {bubbles: true}));
            return new Promise(done => setTimeout(() => done(
                [...document.querySelectorAll('canvas')].map(c => c.toDataURL()).join()), 200)); }"""
        first = page.evaluate(f"({script})(document.querySelector('#maps input[type=range]').min)")
        last = page.evaluate(f"({script})(document.querySelector('#maps input[type=range]').max)")
        again = page.evaluate(f"({script})(document.querySelector('#maps input[type=range]').min)")
        self.assertNotEqual(first, last)
        self.assertEqual(first, again)
        self.assert_quiet(page)

    def test_it_says_what_was_trained(self):
        """The settings of a run, and, of results that --set made, what it changed."""
        page = self.open()
        self.assertEqual(page.evaluate("document.querySelector('.eyebrow').textContent"), page.evaluate("data.name"))
        self.assertIn(f"Written by {self.refframe('--version').stdout.splitlines()[0]} from", page.evaluate("document.querySelector('footer').textContent"))
        with open(os.path.join(os.path.dirname(self.path), page.evaluate("data.settings_of"), "run.yaml"), encoding="utf-8") as file:
            self.assertEqual(page.evaluate("document.querySelector('pre.mono').textContent"), file.read())
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml", "--set", "train.steps=6", "--set", "seeds=1")
        (changed,) = [name for name in os.listdir(self.at("results")) if name != "tiny"]
        html = read(self.at("results", changed, "report.html")).decode()
        self.assertIn(f'"override":"{changed.removeprefix("tiny+")}"', html)
        self.assertIn("train.steps=6", changed)
        self.assertIn("steps: 6", html)

    def test_the_first_screen_plays(self):
        """On a projector: all arms from step 0 on, side by side, with the button that plays them."""
        page = self.open()
        page.ask("Emulation.setDeviceMetricsOverride", width=1280, height=720, deviceScaleFactor=1, mobile=False)
        state = """(() => [document.querySelector('#stage output').textContent, [...document.querySelectorAll('#stage .panels canvas')]
            .map((canvas) => canvas.getBoundingClientRect().top), document.querySelector('#stage button').getBoundingClientRect().bottom])()"""
        step, tops, bottom = page.evaluate(state)
        self.assertEqual((step, len(tops)), ("0step", page.evaluate("Math.min(4, finished.length)")))
        self.assertLess(max(*tops, bottom), 720)
        before = page.evaluate("document.querySelector('#stage canvas').toDataURL()")
        page.evaluate("document.querySelector('#stage button').click(); new Promise(done => setTimeout(done, 1500))")
        self.assertNotEqual(page.evaluate(state)[0], "0step")
        self.assertNotEqual(page.evaluate("document.querySelector('#stage canvas').toDataURL()"), before)

    def test_the_scripts_read_what_is_listed(self):
        """Whatever is clicked, no script asks the data for a key that the list in document.h does not have."""
        page = self.open(first=LISTENING % json.dumps(listed_keys()))
        page.evaluate("""(() => { for (const c of document.querySelectorAll('button, select, input, summary'))
            if (c.tagName === 'SELECT') for (const o of c.options) { c.value = o.value;
                c.dispatchEvent(new Event('change', {bubbles: true})); } else c.click(); })()""")
        self.assertEqual(page.evaluate("unlisted"), [])
        page.evaluate("JSON.parse('{\"arms\": []}').is_no_key")
        self.assertEqual(page.evaluate("unlisted"), [".is_no_key"], "the page is listened to")
        self.assert_quiet(page)

    def put_under_a_window(self):
        """Rewrites the snapshots as those of a window mask, whose rows attend evenly to what they see, to a half in all."""
        for path in self.path.parent.glob("*/snapshots/step-*.npz"):
            with zipfile.ZipFile(path) as file:
                members = {name: file.read(name) for name in file.namelist()}
            L, H, T = (int(n) for n in re.search(rb"'shape': \((\d+), (\d+), (\d+)", members["map_mean.npy"]).groups())
            rows = [[0.5 / sum(b - a for a, b in keys) if any(a <= j < b for a, b in keys) else 0.0 for j in range(T)]
                    for keys in window(T)]
            flat = [v for row in rows for v in row] * (L * H)
            members["map_mean.npy"] = npy("f", (L, H, T, T), flat)
            members["map.npy"] = npy("f", (1, L, H, T, T), flat)
            for name, length in (("visible", T), ("visible_half", T // 2)):
                members[f"{name}.npy"] = npy("i", (length, 2, 2), [v for keys in window(length) for r in keys for v in r])
            members["rows_sum_to_one.npy"] = npy("i", (1,), [0])
            with zipfile.ZipFile(path, "w") as file:
                for name, data in members.items():
                    file.writestr(name, data)
        for run in run_folders(str(self.path.parent)).values():
            list_again(run)
        self.refframe("report", str(self.path.parent))
        return rows

    def test_maps_under_a_window_are_drawn_by_its_ranges(self):
        """Each cell of the map is read by its keys: what the mask hides is hidden, and the rest has its weight."""
        rows = self.put_under_a_window()
        T = len(rows)
        page = self.open()
        told = page.evaluate(f"""(async () => {{ const canvas = document.querySelector('#maps canvas'), told = [];
            const box = canvas.getBoundingClientRect(), unit = (canvas.clientWidth - 52) / {T};
            for (let i = 0; i < {T}; i++) for (let j = 0; j < {T}; j++) {{
                canvas.dispatchEvent(new PointerEvent('pointermove', {{bubbles: true,
                    clientX: box.left + 46 + (j + 0.5) * unit, clientY: box.top + 46 + (i + 0.5) * unit}}));
                told.push(document.querySelector('#maps .cell b').textContent); }}
            return told; }})()""")
        for cell, text in enumerate(told):
            weight = rows[cell // T][cell % T]
            if weight == 0:
                self.assertEqual(text, "hidden", f"query {cell // T}, key {cell % T}")
            else:
                self.assertAlmostEqual(float(text), weight, delta=0.01)
        note = page.evaluate("document.querySelector('#maps > figure > figcaption').innerText")
        self.assertIn("what the mask hides is left blank", note)
        self.assertNotIn("sums to one", note)
        self.assert_quiet(page)

    def test_a_phone_shows_it_all(self):
        page = self.open(width=390)
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 390, "no sideways scroll")
        wide = '<div style="width: 2000px; text-align: right">sign<span class="sr">its name, for who listens</span></div>'
        self.assertEqual(page.evaluate(f"""document.querySelector('#onset .scroll').insertAdjacentHTML('beforeend', '{wide}'),
            document.documentElement.scrollWidth"""), 390, "what is wide scrolls in itself, what is hidden in it too")
        self.assert_quiet(page)

    def test_onsets_are_counted_in_steps_tokens_or_targets(self):
        """12 steps of 4 sequences of 16 tokens; all are targets but the BOS of each."""
        page = self.open()
        for name, last in (("steps", "10"), ("tokens", "100"), ("targets", "100")):
            ticks = page.evaluate(f"""(() => {{ [...document.querySelectorAll('#onset .segments button')]
                .find(button => button.innerText === '{name}').click();
                return [...document.querySelectorAll('.forest text')].map(t => t.textContent.replace(/\\s/g, ' ')); }})()""")
            self.assertIn(last, ticks)
            self.assertTrue(any(tick.endswith("(logarithmic)") and name[:-1] in tick for tick in ticks), ticks)
        self.assert_quiet(page)

    def test_each_axis_can_be_held_at_one_value(self):
        """Ten arms of two axes: the page opens on some of them, says how many, and shows any others."""
        values = ", ".join(f"a_rate_of_a_name_that_is_long_{i}: {{train.lr: {i + 1}e-3}}" for i in range(5))
        self.write("many.yaml", TINY.replace("sweep:", f"sweep:\n  rate: {{{values}}}"))
        self.refframe("run", "many.yaml", "--set", "seeds=1")
        self.path = pathlib.Path(self.at("results", "many+seeds=1", "report.html"))
        page = self.open()
        state = """(() => [document.querySelector('.filter output').innerText,
            document.querySelectorAll('#onset tbody tr').length, document.querySelectorAll('section').length])()"""
        choose = """(([axis, option]) => { const choice = document.querySelectorAll('.filter select')[axis];
            choice.focus(); choice.value = option; choice.dispatchEvent(new Event('change', {bubbles: true}));
            return document.activeElement === choice; })"""
        told, rows, sections = page.evaluate(state)
        self.assertEqual((told, rows), ("5 of 10 arms", 5))
        self.assertTrue(page.evaluate(f"{choose}([1, 0])"), "the choice keeps the focus")
        self.assertEqual(page.evaluate(state), ["10 of 10 arms", 10, sections])
        names, ends, start = page.evaluate("""(() => { const picture = document.querySelector('#onset .forest');
            const names = [...picture.querySelectorAll('text.strong')], box = (node) => node.getBoundingClientRect();
            return [names.map((n) => n.textContent), Math.max(...names.map((n) => box(n).right)),
                Math.min(...[...picture.querySelectorAll('line.rule')].map(box).filter((b) => b.width < 2).map((b) => b.left))]; })()""")
        self.assertEqual(len(set(names)), 10, "no two arms look alike")
        self.assertLess(ends, start, "and no name reaches into the picture")
        page.evaluate(f"{choose}([0, 2])")
        self.assertEqual(page.evaluate(state), ["2 of 10 arms", 2, sections])
        self.assert_quiet(page)

    def test_what_moves_the_label_is_told_twice(self):
        """A row an axis, whatever its name, beside what seeds change; set-ups stand below, and labels are read in two ways."""
        self.write("two.yaml", TINY.replace("sweep:", "sweep:\n  kind: {low: {train.lr: 1e-3}, high: {train.lr: 2e-3}}"))
        self.refframe("run", "two.yaml")
        self.path = pathlib.Path(self.at("results", "two", "report.html"))
        page = self.open()
        rows = """[...document.querySelectorAll('#changes tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"""
        by_position = page.evaluate(rows)
        self.assertEqual([row[0] for row in by_position], ["kind", "position", "seed alone", "model.position.kind=rope",
                                                           "model.position.kind=none", "kind=low", "kind=high"])
        self.assertTrue(all(len(row) == 11 for row in by_position))
        self.assertEqual([row[1] for row in by_position], ["2", "2", "4", "1", "1", "1", "1"])
        self.assertTrue(all(re.search(r" \([012] of 2 seeds\)$", row[3]) for row in by_position[3:]), by_position)
        self.assertTrue(all(" of " in row[4] for row in by_position if row[0] != "seed alone"), by_position)
        page.evaluate("document.querySelector('#changes .segments button:last-child').click()")
        self.assertEqual([row[:2] for row in page.evaluate(rows)], [row[:2] for row in by_position])
        self.assertNotIn("undefined", page.evaluate("document.body.innerText").lower())
        self.assert_quiet(page)

    def test_every_metric_says_what_it_cannot_see(self):
        """Its definition and its weakness stand beside its curve; each is in a group of the list."""
        page = self.open()
        metrics = {m["name"]: m for m in json.loads(read(self.path.parent / "metrics.json"))["metrics"]}
        shown = page.evaluate("""(() => { const select = document.querySelector('#training select');
            return [...select.options].map(option => { select.value = option.value;
                select.dispatchEvent(new Event('change', {bubbles: true}));
                return [data.metrics[option.value].name, option.parentNode.label ?? '', document.querySelector('#training figcaption').innerText]; });
            })()""")
        self.assertGreaterEqual(len(shown), 20)
        for name, group, text in shown:
            metric = metrics[name.rsplit("/")[-1]]
            self.assertIn(metric["family"].removeprefix("pub_"), group)
            self.assertIn(metric["summary"], text)
            self.assertIn(metric["weakness"], text)
        self.assert_quiet(page)

    def test_every_control_can_be_used(self):
        """Each button and choice is clicked, and reached with the Tab key."""
        page = self.open()
        n = page.evaluate("""(() => { const all = [...document.querySelectorAll('button, select, input, summary')];
            for (const c of all) { if (c.tagName === 'SELECT') for (const o of c.options) { c.value = o.value;
                c.dispatchEvent(new Event('change', {bubbles: true})); } else c.click(); }
            return all.filter(c => c.tabIndex >= 0 && c.offsetParent).length; })()""")
        self.assertGreaterEqual(n, 2)
        page.evaluate("document.activeElement.blur()")
        reached = set()
        for _ in range(3 * n + 20):
            page.press("Tab", 9)
            reached.add(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        page.press("ArrowRight", 39)
        controls = page.evaluate("""(() => { const all = [...document.querySelectorAll('*')];
            return [...document.querySelectorAll('button, select, input:not([type=radio]), summary')]
                .filter(c => c.tabIndex >= 0 && c.offsetParent && !c.disabled).map(c => all.indexOf(c)); })()""")
        self.assertEqual(sorted(set(controls) - reached), [])
        self.assert_quiet(page)


if __name__ == "__main__":
    unittest.main()
