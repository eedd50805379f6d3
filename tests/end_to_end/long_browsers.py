"""Without these, a control of the page could be dead under a finger, a mouse or a key, in one browser or at one size."""

import unittest

import browser
import firefox
from playing import Playing

# What a press of a control must bring about, where `it` is the control and `last` the run before the press.
PRESSES = {
    "#presets [data-preset]": "page.id > last && page.preset === it.dataset.preset && page.lesson === null",
    "#predict [data-guess]": "page.guess === it.dataset.guess",
    "#switches [data-key]": "page.state[it.dataset.key] === it.dataset.value",
    "#speed": "page.speed === 1",
    "#play": "page.isRunning",
    "#reset": "page.id > last && !page.isRunning && page.frames.length <= 1",
    "#teach": "page.lesson?.at === 0",
}
AFTER_A_RUN = {
    "#back": "page.at === lastAt - 1", "#forth": "page.at === lastAt", "#loop": "page.isLooping", "#play": "!page.isLooping", "#pin": "page.pinned !== null",
    "#save": "saved.at(-1).endsWith('.png')", "#film": "saved.at(-1).endsWith('.gif')",
    "#link": "told.some(words => ['Copied', 'It is in the address bar'].includes(words))",
}
SIZES = ((1920, 1080, "mouse"), (1280, 720, "mouse"), (768, 1024, "touch"), (390, 844, "touch"))


class Controls(Playing):
    def press(self, page, selector, device, result, i=0):
        """Presses the i-th that the selector names, where it is seen, and waits for the result."""
        place = self.shown(page, f"""(() => {{
            unmean(); // what the pointer rests on is another's
            window.last = page.id;
            window.it = document.querySelectorAll({selector!r})[{i}];
            it.scrollIntoView({{block: "center"}});
            const box = it.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
            return document.elementFromPoint(x, y) === it ? [x, y] : null; }})()""")
        self.assertIsNotNone(place, f"{selector} is covered")
        if device == "keys":
            page.evaluate("it.focus()")
            page.press("Enter", 13)
        else:
            page.point(*place, device)
        self.wait(page, result, 20)

    def press_each(self, page, selector, device, result):
        n = self.shown(page, f"document.querySelectorAll({selector!r}).length")
        self.assertGreater(n, 0, selector)
        for i in [*range(n)] * (2 if n > 1 else 1):  # what is on from the start is pressed from another value in the second round
            self.press(page, selector, device, result, i)
            self.wait(page, "page.isOpen")

    def use(self, page, device):
        page.evaluate("page.speed = 0")
        for selector, result in PRESSES.items():
            with self.subTest(control=selector):
                page.evaluate("choosePreset('sink')")
                self.wait(page, "page.isOpen")
                self.press_each(page, selector, device, result)
        for at in range(1, 7):
            self.press(page, "#lesson-next", device, f"page.lesson.at === {at}")
        self.press(page, "#lesson-back", device, "page.lesson.at === 5")
        self.press(page, "#lesson-choices button:last-child", device, "page.lesson.said === UNSAID")
        self.press(page, "#lesson-leave", device, "page.lesson === null")
        self.press(page, "#presets [data-preset=language]", device, "page.preset === 'language' && page.isOpen")
        self.press_each(page, "#heads button", device, "it.getAttribute('aria-pressed') === 'true'")
        self.press(page, "#presets [data-preset=sink]", device, "page.preset === 'sink' && page.isOpen")
        page.evaluate("page.until = 6; window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.download); }")
        self.press(page, "#play", device, "page.isRunning || page.frames.length > 1")
        self.finish(page)
        page.evaluate("window.lastAt = page.frames.length - 1; window.told = [];"
                      "new MutationObserver(() => told.push($('link').textContent)).observe($('link'), {childList: true})")
        for selector, result in AFTER_A_RUN.items():
            with self.subTest(control=selector):
                self.press(page, selector, device, result)
        page.evaluate("stopLooking()")
        self.press(page, "#told .term", device, "!$('meaning').hidden")
        page.press("Escape", 27)
        self.assertTrue(page.evaluate("$('meaning').hidden"))
        self.press(page, "details summary", device, "document.querySelector('details').open")
        for name, value in (("seed", "7"), ("rate", "0.002")):
            page.evaluate(f"$('{name}').focus(); $('{name}').select()")
            page.write(value)
            page.press("Enter", 13)
            page.press("Tab", 9)
            self.wait(page, f"page.state.{name} === {value} && page.isOpen", 20)
        page.evaluate("page.until = 4")
        self.press(page, "#seeds", device, "page.seeds !== null || $('strip').childElementCount > 0")
        self.wait(page, "page.seeds === null && $('strip').childElementCount === 20 && page.isOpen")
        page.evaluate("page.until = 600; page.pinned = null; document.querySelector('details').open = false")

    def test_every_control(self):
        """By mouse and touch at four sizes, and by the keyboard."""
        page = self.page()
        for width, height, device in (*SIZES, (1280, 720, "keys")):
            with self.subTest(width=width, device=device):
                page.resize(width, height, device == "touch")
                self.use(page, device)

    def test_a_copied_link_opens_the_same_run(self):
        page = self.page("#preset=ends&seed=5&position=rope&rate=0.002")
        again = self.page(page.evaluate("location.hash"))
        self.assertEqual(again.evaluate("page.state"), page.evaluate("page.state"))
        self.assertEqual(again.evaluate("[page.state.seed, page.state.position, page.state.rate, page.preset]"), [5, "rope", 0.002, "ends"])

    def test_keys_alone_reach_every_control(self):
        """In the order in which they stand, and none is a trap."""
        page = self.page()
        seen = "[...document.querySelectorAll('button:not(:disabled), input, summary, canvas[tabindex]')].filter(each => each.checkVisibility())"
        page.evaluate(f"window.expected = {seen}; window.reached = []; document.addEventListener('focusin', event => reached.push(event.target)); 0")
        n = page.evaluate("expected.length")
        self.assertGreater(n, 30)
        for _ in range(n):
            page.press("Tab", 9)
        self.assertEqual(page.evaluate("expected.filter(each => !reached.includes(each)).map(each => each.outerHTML)"), [])
        self.assertTrue(page.evaluate("reached.every((each, i) => i === 0 || (reached[i - 1].compareDocumentPosition(each) & 4))"))


@unittest.skipUnless(browser.PROGRAM, "no Chromium here")
class Chromium(Controls, unittest.TestCase):
    browser = browser


@unittest.skipUnless(firefox.PROGRAM, "no Firefox here")
class Firefox(Controls, unittest.TestCase):
    browser = firefox

    def test_each_preset_ends_as_its_name_says(self):
        for preset, found in (("sink", "first"), ("cure", "none"), ("ends", "both"), ("nothing", "none")):
            with self.subTest(preset=preset):
                self.assertEqual(self.played(preset).evaluate("answer()"), found)


if __name__ == "__main__":
    unittest.main()
