#!/usr/bin/env python3
"""The page that trains, one HTML file that needs nothing else.

    make_play.py REGISTRIES OUTPUT
    make_play.py OUTPUT

The first compiles the trainer, the model and the geometry with Emscripten for one thread and 128-bit vectors, and puts module,
default text, worker, script and style into page.html. REGISTRIES is the build folder in which Meson has written *_registry.c. The
same compiler and sources give the same bytes. The second keeps the module that OUTPUT holds, and puts all else around it anew: what
changes no C needs no compiler.
"""
import base64
import concurrent.futures
import glob
import gzip
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(HERE)
WHOLE = ("num", "data", "data/source", "data/tokenizer", "model", "model/position", "model/mask", "model/score", "model/gate", "model/slot",
         "model/objective", "geometry", "geometry/family", "train/optimizer", "train/schedule")
PARTS = {
    "base": "arena cache file json json_read lanes memory number pcg resolve schema seal settings sha256 shown status table text value "
            "variant visible",
    "frame": "onset", "store": "run",
    "train": "baselines initial interventions live measure measurer passes session set settings snapshot trainer",
    "app": "catalogue program", "web": "platform web",
}
REGISTRIES = ("tokenizer", "source", "position", "mask", "score", "gate", "slot", "objective", "family", "optimizer", "schedule")
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O3", "-msimd128", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
         "-DREFFRAME_TWO_ROUNDINGS", '-DREFFRAME_VERSION="web"', "-ffunction-sections", "-fdata-sections", "-I."]
MEMORY = 256 << 20


def sources(registries):
    """Paths from SOURCE; what is only ever called by what is left out goes with it when it is linked."""
    found = [path for folder in WHOLE for path in sorted(glob.glob(f"{folder}/*.c", root_dir=SOURCE)) if not path.endswith("/template.c")]
    found += [f"{folder}/{word}.c" for folder, words in PARTS.items() for word in words.split()]
    return found + [os.path.join(os.path.abspath(registries), f"{name}_registry.c") for name in REGISTRIES]


def compiled(registries):
    """The module's bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        def compile_one(numbered):
            output = os.path.join(scratch, f"{numbered[0]:04}.o")
            subprocess.run(["emcc", *FLAGS, "-c", numbered[1], "-o", output], cwd=SOURCE, check=True)
            return output

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_one, enumerate(sources(registries))))
        module = os.path.join(scratch, "play.wasm")
        subprocess.run(["emcc", "-O3", "-msimd128", *objects, "-o", module, "-sSTANDALONE_WASM", "--no-entry", f"-sTOTAL_MEMORY={MEMORY}",
                        "-Wl,--gc-sections", "-sERROR_ON_UNDEFINED_SYMBOLS=0", "-Wno-undefined"], check=True)
        return read(module)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def packed(data):
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def page(module):
    """The page's text around a module's bytes. Each {{NAME}} of page.html is a file beside it, or one of the two that are packed."""
    parts = {"module": packed(module), "corpus": packed(read(os.path.join(SOURCE, "data", "corpus", "austen.txt")))}

    def part(match):
        name = match.group(1)
        return parts[name] if name in parts else read(os.path.join(HERE, name)).decode()

    return re.sub(r"\{\{([\w.]+)\}\}", part, read(os.path.join(HERE, "page.html")).decode())


def module_of(path):
    """The bytes of the module that a page holds."""
    found = re.search(r'id="module">([^<]+)<', read(path).decode())
    return gzip.decompress(base64.b64decode(found.group(1)))


if __name__ == "__main__":
    *registries, target = sys.argv[1:]
    text = page(compiled(*registries) if registries else module_of(target))
    with open(target, "w", encoding="utf-8", newline="\n") as output:
        output.write(text)
    print(f"{target}: {len(text) / 1e6:.2f} MB")
