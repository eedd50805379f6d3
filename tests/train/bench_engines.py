"""Full training steps of every engine and of PyTorch, in turns: the table of src/num/README.md, and what `make bench` runs.

    python3 tests/train/bench_engines.py build/refframe [--threads N] [--rounds N] [--seconds N] [--sizes S M L]

In each round each of them has the machine to itself for some seconds, one after another. So whatever else the machine does, it
does it to all alike. Every figure is the median over rounds, with the least and the most. Shares are of the FMA peak in
float32 that `refframe bench` measures between its windows; PyTorch's are of that of *exact* in the same round. Memory is the
largest resident set of a process that trains one size. PyTorch compiles before the first round. Without torch it is left out.
"""
import argparse
import datetime
import importlib.util
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys

ENGINES = "exact", "bfloat16", "openblas"
MODES = {"eager, float32": (False, False), "compiled, float32": (True, False),
         "eager, bfloat16": (False, True), "compiled, bfloat16": (True, True)}


def refframe(program, engine, size, threads, seconds):
    """Tokens a second, share of the peak, the peak in tokens a second, and MiB; None where the engine is missing."""
    words = [program, "bench", "--json", "--size", size, "--threads", str(threads), "--seconds", str(seconds),
             "--set", f"numerics.engine={engine}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:  # what it complains of is seen
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        if engine == "exact":
            sys.exit(process.returncode)
        return None
    (result,) = json.loads(output)
    return result["tokens_per_s"], result["share_of_floor"], result["floor_tokens_per_s"], usage.ru_maxrss / 1024


def serve_pytorch(connection, size, threads, compiled, bf16):
    """In a process of its own: its memory once it is ready, then a rate for each number of seconds that comes."""
    import torch
    import bench_pytorch
    torch.set_num_threads(threads)
    step = bench_pytorch.prepare(size, compiled, bf16)
    connection.send(None)
    while (seconds := connection.recv()) is not None:
        connection.send((statistics.median(bench_pytorch.windows(*step, seconds)), bench_pytorch.peak_mib()))


def engines_of(program):
    """Those that are there and fast, by what the program says of itself."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    there = {"exact": True, "bfloat16": "\nbfloat16 by amx" in version, "openblas": re.search(r"^openblas OpenBLAS", version, re.M)}
    return version.strip(), [engine for engine in ENGINES if there[engine]]


class PyTorch:
    """One mode at one size, ready to be timed again and again."""
    def __init__(self, size, threads, mode):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve_pytorch, args=(theirs, size, threads, *MODES[mode]), daemon=True)
        self.process.start()
        theirs.close()

    def is_ready(self):
        """Waits; False where it ended instead, and said why."""
        try:
            self.connection.recv()
        except EOFError:
            return False
        return True

    def time(self, seconds):
        self.connection.send(seconds)
        return self.connection.recv()

    def end(self):
        self.connection.send(None)
        self.process.join()


def of_rounds(values, form):
    """Median [least, most]."""
    return f"{form(statistics.median(values))} [{form(min(values))}, {form(max(values))}]"


def bench(arguments, engines, size):
    """{who: [(tokens a second, share of the peak, MiB) of each round]}; who fails in a round is out from then on."""
    found = {}
    has_torch = importlib.util.find_spec("torch") is not None
    pytorch = {mode: PyTorch(size, arguments.threads, mode) for mode in MODES} if has_torch else {}
    pytorch = {mode: process for mode, process in pytorch.items() if process.is_ready()}  # all compile at a time
    alone = [("exact, one thread", "exact", 1)] if arguments.threads > 1 else []
    for number in range(arguments.rounds):
        print(f"{size}: round {number + 1} of {arguments.rounds}", file=sys.stderr)
        floor = None
        for who, engine, threads in [(engine, engine, arguments.threads) for engine in engines] + alone:
            result = refframe(arguments.program, engine, size, threads, arguments.seconds) if len(found.get(who, [])) == number else None
            if result:
                rate, share, peak, memory = result
                floor = floor or peak
                found.setdefault(who, []).append((rate, share, memory))
        for mode, process in pytorch.items():
            rate, memory = process.time(arguments.seconds)
            found.setdefault(f"PyTorch {mode}", []).append((rate, rate / floor, memory))
    for process in pytorch.values():
        process.end()
    return found


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = re.findall(r"model name\s*:\s*(.*)", file.read())
    except OSError:
        names = []
    return names[0] if names else "an unknown processor"


def print_table(title, tables, cell):
    print(f"\n| {title} | {' | '.join(tables)} |\n|{' --- |' * (1 + len(tables))}")
    for who in dict.fromkeys(who for table in tables.values() for who in table):
        cells = [cell(table[who], table["exact"]) if who in table else "" for table in tables.values()]
        print(f"| {who} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description="Every engine and PyTorch, in turns.")
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", choices="SML", default=list("SML"))
    arguments = parser.parse_args()
    print(f"{processor()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, {datetime.date.today()}; "
          f"{arguments.threads} threads, {arguments.rounds} rounds of {arguments.seconds} s each")
    version, engines = engines_of(arguments.program)
    print(version)
    if importlib.util.find_spec("torch") is None:
        print(f"without PyTorch, which {sys.executable} does not have")
    tables = {size: bench(arguments, engines, size) for size in arguments.sizes}
    print_table("tokens a second", tables, lambda rounds, exact: of_rounds([rate for rate, _, _ in rounds], "{:.0f}".format))
    print_table("share of the FMA peak, %", tables,
                lambda rounds, exact: of_rounds([100 * share for _, share, _ in rounds], "{:.0f}".format))
    print_table("tokens a second, over those of exact in the same round", tables, lambda rounds, exact: of_rounds(
        [round_[0] / reference[0] for round_, reference in zip(rounds, exact)], "{:.2f}".format))
    print_table("memory, MiB", tables, lambda rounds, exact: f"{max(memory for _, _, memory in rounds):.0f}")


if __name__ == "__main__":
    main()
