"""The page that trains in a browser: what tests of each browser do with it, and the one that all of them must pass."""
import json
import os
import subprocess
import time
import unittest

COMMITTED = os.path.join(os.path.dirname(os.environ["TESTS_DIR"]), "play.html")
NATIVE = os.environ.get("WEB_NATIVE", "")
N_STEPS = 50
FIGURES = "({losses: [f.trainingLoss, f.loss], sinks: f.sinks, ends: f.ends, drains: f.drains, norms: f.norms, step: f.step})"


class Playing:
    """For a TestCase; `browser` is the module whose Page it opens."""

    def page(self, words="", **options):
        page = self.loaded(words, **options)
        self.wait(page, "page.isOpen")
        return page

    def loaded(self, words="", **options):
        page = self.browser.Page(f"file://{COMMITTED}{words}", **options)
        self.addCleanup(page.close)
        self.addCleanup(lambda: self.assertEqual(page.complaints, []))
        self.addCleanup(lambda: self.assertEqual([url for url in page.requests if not url.startswith(("file:", "blob:", "data:"))], []))
        return page

    def wait(self, page, condition, seconds=120):
        end = time.monotonic() + seconds
        while not page.evaluate(condition):
            self.assertEqual(page.evaluate("page.trouble"), "")
            self.assertLess(time.monotonic(), end, f"never: {condition}")
            time.sleep(0.1)

    def played(self, preset, **options):
        page = self.page(f"#preset={preset}", **options)
        page.evaluate("$('play').click()")
        self.finish(page)
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
        return page

    def finish(self, page):
        self.wait(page, "lastFrame()?.step >= page.until && !page.isRunning")

    def shown(self, page, what):
        """What a script says, once the page is drawn."""
        return page.evaluate(f"new Promise(done => requestAnimationFrame(() => setTimeout(() => done({what}), 50)))")

    def text(self, page, name):
        return self.shown(page, f"$('{name}').textContent").replace("\N{NO-BREAK SPACE}", " ")

    def is_seen(self, page, name):
        return page.evaluate(f"$('{name}').offsetParent !== null && getComputedStyle($('{name}')).visibility === 'visible'")

    @unittest.skipUnless(os.path.exists(NATIVE), "the module was not built as a program")
    def test_its_numbers_are_the_program_s(self):
        """Every figure of 50 steps, to the last bit, of each preset."""
        page = self.page()
        for preset in page.evaluate("Object.keys(PRESETS)"):
            with self.subTest(preset=preset):
                n = 10 if preset == "language" else N_STEPS
                page.evaluate(f"choosePreset('{preset}'); page.until = {n}; open()")
                self.wait(page, "page.isOpen")
                page.evaluate("play()")
                self.wait(page, f"page.frames.length === {n + 1}")
                mine = page.evaluate(f"page.frames.map(f => {FIGURES})")
                done = subprocess.run([NATIVE, str(n)], input=page.evaluate("settingsOf(page.state)"), text=True, capture_output=True, check=True)
                for here, there in zip(mine, map(json.loads, done.stdout.splitlines()), strict=True):
                    self.assertEqual(here, there)
