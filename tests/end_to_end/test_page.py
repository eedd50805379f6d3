"""Without these, a reader could not choose a seed, take a figure or its numbers along, send a link to what they see, read the page
on a phone or paper; or anybody could break it by a link."""
import base64
import csv
import io
import json
import os
import pathlib
import struct
import time
import unittest

import browser
from harness import MODEL, Case, read

HOSTILE = "=HYPERLINK(a)"  # what a spreadsheet would run
EXPERIMENT = f"""\
claim: a model of one layer trains
seeds: 3
sweep:
  kind:
    "{HOSTILE}": {{model.position.kind: rope}}
    plain: {{model.position.kind: none}}
expect:
  - {{text: "the loss goes down", that: "median(sink_mass) < 2"}}
""" + MODEL.replace("steps: 12", "steps: 20")

# What a click would save, instead of saving it: its name, and its bytes in base64.
CATCHING = """{
const make = URL.createObjectURL;
let blob = null;
URL.createObjectURL = (own) => make(blob = own);
window.caught = (button) => new Promise((done) => {
    HTMLAnchorElement.prototype.click = function () {
        const reader = new FileReader();
        reader.onload = () => done([this.download, reader.result.split(',')[1]]);
        reader.readAsDataURL(blob);
    };
    button.click();
});
}"""

STATE = """[document.querySelector('#stage select').selectedOptions[0].text, document.querySelector('#maps h3').textContent,
    document.querySelector('#maps output').textContent, document.querySelector('#maps canvas').toDataURL(),
    document.querySelector('#training h3').textContent, document.querySelector('#onset .segments [aria-pressed=true]').textContent]"""


