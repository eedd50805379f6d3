"""Without these, the page that trains could show another program's numbers, want the network, or stop at its first press."""
import json
import os
import re
import sys
import unittest

import browser
from gif_reader import pictures_of
from harness import Case, read
from playing import COMMITTED, Playing

sys.path.insert(0, os.path.join(os.path.dirname(os.environ["TESTS_DIR"]), "src", "web"))
sys.dont_write_bytecode = True
import make_play  # noqa: E402

HOLD_MODULE = """const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  const send = () => post.call(this, message, ...rest);
  message.kind === "load" ? window.sendModule = send : send();
};"""


class Written(Case):
    def test_the_verb_writes_the_committed_page_and_replaces_nothing(self):
        self.assertIn("play.html written: open it in a browser", self.refframe("play").stdout)
        self.assertEqual(read(self.at("play.html")), read(COMMITTED))
        self.write("mine.html", "thesis")
        self.assertIn("mine.html exists already; it was left as it is", self.refframe("play", "mine.html", code=2).stderr)
        self.assertEqual(read(self.at("mine.html")), b"thesis")

    def test_all_but_its_module_is_that_of_the_sources(self):
        """Without Emscripten, too; the bytes of what is packed are those of one version of zlib, so they are left out."""
        packed = re.compile(r'(id="(?:module|corpus)">)[^<]+<')
        made = make_play.page(make_play.module_of(COMMITTED))
        self.assertEqual(packed.findall(made), ['id="module">', 'id="corpus">'])
        self.assertTrue(packed.sub(r"\1<", made) == packed.sub(r"\1<", read(COMMITTED).decode()), "python3 src/web/make_play.py play.html")

    def test_it_is_one_file_of_a_megabyte_that_names_no_address(self):
        page = read(COMMITTED)
        self.assertLess(len(page), 1_000_000)
        for word in (b"http://", b"https://", b"src=", b"@import", b"{{"):
            self.assertNotIn(word, page)


