"""Without these, a damaged or hostile GGUF could end the program, or be measured as another model than it is."""
import os
import struct
import unittest

from harness import Case, read

FOLDER = os.path.join(os.environ["TESTS_DIR"], "hub", "fixtures", "theirs", "gguf")
GOOD, IDS = read(os.path.join(FOLDER, "model.gguf")), os.path.join(FOLDER, "ids.npy")
Q = b"blk.0.attn_q.weight"


def text(string):
    return struct.pack("<Q", len(string)) + string


def key(name, number):
    """As the file has it: a u32."""
    return text(name) + struct.pack("<II", 4, number)


def instead(old, new):
    """The file with other bytes in their one place."""
    assert GOOD.count(old) == 1 and len(old) == len(new), (old, GOOD.count(old))
    return GOOD.replace(old, new)


def tensor(name, sizes, kind):
    return text(name) + struct.pack(f"<I{len(sizes)}QI", len(sizes), *sizes, kind)


def as_list(name, number):
    """A key's number as a list of six, which leaves what follows where it is aligned."""
    assert GOOD.count(key(name, number)) == 1
    return GOOD.replace(key(name, number), text(name) + struct.pack("<IIQ6I", 9, 4, 6, *[number] * 6))


def at(offset):
    """The queries' numbers elsewhere, counted from the first tensor's."""
    place = GOOD.index(QUERIES) + len(QUERIES)
    return GOOD[:place] + struct.pack("<Q", offset) + GOOD[place + 8:]


def with_keys(names):
    """More metadata in front, numbers all."""
    (n,) = struct.unpack("<Q", GOOD[16:24])
    return GOOD[:16] + struct.pack("<Q", n + len(names)) + b"".join(key(name, 1) for name in names) + GOOD[24:]


COUNT, LAYERS, WIDTH = b"llama.attention.head_count", b"llama.block_count", b"llama.embedding_length"
QUERIES = tensor(Q, (32, 32), 3)