class Page(Case):
    made = {}  # the page, and what lies beside it: trained once

    def setUp(self):
        super().setUp()
        if not browser.PROGRAM:
            self.skipTest("no Chromium here")
        if not Page.made:
            self.write("small.yaml", EXPERIMENT)
            self.refframe("run", "small.yaml")
            for name in ("report.html", "labels.svg", "early.svg", "curves.csv", "summary.csv", "changes.csv"):
                Page.made[name] = read(self.at("results", "small", name))
        self.path = pathlib.Path(self.at("report.html"))
        self.path.write_bytes(Page.made["report.html"])

    def open(self, hash="", **options):
        page = browser.Page(self.path.as_uri() + hash, **options)
        self.addCleanup(page.close)
        return page

    def choose(self, page, which, text):
        page.evaluate(f"""(() => {{ const node = document.querySelector({json.dumps(which)});
            node.value = [...node.options].find((option) => option.text === {json.dumps(text)}).value;
            node.dispatchEvent(new Event('change', {{bubbles: true}})); }})()""")

    def put(self, page, script, expected):
        """What a script says once it says what is expected, or after a while."""
        end = time.monotonic() + 10
        while page.evaluate(script) != expected and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(page.evaluate(script), expected)

    # ---- seeds ----

    def test_another_seed_plays_everywhere(self):
        """Pictures, curve and words are of the seed that is chosen, in the stage and in the player alike."""
        page = self.open()
        offered = page.evaluate("[...document.querySelectorAll('#stage select option')].map((option) => option.text)")
        self.assertEqual(offered, ["median seeds", "seed 1", "seed 2", "seed 3"])
        pictures, curves = set(), set()
        for seed in (1, 2, 3):
            self.choose(page, "#stage select" if seed < 3 else "#maps select[aria-label=Seed]", f"seed {seed}")
            page.evaluate("document.querySelector('#stage input').value = 999; document.querySelector('#stage input').dispatchEvent(new Event('input'))")
            self.assertEqual(page.evaluate("[...document.querySelectorAll('#stage figcaption small')].map((node) => node.textContent)"),
                             [f"seed {seed}"] * 2)
            told = page.evaluate(STATE)
            self.assertEqual(told[0], f"seed {seed}")
            self.assertIn(f"seed {seed}", told[1])
            self.assertIn(f"n = 1: seed {seed}", page.evaluate("document.querySelector('#maps > figure > figcaption').textContent"))
            pictures.add((page.evaluate("document.querySelector('#stage canvas').toDataURL()"), told[3]))
            curves.add(page.evaluate("document.querySelector('#maps .spark path').getAttribute('d')"))
        self.assertEqual((len(pictures), len(curves)), (3, 3))
        self.assertEqual(page.complaints, [])

    def test_the_curve_is_of_the_head_that_is_shown(self):
        """Its last value is that of the heads' table, for each head; and it moves when another is chosen."""
        page = self.open()
        curves = set()
        for head in (0, 1):
            self.choose(page, "#maps select[aria-label=Head]", f"head {head}")
            curves.add(page.evaluate("document.querySelector('#maps .spark path').getAttribute('d')"))
        self.assertEqual(len(curves), 2)
        self.assertEqual(page.evaluate("""data.arms.every((a) => a.seeds.every((s) => {
            const maps = [a.maps, ...data.seed_maps.filter((own) => data.arms[own.arm] === a).map((own) => own.maps)].find((own) => own.seed === s.seed);
            return s.heads.every((v, h) => { const last = maps.headline[h].slice(-3).sort((x, y) => x - y); return Math.abs(last[1] - v) < 1e-5; });
        }))"""), True)

    # ---- saving ----

    def save(self, page, button):
        """What a button hands over, and its name."""
        folder = self.at("saved")
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        page.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=folder)
        page.evaluate(f"{button}.click()")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            names = [name for name in os.listdir(folder) if not name.endswith(".crdownload")]
            if names and os.path.getsize(os.path.join(folder, names[0])):
                return names[0], read(os.path.join(folder, names[0]))
            time.sleep(0.05)
        self.fail(f"{button} saves nothing")

    def test_everything_can_be_saved(self):
        """Each button hands over a file of its kind; a figure is the same bytes as the file beside the page, a table reads back, and a
        cell that a spreadsheet would run is made harmless."""
        page = self.open(first=CATCHING)  # a browser takes ten files in a row, no more
        n = page.evaluate("document.querySelectorAll('.save button').length")
        self.assertGreaterEqual(n, 20)
        seen = {}
        for i in range(n):
            name, data = page.evaluate(f"caught(document.querySelectorAll('.save button')[{i}])")
            data = base64.b64decode(data)
            self.assertRegex(name, r"^small-[\w.+-]+\.(svg|png|csv)$")
            self.assertNotIn(name, seen)
            seen[name] = data
            if name.endswith(".png"):
                self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
                width, height = struct.unpack(">II", data[16:24])
                self.assertGreater(min(width, height), 100)
            elif name.endswith(".svg"):
                self.assertTrue(data.startswith(b"<svg"), name)
            else:
                rows = list(csv.reader(io.StringIO(data.decode())))
                self.assertGreater(len(rows), 2)
                self.assertEqual({len(row) for row in rows}, {len(rows[0])}, name)
                self.assertFalse([cell for row in rows for cell in row if cell.startswith("=")], name)
        for name in ("labels.svg", "early.svg"):
            self.assertEqual(seen[f"small-{name}"], Page.made[name])
        changes = [list(csv.reader(io.StringIO(table.decode()))) for table in (seen["small-changes.csv"], Page.made["changes.csv"])]
        self.assertEqual(changes[0][0], changes[1][0])
        for shown, written in zip(*changes):
            self.assertEqual(shown[:4], written[:4])
            self.assertEqual([round(float(cell), 4) for cell in shown[4:] if cell and shown is not changes[0][0]],
                             [round(float(cell), 4) for cell in written[4:] if cell and shown is not changes[0][0]])
        arms = [{(row["arm"], row["kind"]) for row in csv.DictReader(io.StringIO(table.decode()))}
                for table in (seen["small-held_out_loss.csv"], Page.made["summary.csv"])]
        self.assertEqual(*arms)
        self.assertIn("'" + HOSTILE, [value for _, value in arms[0]])
        self.assertEqual(page.complaints, [])

    def test_saved_numbers_are_those_of_the_tables(self):
        """The median seed's loss stands between the least and the largest that the page saves, with the digits of curves.csv."""
        page = self.open()
        _, data = self.save(page, "[...document.querySelectorAll('#training .save button')].at(-1)")
        losses = {}
        for row in csv.DictReader(io.StringIO(Page.made["curves.csv"].decode())):
            if row["metric"] == "held_out_loss":
                losses.setdefault((row["arm"], row["step"]), []).append(float(row["value"]))
        saved = list(csv.DictReader(io.StringIO(data.decode())))
        self.assertEqual({(row["arm"], row["step"]) for row in saved}, set(losses))
        for row in saved:
            own = sorted(losses[row["arm"], row["step"]])
            for column, value in zip(("held_out_loss_low", "held_out_loss", "held_out_loss_high"), own):
                self.assertAlmostEqual(float(row[column]), value, delta=1e-4 * value)

    def test_cells_are_as_harmless_as_in_the_tables(self):
        """The rule of base/shown.c, case by case."""
        page = self.open()
        cases = {"plain": "plain", "=1+1": "'=1+1", "+x": "'+x", "-x": "'-x", "@x": "'@x", "-1.5e3": "-1.5e3", "+inf": "+inf", "-": "-",
                 "\uff1dx": "'\uff1dx", "a,b": '"a,b"', 'a"b': '"a""b"', "a;=b": '"a;=b"', "a;b": "a;b", "=a,b": '"\'=a,b"', "\tx": "'\tx",
                 "a\n=b": '"a\n=b"', "": ""}
        for text, cell in cases.items():
            self.assertEqual(page.evaluate(f"page.saving.csvCell({json.dumps(text)})"), cell, repr(text))
        self.assertEqual(page.evaluate("[0.1, -2, NaN, null, Infinity, -Infinity].map(page.saving.csvCell)"), ["0.1", "-2", "", "", "inf", "-inf"])

    def test_a_picture_shows_what_the_page_shows(self):
        """Canvases and words: a chart's picture has the colours of its lines, and ink where its title stands."""
        page = self.open()
        _, data = self.save(page, "document.querySelector('#stage .save button')")
        page.evaluate(f"""new Promise((done) => {{ window.image = new Image(); image.onload = done;
            image.src = 'data:image/png;base64,{base64.b64encode(data).decode()}'; }})""")
        differ, inked = page.evaluate("""(() => { const canvas = document.createElement('canvas'), shown = document.querySelector('#stage .panels canvas');
            canvas.width = image.width; canvas.height = image.height;
            const context = canvas.getContext('2d', {willReadFrequently: true}), box = shown.getBoundingClientRect();
            const root = document.querySelector('#stage .panels').getBoundingClientRect(), unit = box.width / shown.width;
            context.drawImage(image, 0, 0);
            const own = shown.getContext('2d').getImageData(0, 0, shown.width, shown.height).data;
            let differ = 0;
            for (let i = 1; i < shown.height; i++) for (let j = 1; j < i - 1; j++) {
                const at = context.getImageData(2 * (16 + box.left - root.left + (j + 0.5) * unit), 2 * (16 + box.top - root.top + (i + 0.5) * unit), 1, 1).data;
                differ += Math.abs(at[0] - own[4 * (i * shown.width + j)]) > 6; }
            const title = context.getImageData(2 * (16 + box.left - root.left), 0, 240, 80).data, paper = context.getImageData(image.width - 1, image.height - 1, 1, 1).data;
            let inked = 0;
            for (let p = 0; p < title.length; p += 4) inked += Math.abs(title[p] - paper[0]) > 60;
            return [differ, inked]; })()""")
        self.assertEqual(differ, 0)
        self.assertGreater(inked, 50)

    # ---- links ----

    def change_it_all(self, page):
        self.choose(page, "#stage select", "seed 2")
        self.choose(page, "#maps select[aria-label=Arm]", "plain")
        self.choose(page, "#maps select[aria-label=Head]", "head 1")
        self.choose(page, "#training select", "Max inflow")
        page.evaluate("""document.querySelectorAll('#onset .segments button')[1].click();
            const slider = document.querySelector('#maps input[type=range]'); slider.value = 1; slider.dispatchEvent(new Event('input'))""")

    def test_a_link_holds_the_view(self):
        """Made by the button, opened elsewhere, and gone back to."""
        page = self.open()
        before = page.evaluate(STATE)
        self.change_it_all(page)
        view = page.evaluate(STATE)
        self.assertFalse(set(before) & set(view))
        page.evaluate("document.getElementById('link').click()")
        link = page.evaluate("location.hash")
        self.put(page, "/^Link /.test(document.querySelector('#link span').textContent)", True)
        self.assertIn("seed=2", link)
        self.assertEqual(page.evaluate(STATE), view, "asking for a link changes nothing")
        self.assertEqual(self.open(link).evaluate(STATE), view)
        self.choose(page, "#stage select", "seed 3")
        page.evaluate("document.getElementById('link').click()")
        page.evaluate("history.back()")
        self.put(page, STATE, view)
        page.evaluate("history.back()")
        self.put(page, STATE, before)
        page.evaluate("history.forward()")
        self.put(page, STATE, view)
        self.assertEqual(page.complaints, [])

    def test_a_link_can_say_that_it_plays(self):
        page = self.open("#play=maps&step=0")
        self.put(page, "document.querySelector('#maps output').textContent.startsWith('20')", True)
        calm = self.open("#seed=1&stage=5")
        self.assertEqual(calm.evaluate("[document.querySelector('#stage output').textContent, document.querySelector('#stage button').textContent]"),
                         ["5step", "▶ Play"])

    def test_a_hostile_link_changes_nothing(self):
        """Whatever stands behind the #: no error, no markup, and the view that the page opens with."""
        page = self.open()
        expected = page.evaluate(STATE)
        for hash in ("#%", "#(", "#%FF%00", "#seed=__proto__&arm=constructor&layer=-1&head=1e9&step=NaN&metric=toString&level=x&axis=&counted=valueOf",
                     "#arm=<img src=x onerror=alert(1)>&at=top'%5D&hold=0:nothing", "#seed=2.0&head=0x1&layer=99999999999999999999&stage=Infinity",
                     "#" + "a=b&" * 50000, "#&=&==&&&", "#javascript:alert(1)", "#play=everything"):
            page.evaluate(f"location.hash = {json.dumps(hash)}; new Promise((done) => setTimeout(done, 50))")
            self.assertEqual(page.evaluate(STATE), expected, hash[:80])
            page.loaded = False
            page.ask("Page.reload")
            while not page.loaded:
                page.take()
            self.put(page, STATE, expected)
            self.assertEqual(page.complaints, [], hash[:80])
        self.assertEqual(page.evaluate("document.querySelectorAll('img').length"), 0)

    # ---- phone, print, colour ----

    def test_a_phone_shows_numbers_and_lets_one_touch(self):
        page = self.open(width=390)
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 390)
        self.assertEqual(page.evaluate("""[...document.querySelectorAll('#onset .forest, #frames .timeline > svg, table.wide')].filter((node) =>
            node.scrollWidth > node.clientWidth || node.getBoundingClientRect().right > 391).length"""), 0, "nothing is hidden beside the page")
        self.assertGreater(page.evaluate("Math.min(...[...document.querySelectorAll('.forest text, .timeline text')].map((t) => t.getBoundingClientRect().height))"), 10)
        self.assertTrue(page.evaluate("document.querySelector('.bar nav a').offsetParent !== null"), "it can be navigated")
        page.evaluate("document.querySelector('#maps canvas').scrollIntoView({block: 'center', behavior: 'instant'})")
        x, y = page.evaluate("(() => { const b = document.querySelector('#maps canvas').getBoundingClientRect(); return [b.left + 60, b.top + 0.8 * b.height]; })()")
        page.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        page.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        page.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.put(page, "/^0\\.\\d{3}/.test(document.querySelector('#maps .cell').textContent)", True)
        self.assertEqual(page.complaints, [])

    def test_a_tablet_shows_tables_and_figures_whole(self):
        page = self.open(width=768)
        self.put(page, "[...document.querySelectorAll('.scroll')].filter((node) => node.scrollWidth > node.clientWidth).length", 0)
        self.assertGreater(page.evaluate("document.querySelectorAll('.scroll').length"), 4)

    def test_what_was_found_stands_below_the_claim(self):
        """In words that the verdicts bear out, corrected where there are many."""
        page = self.open()
        told = "document.querySelector('.hero .claim + .source').textContent"
        self.assertEqual(page.evaluate(told), "Found: The seeds decide nothing.")  # three are too few
        for verdicts, families, words in (
                ([("supported", "undecided")] * 8, True, "The seeds support all 8 expectations. Corrected for being so many, none of these verdicts stands: more seeds might tell."),
                ([("supported", "supported"), ("refuted", "undecided"), ("undecided", "undecided")], True,
                 "The seeds support 1 of 3 expectations and refute 1 of 3 expectations. Corrected for being so many, 1 of these verdicts stands: more seeds might tell."),
                ([("refuted", "refuted")], False, "The seeds refute the expectation."),
                ([("refuted", "undecided")], False, "The seeds refute the expectation. Corrected for its comparisons, it is undecided: more seeds might tell."),
                ([("undecided", "undecided")] * 2, True, "The seeds decide none of 2 expectations.")):
            page.evaluate(f"data.verdicts = {json.dumps([{'verdict': one, 'corrected': {'verdict': two}} for one, two in verdicts])};"
                          f"data.families = {json.dumps(['a family'] if families else [])}; document.querySelector('.hero').remove(); page.hero()")
            self.assertEqual(page.evaluate(told), f"Found: {words}")

    def test_a_link_from_the_top_leads_to_the_top(self):
        page = self.open()
        page.evaluate("document.querySelector('#notes').scrollIntoView({behavior: 'instant'})")
        self.put(page, "document.querySelector('nav [aria-current]')?.hash", "#notes")
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        self.put(page, "document.querySelector('nav [aria-current]')", None)
        page.evaluate("document.getElementById('link').click()")
        self.assertNotIn("at=", page.evaluate("location.hash"))

    def test_steps_along_an_axis_stand_apart(self):
        page = self.open(width=390)
        gaps = page.evaluate("""[...document.querySelectorAll('#training .chart')].map((chart) => {
            const boxes = [...chart.querySelectorAll('.dygraph-axis-label-x')].map((node) => {
                const range = document.createRange(); range.selectNodeContents(node); return range.getBoundingClientRect(); });
            return Math.min(...boxes.slice(1).map((box, i) => box.left - boxes[i].right)); })""")
        self.assertGreater(min(gaps), 2)

    def test_the_player_fits_a_projector(self):
        """Map and controls of the player are seen together at 720 and at 900 pixels of height."""
        page = self.open()
        for width, height in ((1280, 720), (1400, 900)):
            page.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
            top, bottom = page.evaluate("""(() => { document.querySelector('#maps canvas').scrollIntoView({behavior: 'instant'});
                return [document.querySelector('#maps canvas').getBoundingClientRect().top,
                    document.querySelector('#maps .transport').getBoundingClientRect().bottom]; })()""")
            self.assertGreaterEqual(top, 0)
            self.assertLessEqual(bottom, height)
            page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
            self.assertLessEqual(page.evaluate("document.querySelector('.panels').getBoundingClientRect().bottom"), height, "the first pictures")

    def test_lines_differ_without_their_hue(self):
        """Each arm has its own dashes, in the chart and in its key, and its name stands at its line's end."""
        page = self.open()
        dashes = page.evaluate("[...document.querySelectorAll('#training .chart-box:first-child .swatch line')].map((line) => line.getAttribute('stroke-dasharray'))")
        self.assertEqual(len(set(dashes)), 2, dashes)
        self.assertEqual(page.evaluate("new Set(Array.from({length: 16}, (_, i) => armDash(i) + armColour(i))).size"), 16)
        names = page.evaluate("[...document.querySelectorAll('#training .chart-box:first-child .line-name')].map((node) => node.textContent)")
        self.assertEqual(sorted(names), [HOSTILE, "plain"])

    def test_paper_is_light_and_whole(self):
        """What print shows: light also for who reads in the dark, folded verdicts open, and nothing wider than the sheet."""
        page = self.open(dark=True)
        self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "light")
        self.assertEqual(page.evaluate("""[...document.querySelectorAll('#training .still')].map((canvas) => {
            const {data} = canvas.getContext('2d').getImageData(100, 60, canvas.width - 400, canvas.height - 200);
            return data.some((v, i) => i % 4 === 2 && data[i + 1] === 255 && Math.abs(v - data[i - 2]) > 100); })"""), [True, True], "charts are pictures with coloured lines")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        self.assertEqual(page.evaluate("[document.documentElement.dataset.theme, document.querySelectorAll('.still').length]"), ["dark", 0])
        page.ask("Emulation.setEmulatedMedia", media="print")
        page.ask("Emulation.setDeviceMetricsOverride", width=718, height=1000, deviceScaleFactor=1, mobile=False)
        self.assertTrue(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
        self.assertEqual(page.evaluate("getComputedStyle(document.querySelector('.block')).printColorAdjust"), "exact")
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.save, .controls, .bar')].filter((node) => node.offsetParent).length"), 0)
        self.assertEqual(page.complaints, [])

    def test_figures_follow_the_page(self):
        """They stand between pictures and verdicts, have two sentences each, and the theme that the reader chose."""
        page = self.open()
        order = page.evaluate("[...document.querySelectorAll('#stage, #figures, #verdicts')].map((node) => node.id)")
        self.assertEqual(order, ["stage", "figures", "verdicts"])
        paper = """[...document.querySelectorAll('.drawing > .scroll > div')].map((node) =>
            getComputedStyle(node.shadowRoot.querySelector('svg')).backgroundColor)"""
        light = page.evaluate(paper)
        self.assertEqual(len(light), 2)
        page.evaluate("document.getElementById('theme').click()")
        dark = page.evaluate(paper)
        self.assertFalse(set(light) & set(dark))
        for text in page.evaluate("[...document.querySelectorAll('.drawing figcaption')].map((node) => node.textContent)"):
            self.assertEqual(text.count(". ") + text.endswith("."), 2, text)


if __name__ == "__main__":
    unittest.main()