@unittest.skipUnless(browser.PROGRAM, "no Chromium here")
class Play(Playing, unittest.TestCase):
    browser = browser

    def test_each_preset_ends_as_its_name_says(self):
        for preset, found in (("sink", "first"), ("cure", "none"), ("ends", "both"), ("nothing", "none")):
            with self.subTest(preset=preset):
                page = self.played(preset)
                self.assertEqual(page.evaluate("answer()"), found)
                self.assertIn("No column formed" if found == "none" else "A sink", page.evaluate("$('verdict').textContent"))

    def test_predict_look_back_pin_and_read(self):
        page = self.page("#preset=sink&seed=3")
        self.assertEqual(page.evaluate("page.state.seed"), 3)
        page.evaluate("window.told = []; new MutationObserver(() => told.push($('verdict').textContent)).observe($('verdict'), {childList: true})")
        page.evaluate("document.querySelector('#predict button[data-guess=first]').click(); $('play').click()")
        self.finish(page)
        page.evaluate("new Promise(done => setTimeout(done, 200))")
        self.assertRegex(page.evaluate("$('verdict').textContent"), "You said the first token: right")
        self.assertFalse(self.is_seen(page, "predict"))
        self.assertEqual(page.evaluate("told.slice(0, -1)"), ["You expect a strong column at the first token."])
        page.evaluate("$('scrub').value = 0; $('scrub').dispatchEvent(new Event('input'))")
        page.evaluate("new Promise(done => setTimeout(done, 100))")
        self.assertEqual(page.evaluate("$('step').textContent"), "step 0 of 600")
        page.evaluate("look(page.frames.length - 1); $('map').focus()")
        for key, code in (("ArrowLeft", 37), ("ArrowDown", 40), ("ArrowLeft", 37)):
            page.press(key, code)
        page.evaluate("new Promise(done => setTimeout(done, 100))")
        self.assertRegex(self.text(page, "cell"), r"^· \(place 15\) gives BOS \(place 0\) (9\d|100) % of its attention\. It has nothing")
        page.evaluate("$('pin').click(); document.querySelector('#switches button[data-value=relu]').click()")
        self.wait(page, "page.isOpen")
        self.assertEqual("#preset=cure&seed=3", page.evaluate("location.hash"))
        self.assertEqual(page.evaluate("page.pinned.frames.length"), page.evaluate("Math.floor(600 / every()) + 1"))

    def test_the_animated_picture_has_every_map(self):
        page = self.played("sink")
        page.evaluate("window.n_tables = 0; Int16Array = new Proxy(Int16Array, {construct: (C, words) => (n_tables++, new C(...words))})")
        data = bytes(page.evaluate("[...film(page.shape, page.frames, headShown(), sinkWords)]"))
        self.assertEqual(page.evaluate("n_tables"), 1, "two megabytes of work are made for every frame")
        T, n = page.evaluate("page.shape.length"), page.evaluate("Math.min(page.frames.length, FILM_MOST)")
        width, height, palette, pictures = pictures_of(data)
        cell = width // T
        self.assertEqual((width, height, len(pictures)), (T * cell, T * cell + 30, n))
        self.assertEqual([delay for delay, _ in pictures], [7] * (n - 1) + [200])
        for which, script in ((0, "page.frames[0]"), (-1, "lastFrame()")):
            cells = page.evaluate(f"[...{script}.map.slice(headShown() * {T * T}, (headShown() + 1) * {T * T})]")
            pixels = pictures[which][1]
            self.assertEqual(len(pixels), width * height)
            self.assertEqual([pixels[(i // T * cell + cell // 2) * width + i % T * cell + cell // 2] for i in range(T * T)],
                             [int(value / 255 * 199 + 0.5) for value in cells])
        self.assertNotEqual(pictures[0][1], pictures[-1][1])
        self.assertNotEqual(palette[:3], palette[199 * 3:600])
        page.evaluate("URL.createObjectURL = blob => (window.saved = blob, 'blob:none'); HTMLAnchorElement.prototype.click = function () { window.named = this.download; }")
        page.evaluate("$('film').click()")
        self.assertEqual(page.evaluate("[window.named, window.saved.type, window.saved.size]"), ["sink-sink-seed1.gif", "image/gif", len(data)])

    def click_cell(self, page, key, query=15):
        """By the mouse, in the map's middle of that cell."""
        x, y = page.evaluate(f"""(() => {{ $('map').scrollIntoView({{block: 'center'}});
            const box = $('map').getBoundingClientRect(), {{left, top, cell}} = mapLayout(box.width, box.height, page.shape.length);
            return [box.left + left + ({key} + 0.5) * cell, box.top + top + ({query} + 0.5) * cell]; }})()""")
        page.point(x, y)

    def step(self, page, at):
        page.evaluate(f"takeStep({at})")
        self.wait(page, "page.isOpen")

    def test_the_lesson_says_nothing_of_another_run(self):
        page = self.page()
        self.step(page, 1)
        self.click_cell(page, 0)
        self.assertEqual(self.text(page, "lesson-reading"), "You say BOS (place 0). Now press Play.")
        page.evaluate("flip('score', 'relu')")
        self.wait(page, "page.isOpen")
        page.evaluate("$('play').click()")
        self.finish(page)
        self.assertIn("another run than this step's", self.text(page, "lesson-reading"))
        page.evaluate("flip('score', 'softmax'); page.state.rate = 0.5; show()")
        self.assertIn("another run than this step's", self.text(page, "lesson-reading"))
        page.evaluate("page.state.rate = 0.001; flip('score', 'relu')")
        page.evaluate("flip('score', 'softmax')")
        self.wait(page, "page.isOpen")
        self.finish(page)  # what has trained does so again with its switch
        self.assertIn("Right. At BOS", self.text(page, "lesson-reading"))

    def test_a_step_that_trains_nothing_never_does(self):
        """Started over, or after a switch there and back, even of a run that plays."""
        page = self.page()
        self.step(page, 0)
        page.evaluate("say('evenly')")
        there_and_back = "flip('score', 'relu'); flip('score', 'softmax')"
        there_play_and_back = "flip('score', 'relu'); pressPlay(); flip('score', 'softmax')"
        for press in ("$('reset').click()", there_and_back, there_play_and_back):
            with self.subTest(press=press):
                page.evaluate(press)
                self.wait(page, "page.isOpen")
                self.assertEqual(self.shown(page, "[page.until, page.wantsPlay, page.isRunning, $('play').disabled, $('step').textContent]"),
                                 [0, False, False, True, "before training"])
                self.assertEqual([self.is_seen(page, name) for name in ("play", "reset", "sinks", "scrub", "map")], [False] * 4 + [True])
                self.assertIn("Right. Evenly: ", self.text(page, "lesson-reading"))
        page.evaluate("flip('score', 'relu')")
        self.wait(page, "page.isOpen")
        self.assertEqual(self.shown(page, "[page.until, $('play').disabled]"), [600, False])
        self.assertTrue(self.is_seen(page, "play"))

    def test_a_switch_back_to_a_step_asks_first(self):
        page = self.page()
        self.step(page, 1)
        page.evaluate("flip('score', 'relu'); $('play').click(); flip('score', 'softmax')")
        self.wait(page, "page.isOpen")
        self.assertEqual(self.shown(page, "[page.wantsPlay, page.isRunning]"), [False, False])
        page.evaluate("$('play').click()")
        self.assertIn("Before it trains, say what you expect.", self.text(page, "lesson-asks"))

    def test_the_lesson_asks_before_a_run(self):
        """For a column of the map, where one is to come; play begins only then."""
        page = self.page()
        for at, keys, said, came in ((1, [3], "You said · (place 3). Not so. It came at BOS (place 0). At BOS,", [0]), (5, [0, 15], "Right. At both", [0, 15])):
            with self.subTest(step=at + 1):
                self.step(page, at)
                page.evaluate("$('play').click()")
                self.assertIn("Before it trains, say what you expect.", self.text(page, "lesson-asks"))
                self.assertEqual(page.evaluate("[page.wantsPlay, page.isRunning, page.frames.length, $('map').matches('.asked')]"), [False, False, 1, True])
                for key in keys:
                    self.click_cell(page, key)
                page.evaluate("$('play').click()")
                self.finish(page)
                self.assertIn(said, self.text(page, "lesson-reading"))
                self.assertEqual(page.evaluate("columnsOf(answer())"), came)
                self.assertEqual(page.evaluate("columnsGuessed()"), keys)
                self.click_cell(page, 7)
                self.assertEqual(page.evaluate("columnsGuessed()"), keys, "a guess stays what it was")

    def test_a_column_is_said_by_keys_and_taken_back(self):
        page = self.page()
        self.step(page, 1)
        page.evaluate("$('map').focus()")
        for key, code in (("ArrowLeft", 37), ("ArrowRight", 39), ("Enter", 13)):
            page.press(key, code)
        self.assertEqual(page.evaluate("[page.lesson.columns, page.lesson.said]"), [[1], "· (place 1)"])
        page.press("ArrowLeft", 37)
        page.press(" ", 32)
        self.assertEqual(page.evaluate("[page.lesson.columns, page.lesson.said]"), [[0], "BOS (place 0)"])
        page.press("Enter", 13)
        self.assertEqual(page.evaluate("[page.lesson.columns, page.lesson.said]"), [[], None])

    def test_nobody_has_to_guess(self):
        page = self.page()
        for at in range(7):
            with self.subTest(step=at + 1):
                self.step(page, at)
                page.evaluate("page.until = Math.min(page.until, 4); show()")
                if at > 0:
                    page.evaluate("$('play').click()")
                self.assertEqual(self.shown(page, "[...$('lesson-choices').children].at(-1).textContent"), "I would rather not guess")
                page.evaluate("[...$('lesson-choices').children].at(-1).click()")
                self.wait(page, "lastFrame().step >= page.until")
                self.assertEqual(self.text(page, "lesson-reading"), page.evaluate(f"LESSON[{at}].reading"))
        self.assertEqual(self.text(page, "lesson-next"), "Try it yourself")
        page.evaluate("$('lesson-next').click()")
        self.wait(page, "page.isOpen && page.lesson === null")
        page.evaluate("page.until = 4; $('play').click()")
        self.finish(page)

    def test_a_run_is_told_by_what_was_changed(self):
        """One that comes to be a preset's is that preset; any other names its switches."""
        page = self.page()
        lit = "[...document.querySelectorAll('#presets [aria-pressed=true]')].map(each => each.textContent)"
        for key, value, preset, told in (("score", "softmax_one", [], "“The sink”, changed: Softmax + 1 lets a row sum to less than 100 %"),
                                         ("score", "relu", ["Its cure"], "The same task with ReLU"),
                                         ("mask", "full", [], "“Its cure”, changed: Every token sees every other."),
                                         ("mask", "causal", ["Its cure"], "The same task with ReLU")):
            with self.subTest(key=key, value=value):
                page.evaluate(f"document.querySelector('#switches [data-key={key}][data-value={value}]').click()")
                self.wait(page, "page.isOpen")
                self.assertTrue(self.text(page, "told").startswith(told), told)
                self.assertEqual(page.evaluate(lit), preset)
        of = "Object.entries({}).map(([key, each]) => [key, Object.keys(each)])"
        self.assertEqual(page.evaluate(of.format("CHANGES")), page.evaluate(of.replace("each)", "each.values)").format("SWITCHES")))

    def test_what_has_trained_does_so_with_another_switch(self):
        """At once; what has not, waits for Play."""
        page = self.page()
        page.evaluate("flip('score', 'relu')")
        self.wait(page, "page.isOpen")
        self.assertFalse(page.evaluate("page.wantsPlay"))
        page.evaluate("play()")
        self.wait(page, "page.frames.length > 2")
        page.evaluate("pause(); flip('score', 'softmax')")
        self.wait(page, "page.frames.length > 2")

    def test_looking_back_tells_of_that_step_and_trains_nothing(self):
        page = self.played("sink")
        self.assertEqual(self.text(page, "verdict"), "A sink: idle tokens look at the first token.")
        page.evaluate("look(0)")
        self.assertEqual([self.text(page, name) for name in ("verdict", "play")], ["Step 0: no sink. Nothing has been learnt yet.", "▶ Replay"])
        page.evaluate("look(40)")
        self.assertRegex(self.text(page, "verdict"), r"^Step 160: no sink\. The loss is \d\d % of its first value\.$")
        page.evaluate("look(120)")
        self.assertRegex(self.text(page, "verdict"), r"^Step 480: idle tokens look at the first token\.")
        before = page.evaluate("page.frames.length")
        page.evaluate("page.speed = 2; $('play').click()")
        self.assertEqual(self.text(page, "play"), "❚❚ Pause")
        self.assertEqual(page.evaluate("$('verdict').getAttribute('aria-live')"), "off")
        self.wait(page, "!page.isReplaying")
        self.assertEqual(page.evaluate("[page.at, page.frames.length, page.until, page.isRunning]"), [before - 1, before, 600, False])
        self.assertEqual([self.text(page, name) for name in ("verdict", "play")], ["A sink: idle tokens look at the first token.", "▶ Go on"])
        page.evaluate("look(10); $('play').click(); $('play').click()")
        self.assertEqual(self.text(page, "play"), "▶ Replay")
        page.evaluate("$('play').click(); look(page.frames.length - 1)")  # by hand to the end, while it plays
        self.wait(page, "!page.isReplaying")
        self.assertEqual(page.evaluate("page.at"), before - 1)

    def test_a_loop_asked_for_while_it_trains_begins_behind(self):
        page = self.page()
        self.assertTrue(self.shown(page, "$('loop').disabled"))
        page.evaluate("play()")
        self.wait(page, "page.frames.length > 2")
        page.evaluate("loop()")
        self.finish(page)
        self.wait(page, "looksBack()", 20)
        page.evaluate("$('play').click()")
        self.assertEqual(page.evaluate("page.isLooping"), False)

    def test_a_column_between_the_ends_is_no_cure(self):
        """Where no token is marked, a model with positions may rest on a place of its own."""
        page = self.page("#preset=sink&mask=full&bos=never&position=absolute")
        page.evaluate("$('play').click()")
        self.finish(page)
        self.assertRegex(self.text(page, "verdict"), r"^A sink: idle tokens look at · \(place \d+\)\.")
        self.assertEqual(page.evaluate("answer()"), "between")
        place = page.evaluate("placeBetween(lastFrame(), headShown())")
        T = page.evaluate("page.shape.length")
        means = page.evaluate(f"Array.from({{length: {T}}}, (_, k) => page.shape.idle.reduce((sum, each, i) => sum + (each ? (lastFrame().map[i * {T} + k] / 255) ** 2 : 0), 0))")
        self.assertEqual(place, max(range(T), key=means.__getitem__))
        page.evaluate("look(0)")
        self.assertIn("Step 0: no sink.", self.text(page, "verdict"))

    def test_a_long_run_says_how_long(self):
        page = self.page("#preset=language")
        self.assertIn("This takes minutes.", self.text(page, "told"))
        for seconds, told in ((1, "step 0 of 500"), (12, "step 50 of 500, 2 minutes left"), (3600, "step 50 of 500, 540 minutes left"), (4, "step 50 of 500, 36 s left")):
            with self.subTest(seconds=seconds):
                step = 0 if seconds == 1 else 50
                page.evaluate(f"Object.assign(page, {{isRunning: true, since: {{step: 0, time: 0}}}}); performance.now = () => {1000 * seconds};"
                              f"lastFrame().step = {step}; draw()")
                self.assertEqual(page.evaluate("$('step').textContent"), told)

    def test_a_task_that_is_not_learnt_has_no_cure(self):
        page = self.page()
        for preset, switches, said in (("sink", {"bos": "never"}, r"not learnt either: the loss still is \d\d % of what it was\. This is no cure\."),
                                       ("cure", {}, r"^No column formed: no sink\.$")):
            page.evaluate(f"choosePreset('{preset}'); Object.assign(page.state, {json.dumps(switches)}); open()")
            self.wait(page, "page.isOpen")
            page.evaluate("$('play').click()")
            self.finish(page)
            self.assertRegex(self.text(page, "verdict"), said)

    def test_words_are_explained_where_they_are_met(self):
        page = self.page(width=390)
        first = page.evaluate("[...document.querySelectorAll('.term')].filter(each => each.offsetParent).map(each => each.dataset.term)")
        self.assertLessEqual({"fetch", "idle", "value", "loss", "softmax", "score"}, set(first))
        self.assertIn("Sink logit", page.evaluate("TERMS.score"))
        texts = page.evaluate("[CELL_HINT, ...Object.values(PRESETS).map(each => each.text), ...Object.values(CHANGES).flatMap(Object.values), ...LESSON.flatMap(each => [each.text, each.reading])]")
        used = {word.split("|")[0] for text in texts for word in re.findall(r"\[([^\]]+)\]", text)} | set(first)
        self.assertEqual(used, set(page.evaluate("Object.keys(TERMS)")))
        meaning = "($('meaning').hidden ? '' : $('meaning').textContent)"
        for name in first:
            page.evaluate(f"document.querySelector('.term[data-term={name}]').scrollIntoView({{block: 'center'}})")
            x, y = page.evaluate(f"(box => [box.left + box.width / 2, box.top + box.height / 2])(document.querySelector('.term[data-term={name}]').getBoundingClientRect())")
            page.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            page.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            self.wait(page, f"{meaning} === TERMS.{name}", 10)
            left, right = page.evaluate("(box => [box.left, box.right])($('meaning').getBoundingClientRect())")
            self.assertTrue(0 <= left and right <= 390, name)
            page.press("Escape", 27)
            self.assertEqual(page.evaluate(meaning), "")
        page.evaluate("document.activeElement.blur(); document.querySelector('#told .term').focus()")
        self.assertEqual(page.evaluate(f"[{meaning}, document.activeElement.getAttribute('aria-describedby')]"), [page.evaluate("TERMS.fetch"), "meaning"])
        page.press("Tab", 9)
        self.assertEqual(page.evaluate(meaning), page.evaluate("TERMS.softmax"))
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        x, y = page.evaluate("(box => [box.left + 5, box.top + 5])(document.querySelector('#told .term').getBoundingClientRect())")
        page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.wait(page, f"{meaning} === TERMS.fetch", 10)
        page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=3, y=3)
        self.wait(page, f"{meaning} === ''", 10)

    def test_a_weight_is_read_no_longer_than_it_is_pointed_at(self):
        page = self.played("sink")
        point = "$('map').dispatchEvent(new PointerEvent('{kind}', {{clientX: box.right - 60, clientY: box.bottom - 60, pointerType: '{device}'}}))"
        page.evaluate("window.box = $('map').getBoundingClientRect()")
        for device, stays in (("mouse", False), ("touch", True)):
            page.evaluate(point.format(kind="pointermove", device=device))
            self.assertIn("of its attention", self.text(page, "cell"))
            page.evaluate(point.format(kind="pointerleave", device=device))
            self.assertEqual("of its attention" in self.text(page, "cell"), stays)
        page.evaluate("flip('score', 'relu')")
        self.wait(page, "page.isOpen")
        self.assertIn("Each row is a token", self.text(page, "cell"))

    def test_every_switch_alone_opens_and_trains(self):
        page = self.page()
        for preset in ("sink", "language"):
            for key, values in page.evaluate("Object.entries(SWITCHES).map(([key, s]) => [key, Object.keys(s.values)])"):
                for value in values:
                    if preset == "language" and key == "goals":
                        continue
                    with self.subTest(preset=preset, key=key, value=value):
                        page.evaluate(f"choosePreset('{preset}'); page.state['{key}'] = '{value}'; page.until = 2; open()")
                        self.wait(page, "page.isOpen")
                        page.evaluate("play()")
                        self.wait(page, "page.frames.length === 3")

    def test_pressed_again_it_goes_no_faster(self):
        """A loop turned off and on, a run paused and played, within the time between two frames."""
        page = self.page()
        page.evaluate("page.speed = 2; window.times = []; window.noted = does => (...given) => (times.push(performance.now()), does(...given))")
        for hook, begin, press, rest in (("heard.frame", "play()", "pause(); play()", "SPEEDS[2][1]"), ("look", "loop()", "loop(); loop()", "40 + SPEEDS[2][1]")):
            with self.subTest(press=press):
                page.evaluate(f"{hook} = noted({hook}); {begin}")
                self.wait(page, "times.length > 0")
                page.evaluate(press)
                self.wait(page, "times.length > 9")
                page.evaluate("pause()")
                self.assertGreater(page.evaluate(f"(times[9] - times[1]) / ({rest})"), 5, "of 8 rests")
                page.evaluate("times.length = 0; page.at = 0")

    def test_play_ends_the_loop(self):
        page = self.page()
        page.evaluate("page.until = 4; open()")
        self.wait(page, "page.isOpen")
        page.evaluate("loop()")
        self.wait(page, "$('loop').getAttribute('aria-pressed') === 'true'")
        page.evaluate("play()")
        self.wait(page, "$('loop').getAttribute('aria-pressed') === 'false'")

    def test_twenty_seeds(self):
        page = self.page()
        page.evaluate("page.until = 6; startSeeds()")
        self.wait(page, "page.seeds === null && page.isOpen")
        self.assertEqual(page.evaluate("$('strip').childElementCount"), 20)
        self.assertIn("formed in 0 of 20 seeds (95 % interval: 0 % to 16 %)", page.evaluate("$('seeds-told').textContent"))
        shown = "[$('strip').childElementCount, $('seeds-told').textContent === '']"
        for press, kept in (("$('reset').click()", [20, False]), ("flip('score', 'relu')", [0, True])):  # they are of one setting
            page.evaluate(press)
            self.wait(page, "page.isOpen")
            self.assertEqual(page.evaluate(shown), kept)

    def test_no_seeds_where_nothing_can_be_trained(self):
        """Neither before the module is there, nor at the step that trains nothing, nor beside others, nor after a failure."""
        page = self.loaded(first=HOLD_MODULE)
        can_run = "[!$('seeds').disabled, page.seeds !== null, page.trouble]"
        self.assertEqual(self.shown(page, can_run), [False, False, ""])
        page.evaluate("startSeeds(); sendModule()")
        self.wait(page, "page.isOpen")
        self.assertEqual(self.shown(page, can_run), [True, False, ""])
        self.step(page, 0)
        self.assertEqual(self.shown(page, can_run), [False, False, ""])
        page.evaluate("startSeeds()")
        self.assertEqual(self.shown(page, can_run), [False, False, ""])
        self.step(page, 1)
        self.assertEqual(self.shown(page, can_run), [True, False, ""])
        page.evaluate("startSeeds()")
        self.assertEqual(self.shown(page, f"[{can_run}, $('seeds').textContent]"), [[True, True, ""], "Stop"])
        page.evaluate("new Promise(done => { const failed = fail; fail = why => done(failed(why)); page.state.rate = 'none'; nextSeed(); })")
        self.assertIn("train.lr", self.text(page, "trouble"))
        self.assertEqual(self.shown(page, can_run)[:2], [False, False])
        self.assertEqual(self.text(page, "seeds"), "Run twenty seeds")
        page.evaluate("page.state.rate = 1e-3; $('reset').click()")
        self.wait(page, "page.isOpen")
        self.assertEqual(self.shown(page, can_run), [True, False, ""])

    def test_seeds_say_how_far_they_are_and_stop(self):
        page = self.page()
        page.evaluate("page.until = 60; $('seeds').click()")
        self.wait(page, "page.seeds?.ended.length >= 2")
        self.assertRegex(self.text(page, "seeds-told"), r"^(\d+) of 20 done\. A first-token sink formed in 0 of \1 seeds")
        self.assertRegex(self.text(page, "step"), r"^seed \d+ of 20$")
        page.evaluate("$('seeds').click()")
        self.wait(page, "page.isOpen && page.seeds === null")
        self.assertLess(page.evaluate("$('strip').childElementCount"), 20)
        self.assertEqual(self.text(page, "seeds"), "Run twenty seeds")
        page.evaluate("choosePreset('language')")
        self.wait(page, "page.isOpen")
        page.evaluate("startSeeds(); window.since = performance.now(); open()")  # a seed of it takes minutes
        self.wait(page, "page.isOpen")
        self.assertLess(page.evaluate("performance.now() - since"), 30000)

    def test_a_number_that_can_t_be_is_refused_in_words(self):
        page = self.page()
        for name, texts, words, kept in (("rate", ("abc", "-1", "1000", ""), "above 0, at most 1", 0.001), ("seed", ("x", "1.5", "99999999999", "0"), "a whole number from 1", 1)):
            for text in texts:
                with self.subTest(name=name, text=text):
                    page.evaluate(f"$('{name}').value = '{text}'; $('{name}').dispatchEvent(new Event('change'))")
                    self.assertIn(f"“{text}” is not taken", self.text(page, "number-told"))
                    self.assertIn(words, self.text(page, "number-told"))
                    self.assertEqual(page.evaluate(f"[Number($('{name}').value), page.state.{name}]"), [kept, kept])
        page.evaluate("$('seed').value = '7'; $('seed').dispatchEvent(new Event('change'))")
        self.wait(page, "page.isOpen && page.state.seed === 7")
        self.assertEqual(self.text(page, "number-told"), "")

    def test_what_is_long_in_opening_shows_no_other_run(self):
        page = self.played("sink")
        page.evaluate("window.empty = $('map').toDataURL.call(Object.assign(document.createElement('canvas'), {width: $('map').width, height: $('map').height}))")
        self.assertTrue(self.shown(page, "$('map').toDataURL() !== empty"))
        page.evaluate("page.worker.postMessage = () => {}; choosePreset('language')")  # it never comes to open
        self.wait(page, "$('map').toDataURL() === empty", 10)
        self.assertEqual([self.text(page, name) for name in ("sink-now", "loss-now", "drain-now", "floor", "cell")], ["–", "–", "–", "", ""])

    def test_nothing_moves_as_it_trains_or_is_pointed_at(self):
        page = self.page()
        all_places = "['map', 'sinks', 'scrub', 'switches'].map(id => $(id).getBoundingClientRect().top + scrollY)"
        for width, height in ((1920, 1080), (1280, 720), (390, 844)):
            with self.subTest(width=width):
                places = f"{all_places}.slice(0, {1 if width < 600 else 4})"  # on a phone what is asked stands below the map, and goes
                page.resize(width, height, width < 600)
                page.evaluate("choosePreset('sink')")
                self.wait(page, "page.isOpen")
                before = self.shown(page, places)
                page.evaluate("$('play').click()")
                self.wait(page, "page.frames.length > 2")
                self.assertEqual(self.shown(page, places), before)
                self.finish(page)
                self.assertEqual(self.shown(page, places), before)
                page.evaluate("page.chosen = {query: 5, key: 0}; show()")
                self.assertEqual(self.shown(page, places), before)
                page.evaluate("$('pin').click()")
                self.assertEqual(self.shown(page, places), before)
                page.evaluate("$('pin').click()")

    def test_the_next_step_of_the_lesson_is_seen_and_goes_on_there(self):
        page = self.page()
        page.resize(390, 844, True)
        self.step(page, 1)
        self.shown(page, "scrollTo(0, 700)")
        page.evaluate("$('lesson-next').click()")
        self.wait(page, "page.isOpen")
        top, bottom = self.shown(page, "(box => [box.top, box.bottom])($('lesson-title').getBoundingClientRect())")
        self.assertTrue(0 <= top and bottom <= 844)
        self.step(page, 2)
        page.press("Tab", 9)
        page.press("Tab", 9)  # over the word that is explained
        self.assertEqual(page.evaluate("document.activeElement.parentElement.id"), "lesson-choices")
        for at, button in ((6, "lesson-next"), (0, "lesson-leave")):
            self.step(page, at)
            self.shown(page, f"$('{button}').click()")
            self.assertEqual(page.evaluate("document.activeElement.id"), "play")

    def test_a_link_out_of_the_lesson_leads_into_it(self):
        page = self.page()
        self.step(page, 4)
        page.evaluate("$('seed').value = 7; $('seed').dispatchEvent(new Event('change'))")
        self.wait(page, "page.isOpen && page.state.seed === 7")
        link = page.evaluate("location.hash")
        self.assertEqual("#preset=cure&seed=7&lesson=5", link)
        again = self.page(link)
        self.wait(again, "page.isOpen")
        self.assertEqual("Step 5 of 7: Take softmax away", again.evaluate("$('lesson-title').textContent"))
        self.assertFalse(again.evaluate("$('lesson').hidden"))
        again.evaluate("$('lesson-leave').click()")
        self.assertNotIn("lesson", again.evaluate("location.hash"))
        for wrong in "0", "8", "1.5", "at", "":
            elsewhere = self.page(f"#preset=ends&lesson={wrong}")
            self.assertEqual("ends", elsewhere.evaluate("page.lesson === null && page.preset"), wrong)

    def test_a_saved_picture_says_what_it_is_of(self):
        page = self.played("ends")
        page.evaluate("window.said = []; const write = CanvasRenderingContext2D.prototype.fillText;"
                      "CanvasRenderingContext2D.prototype.fillText = function (text, ...at) { said.push(text); write.call(this, text, ...at); };"
                      "HTMLAnchorElement.prototype.click = function () { window.named = this.download; }")
        page.evaluate("$('save').click()")
        self.assertRegex(page.evaluate("said.at(-1)"), r"^softmax, full, BOS, EOS, none, everywhere, rate 0\.001, seed 1$")
        self.assertRegex(page.evaluate("said.at(-2)"), r"^step 700: first token \d\d %$")
        self.assertEqual(page.evaluate("window.named"), "sink-ends-seed1-step700.png")

    def test_another_run_ends_the_seeds(self):
        page = self.page()
        page.evaluate("page.until = 60; startSeeds()")
        self.wait(page, "page.seeds?.ended.length >= 2")
        page.evaluate("flip('score', 'relu')")
        self.wait(page, "page.isOpen")
        page.evaluate("page.until = 4; play()")
        self.wait(page, "page.frames.length === 5")
        self.assertEqual(page.evaluate("$('strip').childElementCount"), 0)
        page.evaluate("page.until = 90; startSeeds()")
        self.wait(page, "page.seeds?.ended.length >= 1")
        page.evaluate("flip('score', 'softmax'); page.until = 6; startSeeds()")  # before the second of the old ones is there
        self.wait(page, "page.seeds === null && page.isOpen")
        self.assertEqual(page.evaluate("[...$('strip').children].map(cell => cell.title.split(':')[0])"), [f"seed {n}" for n in range(1, 21)])

    def bottoms(self, page, *names):
        return page.evaluate(f"{list(names)}.map(id => $(id).getBoundingClientRect().bottom)")

    def test_it_fits_a_phone(self):
        """Switches stand by the map that they change, not below the charts."""
        page = self.page(width=390)
        for width in (390, 320):
            page.ask("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=True)
            self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), width)
        bottoms = self.bottoms(page, "play", "map", "scrub", "switches", "sinks")
        self.assertEqual(bottoms, sorted(bottoms))
        self.step(page, 1)
        self.shown(page, "0")
        bottoms = self.bottoms(page, "lesson", "play", "map", "sinks", "losses", "drains", "switches")
        self.assertEqual(bottoms, sorted(bottoms))
        drains, top = page.evaluate("[$('drains').getBoundingClientRect().bottom, $('map').getBoundingClientRect().top]")
        self.assertLess(drains - top, 844, "map and charts on one screen")

    def test_a_finger_meets_every_button(self):
        page = self.page(width=390)
        page.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        page.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        small = "[...document.querySelectorAll('button:not(.term), summary')].filter(each => each.offsetParent && " \
            "Math.min(each.offsetHeight, each.offsetWidth) < 40).map(each => each.textContent)"
        self.assertEqual(self.shown(page, small), [])

    def test_it_fits_a_projector(self):
        """In the lesson, too: at every step what is read, the map and the charts are seen at once."""
        page = self.page(width=1280)
        page.ask("Emulation.setDeviceMetricsOverride", width=1280, height=720, deviceScaleFactor=1, mobile=False)
        self.assertLess(max(self.bottoms(page, "map", "play", "drains", "scrub")), 720)
        for at in range(7):
            self.step(page, at)
            self.shown(page, "0")
            page.evaluate("page.lesson.columns = [3]; $('lesson-reading').textContent = heldAgainst(stepNow(), placeName(3)) + stepNow().reading")
            self.assertLess(max(self.bottoms(page, "map", "play", "drains", "lesson")), 720, at)


if __name__ == "__main__":
    unittest.main()