# Bytes, and the line behind its path.
FILES = {
    "its first bytes": (GOOD[:20], ": byte 16: its header ends beyond the file, or is larger than 256 MiB"),
    "no tensors": (GOOD[:300], ": byte 300: its header ends beyond the file, or is larger than 256 MiB"),
    "truncated": (GOOD[:-300], ": output.weight lies outside of the file; its end is missing"),
    "version 1": (instead(b"GGUF\x03\0\0\0", b"GGUF\x01\0\0\0"), ": byte 8: neither version 2 nor 3 of the format"),
    "big-endian": (instead(b"GGUF\x03\0\0\0", b"GGUF\0\0\0\x03"), ": byte 8: neither version 2 nor 3 of the format"),
    "many tensors": (GOOD[:8] + b"\xff" * 8 + GOOD[16:], ": byte 24: more than 65536 tensors or metadata"),
    "many metadata": (GOOD[:16] + b"\xff" * 8 + GOOD[24:], ": byte 24: more than 65536 tensors or metadata"),
    "a long text": (instead(text(LAYERS), struct.pack("<Q", 1 << 62) + LAYERS), ": byte 151: a text of more than 1 MiB"),
    "a text that ends beyond": (instead(text(LAYERS), struct.pack("<Q", 1 << 19) + LAYERS),
                                ": byte 151: its header ends beyond the file, or is larger than 256 MiB"),
    "an unknown type": (instead(text(LAYERS) + struct.pack("<I", 4), text(LAYERS) + struct.pack("<I", 99)),
                        ": byte 172: a value of a type that is not known"),
    "a control character": (instead(LAYERS, b"llama.block\x1bcount"), ": byte 168: a name or text with bytes that can't be shown"),
    "a key twice": (instead(b"llama.rope.freq_base", b"llama.context_length"), ': key "llama.context_length" appears twice'),
    "another family": (instead(text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama"),
                               text(b"general.architecture") + struct.pack("<I", 8) + text(b"gemma")),
                       ': general.architecture: "gemma" is not what is read here: llama'),
    "an unknown key": (instead(b"llama.block_count", b"llama.black_count"),
                       ': "llama.black_count" is not known here, and may change numbers'),
    "another width": (instead(key(WIDTH, 32), key(WIDTH, 64)), ": llama.rope.dimension_count: \"8\" is not what is read here: 16"),
    "its angles as a list": (as_list(b"llama.rope.dimension_count", 8),
                             ': llama.rope.dimension_count: "a list or an object" is not what is read here: 8'),
    "more layers": (instead(key(LAYERS, 2), key(LAYERS, 3)), ": has no tensor blk.2.attn_norm.weight"),
    "fewer layers": (instead(key(LAYERS, 2), key(LAYERS, 1)), ": its header leaves no place for its tensor blk.1.attn_k.weight"),
    "no layers": (instead(key(LAYERS, 2), key(LAYERS, 0)), ": model.n_layers: 0 is not in 1..256"),
    "no heads": (instead(key(COUNT, 4), key(COUNT, 0)), ": model.n_heads: 0 is not in 1..256"),
    "another shape": (instead(QUERIES, tensor(Q, (64, 16), 3)), f": {Q.decode()} has another shape than its header says"),
    "half a block": (instead(QUERIES, tensor(Q, (16, 32), 3)), f": {Q.decode()} has a shape that no tensor of type Q4_1 has"),
    "a huge shape": (instead(QUERIES, tensor(Q, (1 << 62, 32), 3)), f": {Q.decode()} has a shape that no tensor of type Q4_1 has"),
    "an empty shape": (instead(QUERIES, tensor(Q, (32, 0), 3)), f": {Q.decode()} has a shape that no tensor of type Q4_1 has"),
    "another type": (instead(QUERIES, tensor(Q, (32, 32), 10)),
                     f": {Q.decode()} is of type 10; F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q4_1 and Q4_0 are read"),
    "five dimensions": (instead(text(Q) + struct.pack("<I", 2), text(Q) + struct.pack("<I", 5)),
                        ": byte 839: a tensor of no dimension, or of more than 4"),
    "another name": (instead(Q, b"blk.0.attn_x.weight"), ": its header leaves no place for its tensor blk.0.attn_x.weight"),
    "on another's bytes": (at(0), f": {Q.decode()} and token_embd.weight lie on the same bytes"),
    "partly on another's bytes": (at(32), f": token_embd.weight and {Q.decode()} lie on the same bytes"),
    "far outside": (at((1 << 64) - 1), f": {Q.decode()} lies outside of the file; its end is missing"),
    "a name twice": (instead(Q, b"blk.0.attn_k.weight"), ': tensor "blk.0.attn_k.weight" is there twice'),
}


class Gguf(Case):
    def measure(self, data, code):
        self.write("m.gguf", data)
        return self.refframe("measure", "m.gguf", "--ids", IDS, code=code)

    def test_it_is_read(self):
        self.assertIn("1 sequence of 9 tokens, 2 layers of 4 heads; float32\n  mask causal\n", self.measure(GOOD, 0).stdout)

    def test_malformed(self):
        for what, (data, line) in FILES.items():
            with self.subTest(what):
                done = self.measure(data, 2)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr, f"refframe: m.gguf{line}\n")

    def test_many_keys(self):
        """All are told apart from all, which as n^2 took 14 seconds."""
        names, before = [b"llama.k%05d" % i for i in range(65000)], os.times().children_user
        for more, line in (([], '"llama.k00000" is not known here, and may change numbers'), (names[40000:40001], 'key "llama.k40000" appears twice')):
            self.assertEqual(self.measure(with_keys(names + more), 2).stderr, f"refframe: m.gguf: {line}\n")
        self.assertLess(os.times().children_user - before, 4)

    def test_every_truncation_is_refused(self):
        """Of the header, at each byte."""
        for n in range(4, GOOD.index(QUERIES), 7):
            self.measure(GOOD[:n], 2)


if __name__ == "__main__":
    unittest.main()
