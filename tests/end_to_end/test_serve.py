"""Without this, `refframe serve` could hand a foreign page or a foreign file to whoever asks, hinder the runs that it shows, stop
at the first kill of one, or show what `report` would not."""
import concurrent.futures
import glob
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

import browser
from harness import SINGLE, TINY, Case, change_manifest, children_of, read, run_folders

SOURCE = pathlib.Path(os.environ["TESTS_DIR"]).resolve().parent / "src"
SECONDS = 12  # that a run is to train: long enough to be watched and stopped
WITHOUT = "built without libmicrohttpd"
MAIN = """\
#include <stdarg.h>
#include <stdio.h>
#include "serve/http.h"

int error_set(Error *err, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

int main(void)
{
    Error err;
    const int status = http_serve(NULL, 0, NULL, NULL, &err);
    puts(err.text);
    return status != STATUS_FAILED;
}
"""


class Served(Case):
    def serve(self, folder, port=0):
        """Starts it and returns the process; self.port says where it listens."""
        process = self.start("serve", folder, "--port", port)
        line = process.stdout.readline()
        if not line and WITHOUT in (error := process.stderr.read()):
            self.skipTest(error.strip())
        match = re.fullmatch(rf"serving {re.escape(folder)} at http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)\n", line)
        self.assertTrue(match, line)
        self.port = int(match[1])
        return process

    def get(self, path, method="GET", code=200, body=None, **headers):
        """The answer's body; self.headers are its headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": f"127.0.0.1:{self.port}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        data, self.headers = response.read(), response.headers
        connection.close()
        self.assertEqual(response.status, code, (method, path, headers, data[:200]))
        return data

    def state(self, name):
        return json.loads(self.get(f"/{name}/state.json"))

    def wait_for(self, question, what):
        """Asks until the answer is true, and returns it."""
        end = time.monotonic() + 120
        while not (found := question()):
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)
        return found

    def settled(self, name, is_awaited=lambda page, state: True):
        """The page of what stands there, and its state, once both are such as is awaited. How soon that is depends on the machine."""
        def look():
            state = self.state(name)
            page = self.get(f"/{name}/")
            is_whole = state["page"] and self.headers["ETag"] == f'"{state["page"]}"' and is_awaited(page, state)
            return is_whole and (page, state)

        while True:
            page, state = self.wait_for(look, "no such page")
            time.sleep(1.2)  # until progress is read again
            if self.state(name)["page"] == state["page"]:
                return page, state


def without_live_part(page):
    text, n = re.subn(rb'<style>\n/\* How far the runs are.*?</style>\n<script data-page="\w+">.*?</script>\n', b"", page, flags=re.S)
    assert n == 1
    return text.replace(b"; connect-src 'self'", b"", 1)


def data_of(page):
    return json.loads(re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


class Live(Served):
    def steps_of(self, seconds):
        """As many as this machine, with what else it does and watches, trains in that time."""
        self.write("short.yaml", SINGLE.replace("steps: 12", "steps: 600").replace("every: 5", "every: 600").replace("every: 3", "every: 600"))
        start = time.monotonic()
        self.refframe("run", "short.yaml", "--threads", 1)
        return max(1, round(seconds / (time.monotonic() - start))) * 600

    def start_training(self):
        """A run that has left a snapshot, stopped there; and the process that trains."""
        self.n_steps = self.steps_of(SECONDS)
        every = f"every: {self.n_steps // 30}"
        self.write("long.yaml", SINGLE.replace("steps: 12", f"steps: {self.n_steps}").replace("every: 5", every).replace("every: 3", every))
        process = self.start("run", "long.yaml", "--threads", 1)
        self.wait_for(lambda: glob.glob(self.at("results/long/*/snapshots/step-*.npz")), "no snapshot")
        (child,) = self.wait_for(lambda: children_of(process.pid), "nothing trains")
        os.kill(child, signal.SIGSTOP)
        return process, child

    def test_follows_training_kill_and_resume(self):
        process, child = self.start_training()
        server = self.serve("results/long")
        self.assertRegex(self.get("/long/"), rb"No run has been measured yet|being built|<script type=\"application/json\" id=\"data\">")
        page, state = self.settled("long")
        self.assertEqual((state["planned"], state["running"], state["finished"]), (1, 1, 0))
        self.assertEqual(state["runs"][0]["steps"], self.n_steps)
        (arm,) = data_of(page)["arms"]
        self.assertEqual((arm["finished"], arm["measured"], arm["steps"][-1]), (0, 1, state["runs"][0]["snapshot"]))
        os.kill(child, signal.SIGCONT)
        self.wait_for(lambda: self.state("long")["runs"][0]["snapshot"] > state["runs"][0]["snapshot"], "it does not grow")
        self.assertGreater(self.state("long")["runs"][0]["step"], state["runs"][0]["step"])
        self.assertLess(self.state("long")["runs"][0]["loss"], 10)
        os.kill(child, signal.SIGSTOP)  # lest it comes to its end before it is killed
        self.kill(process)
        page, state = self.settled("long", lambda page, state: state["interrupted"] == 1 and len(data_of(page)["arms"][0]["steps"]) > len(arm["steps"]))
        self.assertEqual((state["interrupted"], state["running"]), (1, 0))
        self.assertIn("1 run trained", self.refframe("run", "long.yaml").stdout)
        report = read(self.at("results/long/report.html"))
        page, state = self.settled("long", lambda page, state: without_live_part(page) == report)
        self.assertEqual((state["finished"], state["problem"]), (1, ""))
        self.assertEqual(state["runs"][0]["step"], self.n_steps)
        self.assertIsNone(server.poll())

    def test_a_folder_that_goes(self):
        self.write("one.yaml", SINGLE)
        self.refframe("run", "one.yaml")
        server = self.serve("results/one")
        self.settled("one")
        shutil.rmtree(self.at("results", "one"))
        self.wait_for(lambda: "there is no such" in self.state("one")["problem"] or "plan.json" in self.state("one")["problem"], "said")
        self.get("/one/", code=404)
        self.refframe("run", "one.yaml")
        self.wait_for(lambda: self.state("one")["problem"] == "", "said to be gone for ever")
        self.settled("one", lambda page, state: state["finished"] == 1)
        self.assertIsNone(server.poll())

    @unittest.skipUnless(browser.PROGRAM, "no Chromium here")
    def test_a_page_of_one_snapshot(self):
        """Whatever is pressed on it, nothing is drawn at places that are no numbers."""
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml")
        for path in run_folders(self.at("results", "tiny")).values():
            change_manifest(path, status="running")
            for name in glob.glob(os.path.join(path, "snapshots", "step-*[1-9].npz")) + glob.glob(os.path.join(path, "snapshots", "step-*[1-9]0.npz")):
                os.remove(name)
        self.serve("results/tiny")
        self.settled("tiny")
        page = browser.Page(f"http://127.0.0.1:{self.port}/")
        self.addCleanup(page.close)
        self.assertIn("rope (so far)", page.evaluate("document.body.innerText"))
        self.assertGreater(page.evaluate("""(() => {
            const buttons = [...document.querySelectorAll('main button:not([hidden])')];
            buttons.forEach((button) => button.click());
            document.querySelectorAll('main select').forEach((node) => [...node.options].forEach((option) => {
                option.selected = true;
                node.dispatchEvent(new Event('change'));
            }));
            return buttons.length;
        })()"""), 5)
        self.assertEqual(page.complaints, [])

    @unittest.skipUnless(browser.PROGRAM, "no Chromium here")
    def test_a_browser_sees_it_grow(self):
        """Nobody touches it: the small page becomes the report, and the report a newer one."""
        process, child = self.start_training()
        self.serve("results/long")
        page = browser.Page(f"http://127.0.0.1:{self.port}/", rests=False)
        self.addCleanup(page.close)

        def evaluate(script):
            try:
                return page.evaluate(script)
            except AssertionError:  # it is being loaded
                return None

        shown = "typeof data === 'object' && data.arms[0].steps ? `step ${data.arms[0].steps.at(-1)}` : ''"
        first = self.wait_for(lambda: evaluate(shown), "no report in the browser")
        for script in ("document.querySelector('.live').innerText.includes('1 training')",
                       "document.getElementById('top').innerText.includes('(so far)')",
                       "(range => range.value === range.max)(document.querySelector('#stage input'))", "scrollY === 0"):
            self.wait_for(lambda: evaluate(script), script)
        evaluate("document.querySelector('#notes details').open = true")
        evaluate("scrollTo({top: 1500, behavior: 'instant'})")
        place = evaluate("document.querySelector('#training').getBoundingClientRect().top")
        os.kill(child, signal.SIGCONT)
        process.communicate(timeout=120)
        self.wait_for(lambda: evaluate(shown) == f"step {self.n_steps}", "the page stays old")
        self.assertNotEqual(first, f"step {self.n_steps}")
        self.wait_for(lambda: evaluate("document.querySelector('.live b').textContent") == "1 of 1 run finished", "the panel stays old")
        self.assertTrue(evaluate("document.querySelector('#notes details').open"), "what was opened stays so")
        self.assertAlmostEqual(evaluate("document.querySelector('#training').getBoundingClientRect().top"), place, delta=400)
        self.wait_for(lambda: "(so far)" not in (evaluate("document.getElementById('top').innerText") or "(so far)"), "runs that ended are still going on")
        self.assertEqual(page.complaints, [])
        self.assertEqual({url.split("/")[2] for url in page.requests if not url.startswith(("data:", "blob:"))}, {f"127.0.0.1:{self.port}"})


class Answers(Served):
    """One finished experiment, and what is asked of it."""

    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY)
        self.refframe("run", "tiny.yaml")
        self.write("secret.txt", "secret")
        os.symlink(self.at("secret.txt"), self.at("results/tiny/geometry.csv"))
        self.server = self.serve("results/tiny")

    def raw(self, request):
        """Bytes as they are, and what comes back until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            try:
                connection.sendall(request)
                pieces = list(iter(lambda: connection.recv(65536), b""))
            except ConnectionError:  # it was refused in the middle
                pieces = []
        return b"".join(pieces)

    def test_the_page_is_that_of_report(self):
        page, state = self.settled("tiny")
        self.assertEqual(without_live_part(page), read(self.at("results/tiny/report.html")))
        self.assertIn("script-src 'unsafe-inline'", self.headers["Content-Security-Policy"])
        self.get("/tiny/")
        etag = self.headers["ETag"]
        self.assertEqual(self.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(self.get("/tiny/", code=304, **{"If-None-Match": etag}), b"")
        self.assertEqual(self.get("/tiny/", method="HEAD"), b"")
        self.get("/", code=302)
        self.assertEqual(self.headers["Location"], "/tiny/")
        for name in state["files"]:
            if name != "geometry.csv":
                self.assertEqual(self.get(f"/tiny/files/{name}"), read(self.at("results/tiny", name)))
        self.assertIn("summary.csv", state["files"])

    def test_nothing_is_written(self):
        before = self.everything()
        self.settled("tiny")
        for path in ("/", "/tiny", "/tiny/", "/tiny/state.json", "/tiny/files/summary.csv", "/x", "/tiny/x"):
            for method in ("GET", "HEAD"):
                code = 200 if path.startswith("/tiny/") and path != "/tiny/x" else 302 if path in ("/", "/tiny") else 404
                self.get(path, method=method, code=code)
        self.assertEqual(self.everything(), before)

    def test_nothing_beyond_the_folder(self):
        run = next(iter(run_folders(self.at("results", "tiny"))))
        for path in ("/../secret.txt", "/tiny/../../secret.txt", "/tiny/files/../../../secret.txt", "/tiny/files/%2e%2e/%2e%2e/secret.txt",
                     "/tiny/files/..%2f..%2fsecret.txt", "/tiny/files/geometry.csv", "/tiny/files/plan.json", "/tiny/files/SHA256SUMS",
                     f"/tiny/files/{run}/manifest.json", f"/tiny/{run}/manifest.json", f"/{run}/", "/results/", "/tiny/files//etc/passwd",
                     "//etc/passwd", "/%2e%2e/", "/tiny/files/summary.csv%00", "/tiny/files/", "/etc/passwd", "/tiny%00/"):
            self.assertNotIn(b"secret", self.get(path, code=404).replace(b"secret.txt", b""), path)

    def test_names_that_are_not_ours(self):
        for host in ("example.org", f"example.org:{self.port}", "127.0.0.1", f"127.0.0.1.example.org:{self.port}", ""):
            self.assertNotIn(b"data", self.get("/tiny/", code=403, Host=host))
        for host in (f"localhost:{self.port}", f"[::1]:{self.port}"):
            self.get("/tiny/", Host=host)
        self.assertRegex(self.raw(b"GET /tiny/ HTTP/1.1\r\n\r\n"), rb"^HTTP/1.1 (403|400) ")
        self.assertRegex(self.raw(b"GET /tiny/ HTTP/1.0\r\n\r\n"), rb"^HTTP/1.[01] 403 ")

    def test_only_questions_without_a_body(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "REFFRAME"):
            self.get("/tiny/", method=method, code=405)
            self.assertEqual(self.headers["Allow"], "GET, HEAD")
        self.get("/tiny/", code=413, body=b"x" * 100, **{"Content-Length": "100"})
        host = f"Host: 127.0.0.1:{self.port}\r\n".encode()
        self.assertRegex(self.raw(b"GET /tiny/ HTTP/1.1\r\n" + host + b"Content-Length: 1000000000000\r\n\r\n"), rb"^HTTP/1.1 413 ")
        self.assertRegex(self.raw(b"GET /tiny/ HTTP/1.1\r\n" + host + b"X: " + b"x" * 100000 + b"\r\n\r\n"), rb"^(HTTP/1.1 4|$)")
        self.assertRegex(self.raw(b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n" + host + b"\r\n"), rb"^(HTTP/1.1 4|$)")
        self.assertRegex(self.raw(b"\x16\x03\x01\x00\xff nonsense\r\n\r\n"), rb"^(HTTP/1.1 4|$)")
        self.get("/tiny/")

    def test_sixty_at_once(self):
        page, _ = self.settled("tiny")
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            pages = list(pool.map(lambda _: self.get("/tiny/"), range(60)))
        self.assertEqual([found == page for found in pages], [True] * 60)

    def test_slow_ones_keep_nobody_waiting(self):
        """But for as long as they hold every place, which is ten seconds."""
        slow = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(45)]
        for connection in slow:
            connection.sendall(b"GET /tiny/ HTT")
        started = time.monotonic()
        self.get("/tiny/")
        self.assertLess(time.monotonic() - started, 5)
        slow += [socket.create_connection(("127.0.0.1", self.port)) for _ in range(15)]
        self.get("/tiny/")
        self.assertLess(time.monotonic() - started, 40)
        for connection in slow:
            connection.close()

    def test_listens_to_this_machine_alone(self):
        listening = [line.split()[1] for name in ("tcp", "tcp6") for line in read(f"/proc/net/{name}").decode().splitlines()[1:]
                     if line.split()[3] == "0A"]
        self.assertEqual([address for address in listening if address.endswith(f":{self.port:04X}")], [f"0100007F:{self.port:04X}"])

    def test_ends_at_once_and_may_start_again(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            waiting = socket.create_connection(("127.0.0.1", self.port))
            self.get("/tiny/")
            self.server.send_signal(number)
            started = time.monotonic()
            _, error = self.server.communicate(timeout=60)
            self.assertEqual((self.server.returncode, error), (130, "refframe: interrupted\n"))
            self.assertLess(time.monotonic() - started, 5)
            waiting.close()
            self.server = self.serve("results/tiny", port=self.port)

    def test_a_port_that_is_taken(self):
        taken = self.refframe("serve", "results/tiny", "--port", self.port, code=1)
        self.assertEqual(taken.stderr, f"refframe serve: port {self.port} is in use; --port N takes another, --port 0 any "
                         "that is free\n")
        self.assertEqual(taken.stdout, "")


class Verb(Served):
    def test_what_can_be_served(self):
        self.write("tiny.yaml", SINGLE)
        self.refframe("run", "tiny.yaml", "--results", "several")
        run = next(iter(run_folders(self.at("several", "tiny"))))
        os.makedirs(self.at("other", "tables"))
        for words, line in ((("nowhere",), "nowhere: there is no such folder"), (("other",), "other: has no plan.json"),
                            ((f"several/tiny/{run}",), "is the folder of one run"), (("tiny.yaml",), "tiny.yaml: is a file"),
                            (("several/tiny", "--port", "70000"), "--port: \"70000\" is not a whole number in 0..65535")):
            self.assertIn(line, self.refframe("serve", *words, code=2).stderr)

    def test_before_the_first_run(self):
        """As in a fresh checkout, where tables of other runs lie: they are not offered as a report of these."""
        self.write("tiny.yaml", SINGLE)
        os.makedirs(self.at("results", "tiny"))
        self.write("results/tiny/summary.csv", "of others\n")
        server = self.serve("results/tiny")
        self.assertEqual(server.stdout.readline(), "nothing was run into it yet; its page fills once something is\n")
        self.assertIn(b"Nothing was run into this folder yet.", self.get("/tiny/"))
        self.assertEqual([self.state("tiny")[key] for key in ("problem", "planned", "files")], ["", 0, []])
        page = self.browse() if browser.PROGRAM else None
        if page:
            self.wait_for(lambda: "Nothing was run here yet." in page.evaluate("document.querySelector('.live').innerText"),
                          "the page does not say that nothing was run")
        self.refframe("run", "tiny.yaml")
        _, state = self.settled("tiny")
        self.assertIn("summary.csv", state["files"])
        if page:
            self.wait_for(lambda: self.evaluated(page, "document.getElementById('data') !== null"), "the page stays empty")
            self.assertEqual(page.complaints, [])

    def browse(self, **options):
        page = browser.Page(f"http://127.0.0.1:{self.port}/", rests=False, **options)
        self.addCleanup(page.close)
        return page

    def evaluated(self, page, script):
        try:
            return page.evaluate(script)
        except AssertionError:  # it is being loaded
            return None

    def test_where_one_stands(self):
        self.write("tiny.yaml", SINGLE)
        self.refframe("run", "tiny.yaml")
        self.folder, above = self.at("results", "tiny"), self.folder
        try:
            self.serve(".")
        finally:
            self.folder = above
        self.get("/", code=302)
        self.assertEqual(self.headers["Location"], "/tiny/")
        self.get("/tiny/")

    @unittest.skipUnless(browser.PROGRAM, "no Chromium here")
    def test_a_live_page_says_what_is_wrong(self):
        """A server that is silent, one that answers something else, and a fault of the page's own are told apart."""
        self.write("tiny.yaml", SINGLE)
        self.refframe("run", "tiny.yaml")
        self.serve("results/tiny")
        for answer, said, n_complaints in (("Promise.reject(new TypeError())", "The server does not answer.", 0),
                                           ("Promise.resolve(new Response('gone', {status: 404}))", "The server refuses to answer this (404).", 0),
                                           ("Promise.resolve(new Response('{'))", "What the server answers can’t be read", 0),
                                           ("Promise.resolve(new Response('{\"planned\": 1}'))", "This page could not show how far the runs are:", 1)):
            page = self.browse(first=f"window.fetch = () => {answer};")
            self.wait_for(lambda: said in (self.evaluated(page, "document.querySelector('.live-problem')?.textContent") or ""), said)
            self.assertEqual(len(page.complaints), n_complaints, page.complaints)

    def test_a_folder_of_several(self):
        self.write("a.yaml", SINGLE)
        self.write("b.yaml", "title: <b>\n" + SINGLE)
        for name in "ab":
            self.refframe("run", f"{name}.yaml")
        self.serve("results")
        listed = json.loads(self.get("/state.json"))["experiments"]
        self.assertEqual([(one["folder"], one["finished"]) for one in listed], [("a", 1), ("b", 1)])
        self.assertIn(b"Experiments", self.get("/"))
        for name in "ab":
            self.assertEqual(without_live_part(self.settled(name)[0]), read(self.at("results", name, "report.html")))
        if browser.PROGRAM:
            page = browser.Page(f"http://127.0.0.1:{self.port}/")
            self.addCleanup(page.close)
            self.assertIn("2 experiments", page.evaluate("document.body.innerText"))
            self.assertIn("<b>", page.evaluate("document.body.innerText"))
            self.assertEqual(page.complaints, [])

    def test_without_the_library(self):
        """It says in one line what to install."""
        self.write("main.c", MAIN)
        subprocess.run([*os.environ["CC"].split(), "-std=gnu11", f"-I{SOURCE}", "main.c", SOURCE / "serve/http.c",
                        SOURCE / "serve/library.c", "-o", "main"],
                       cwd=self.folder, check=True)
        said = subprocess.run([self.at("main")], capture_output=True, text=True, check=True).stdout
        self.assertRegex(said, WITHOUT + r"; install it \(Debian: libmicrohttpd-dev\), .*\n$")
        self.assertEqual(said.count("\n"), 1)

    @unittest.skipUnless(os.environ["APART"], "nothing can be preloaded here")
    def test_where_the_library_is_gone(self):
        """Whoever built the program had it; and a run of a sweep never asks for it."""
        self.write("one.yaml", SINGLE)
        self.write("gone.c", 'void *dlopen(const char *file, int mode) { return 0; }\nchar *dlerror(void) { return "it is gone"; }\n')
        subprocess.run([*os.environ["CC"].split(), "-shared", "-fPIC", "gone.c", "-o", "gone.so"], cwd=self.folder, check=True)
        gone = {**os.environ, "LD_PRELOAD": self.at("gone.so")}
        self.refframe("run", "one.yaml", env=gone)
        error = self.refframe("serve", "results/one", "--port", 0, env=gone, code=1).stderr
        if WITHOUT not in error:
            self.assertEqual(error, "refframe serve: libmicrohttpd cannot be loaded (Debian: libmicrohttpd12): it is gone\n")


if __name__ == "__main__":
    unittest.main()
