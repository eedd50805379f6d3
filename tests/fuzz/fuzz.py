#!/usr/bin/env python3
"""fuzz.py BUILD [TARGET...]: runs each target (none: all) for FUZZ_SECONDS (10), FUZZ_JOBS (1) at a time, inputs of at most
FUZZ_LENGTH bytes (0: as libFuzzer chooses), on its committed corpus and on what earlier runs found to reach more; prints a
table whose rows are TAP: executions, edges reached, findings.

BUILD/fuzz/NAME holds the inputs that reach something new and log.txt; findings lie in BUILD/fuzz/findings, each named by
its target, the kind and the input's hash. The exit status is 1 when there is one.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = int(os.environ.get("FUZZ_SECONDS", "10"))
JOBS = int(os.environ.get("FUZZ_JOBS", "1"))
LENGTH = os.environ.get("FUZZ_LENGTH", "0")  # of an input at most, in bytes; 0: of the longest seed or libFuzzer's 4 KiB
# freed memory is kept for long enough to be caught; new memory is not filled, nor freed memory given back: that took a third of the time
MEMORY = "quarantine_size_mb=4:max_malloc_fill_size=0:allocator_release_to_os_interval_ms=-1"
HANGS = 120  # seconds that one input may take, on a machine with other work, too
WORDS = {"run_yaml": "experiment", "maps": "npy", "tokens": "npy", "npz": "npy", "checkpoint": "safetensors"}  # a list of another


def last_number(pattern, log):
    """What the last match says; 0 without one."""
    found = re.findall(pattern, log, re.M)
    return int(found[-1]) if found else 0


def fuzz(build, program):
    """(name, executions, edges, [what was found])"""
    name = os.path.basename(program).removeprefix("fuzz_")
    folder, findings = (os.path.join(build, "fuzz", what) for what in (name, "findings"))
    grown, seeds, words = (os.path.join(folder, "corpus"), os.path.join(HERE, "corpus", name),
                           os.path.join(HERE, "words", WORDS.get(name, name) + ".dict"))
    for path in (grown, findings):
        os.makedirs(path, exist_ok=True)
    command = [program, f"-max_total_time={SECONDS}", f"-timeout={HANGS}", f"-max_len={LENGTH}", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={findings}/{name}-", *([f"-dict={words}"] if os.path.exists(words) else []), grown, seeds]
    environment = dict(os.environ, REFFRAME_CACHE="off", UBSAN_OPTIONS="print_stacktrace=1", ASAN_OPTIONS=MEMORY)
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="refframe-fuzz-", dir=in_memory) as scratch:
        done = subprocess.run(command, env=dict(environment, TMPDIR=scratch), stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
    with open(os.path.join(folder, "log.txt"), "w", encoding="utf-8") as log:
        log.write(done.stdout)
    executions = last_number(r"^stat::number_of_executed_units:\s+(\d+)", done.stdout) or last_number(r"^#(\d+)", done.stdout)
    found = re.findall(r"^.*(?:ERROR: |runtime error: |Assertion ).*$", done.stdout, re.M)
    found += re.findall(r"^artifact_prefix.*Test unit written to (\S+)", done.stdout, re.M)
    if done.returncode != 0 and not found:
        found = [f"it ended with status {done.returncode}, see {folder}/log.txt"]
    return name, executions, last_number(r"cov: (\d+)", done.stdout), found if done.returncode != 0 else []


def main(build, names):
    targets = {os.path.basename(path).removeprefix("fuzz_"): path
               for path in sorted(glob.glob(os.path.join(build, "tests", "fuzz", "fuzz_*")))
               if os.access(path, os.X_OK) and os.path.isfile(path)}
    unknown = [name for name in names if name not in targets]
    if unknown:
        print(f"no target {', '.join(unknown)}; there are {', '.join(targets) or 'none'}", file=sys.stderr)
        return 2
    programs = [path for name, path in targets.items() if not names or name in names]
    print(f"1..{len(programs)}\n#{'target':>20}{'executions':>14}{'edges':>8}  findings", flush=True)
    total = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for number, (name, executions, edges, found) in enumerate(pool.map(lambda one: fuzz(build, one), programs), 1):
            is_good = not found and executions > 0
            row = f"{number:>2} - {name:>{15 if is_good else 11}}{executions:>14,}{edges:>8,}  {'none' if not found else 'FOUND'}"
            print(f"{'ok' if is_good else 'not ok'} {row}", *(f"#    {line}" for line in found), sep="\n", flush=True)
            total += executions
            failed += not is_good
    print(f"#{'in all':>20}{total:>14,}", flush=True)
    return 1 if failed or not programs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
