"""Runs the unittest cases of one Python file and reports them as TAP, one line a test: tap.py FILE."""
import importlib.util
import os
import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    def line(self, word, test, note=""):
        print(f"{word} {self.testsRun} - {test.id().split('.', 1)[-1]}{note}", flush=True)

    def complain(self, test, error):
        self.line("not ok", test)
        for text in "".join(traceback.format_exception(*error)).splitlines():
            print("#", text, flush=True)

    def addSuccess(self, test):
        self.line("ok", test)

    def addSkip(self, test, reason):
        self.line("ok", test, f" # SKIP {reason}")

    def addError(self, test, err):
        self.complain(test, err)

    def addFailure(self, test, err):
        self.complain(test, err)

    def addSubTest(self, test, subtest, err):
        """Failed parts are told as comments; the test as a whole then fails in stopTest."""
        if err is not None:
            print("#", subtest)
            for text in "".join(traceback.format_exception(*err)).splitlines():
                print("#", text)
            self.has_failed_part = True

    def startTest(self, test):
        self.has_failed_part = False
        super().startTest(test)

    def stopTest(self, test):
        if self.has_failed_part:
            self.line("not ok", test)
        super().stopTest(test)


def main(path):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("tests", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    print(f"1..{suite.countTestCases()}", flush=True)
    suite.run(TapResult())


main(sys.argv[1])
