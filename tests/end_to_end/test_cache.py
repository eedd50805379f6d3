"""Without this, tokens from the cache could make another result than those that a run cuts itself, a cache that cannot be used
could cost a run, or memory could be promised that a run without it does not keep to."""
import errno
import os
import re
import threading
import unittest

from harness import MODEL, Case, read, results

FAILER = os.environ.get("FAILER", "")
YAML = "claim: texts are cut\nseeds: 1\nsweep: {model.position.kind: [rope, none]}\n" + MODEL + \
    "data: {source: {kind: text, files: [words.txt]}, tokenizer: {kind: bpe, vocab_size: 320}}\n"


class Cache(Case):
    def setUp(self):
        super().setUp()
        self.write_words(97)
        self.write("texts.yaml", YAML)
        self.calm = self.run_with("off", "calm")

    def write_words(self, modulus):
        self.write("words.txt", "".join(f"{k * k % modulus:x} of {k % 61}{chr(10) * (k % 40 == 0) * 2} " for k in range(3000)))

    def run_with(self, cache, name, **more):
        self.refframe("run", "texts.yaml", "--results", name, env={**os.environ, "REFFRAME_CACHE": cache, **more})
        return results(self.at(name, "texts"))

    def kept(self):
        folder = self.at("cache")
        return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}

    def test_cold_warm_and_off(self):
        self.assertSameResults(self.run_with(self.at("cache"), "cold"), self.calm)
        kept = self.kept()
        self.assertEqual(len(kept), 1)
        self.assertSameResults(self.run_with(self.at("cache"), "warm"), self.calm)
        self.assertEqual(self.kept(), kept)
        # where it lies without that variable
        for name, place in ("XDG_CACHE_HOME", "xdg/refframe"), ("HOME", "home/.cache/refframe"):
            env = {key: value for key, value in os.environ.items() if key not in ("REFFRAME_CACHE", "XDG_CACHE_HOME")}
            self.refframe("check", "texts.yaml", env={**env, name: self.at(place.split("/", maxsplit=1)[0])})
            self.assertEqual(os.listdir(self.at(place)), list(kept))

    def test_damaged(self):
        self.run_with(self.at("cache"), "cold")
        (name, whole), = self.kept().items()
        half = len(whole) // 2
        for number, bad in enumerate((whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1:], whole[:-1], b"", b"garbage\n" * 999)):
            self.write(os.path.join("cache", name), bad)
            self.assertSameResults(self.run_with(self.at("cache"), f"damaged-{number}"), self.calm)
            self.assertEqual(self.kept(), {name: whole})

    def test_a_place_that_cannot_be_written(self):
        for number, place in enumerate((self.at("words.txt", "below"), "/proc/no-such", "/dev/null")):
            self.assertSameResults(self.run_with(place, f"nowhere-{number}"), self.calm)
        os.mkdir(self.at("cache"))
        os.chmod(self.at("cache"), 0o555)
        self.addCleanup(os.chmod, self.at("cache"), 0o755)
        self.assertSameResults(self.run_with(self.at("cache"), "read-only"), self.calm)

    def test_several_at_once(self):
        found = {}
        def one(number):
            found[number] = self.run_with(self.at("cache"), f"at-once-{number}")
        threads = [threading.Thread(target=one, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number in range(3):
            self.assertSameResults(found[number], self.calm)
        self.assertEqual(len(self.kept()), 1)

    def test_another_text_at_the_same_path(self):
        self.run_with(self.at("cache"), "first")
        self.write_words(89)
        other = self.run_with("off", "other")
        self.assertNotEqual(sorted(other), sorted(self.calm))  # other ids
        self.assertSameResults(self.run_with(self.at("cache"), "second"), other)
        self.assertEqual(len(self.kept()), 2)

    def test_memory_is_promised_as_without(self):
        """For the run may have to do without."""
        def promised(cache):
            out = self.refframe("check", "texts.yaml", env={**os.environ, "REFFRAME_CACHE": cache}).stdout
            return re.search(r"memory +(.*)", out)[1]
        self.assertEqual({promised("off"), promised(self.at("cache")), promised(self.at("cache"))}, {promised("off")})

    @unittest.skipUnless(FAILER, "no preloading here: sanitizers, valgrind and systems without glibc")
    def test_calls_that_fail(self):
        """Whatever fails with a file of the cache: the run goes on, its bytes are the same, nothing half-written is left."""
        words = "run", "texts.yaml", "--jobs", "1", "--threads", "1", "--results"
        n = 0
        for state in ("cold", "warm"):
            log, before = self.at(f"{state}.log"), self.at("cache")
            env = {**os.environ, "REFFRAME_CACHE": before, "LD_PRELOAD": FAILER, "FAIL_VERB": "run"}
            self.refframe(*words, state, env={**env, "FAIL_LOG": log})
            calls = [line.split(" ", 2) for line in read(log).decode().splitlines() if ".tokens" in line or "/cache" in line]
            for call, number, path in calls:
                way = {"open": errno.EMFILE, "write": errno.ENOSPC}.get(call, errno.EIO)
                name = f"{state}-{call}-{number}"
                place = before if state == "warm" else self.at(f"cache-{name}")
                self.refframe(*words, name, env={**env, "REFFRAME_CACHE": place, "FAIL_CALL": call, "FAIL_AT": number,
                                                 "FAIL_ERRNO": str(int(way))})
                self.assertSameResults(results(self.at(name, "texts")), self.calm)
                if os.path.isdir(place) and call != "unlink":
                    self.assertEqual([left for left in os.listdir(place) if ".tmp-" in left], [], f"{call} {number} {path}")
                n += 1
        self.assertGreater(n, 10)


if __name__ == "__main__":
    unittest.main()
