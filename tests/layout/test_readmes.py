"""Without this, a variant could be registered that its folder's README never names, or a README could offer one that is gone; and
the front page could grow sentences again that nobody reads to their end.
"""
import os
import re
import unittest

MOST_WORDS = 25  # of a sentence on the front page: what is read at one go

SRC = os.path.join(os.environ["TESTS_DIR"], os.pardir, "src")


def read(*parts):
    with open(os.path.join(SRC, *parts), encoding="utf-8") as file:
        return file.read()


def registered():
    """Folder -> words, from `variants` in src/meson.build."""
    table = re.search(r"^variants = \{$(.*?)^\}$", read("meson.build"), re.M | re.S).group(1)
    return {folder: re.findall(r"'(\w+)'", words)
            for folder, words in re.findall(r"'([\w/]+)': \{[^}]*?'words':\s*\[([^\]]*)\]", table)}


def named(readme):
    """The names that stand in backticks at the start of the rows of its first table headed `name`."""
    table = re.search(r"^\| name \|.*\n\|[ |-]*\n((?:\|.*\n)*)", readme, re.M)
    return re.findall(r"^\| `([^`]+)` \|", table.group(1), re.M) if table else []


def sentences(text):
    """What stands between full stops: of paragraphs, list items and table cells, without code blocks and headings."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"`[^`\n]*`", "code", text))
    text = re.sub(r"^#.*$|^\|[ |:-]*$", "", text, flags=re.M)
    for block in re.split(r"\n\s*\n|\n(?=[-|] ?)| \| ", text):
        yield from re.split(r"(?<=[.!?])[)*]*\s+", " ".join(block.replace("et al.", "et al").split()))


def too_long(text, most):
    counted = ((len(re.findall(r"\S*\w\S*", sentence)), sentence) for sentence in sentences(text))
    return [f"{n} words: {sentence}" for n, sentence in counted if n > most]


def differences(folder, words, readme):
    rows = named(readme)
    return ([f"src/{folder}/README.md has no row of `{word}`" for word in words if word not in rows] +
            [f"src/{folder}/README.md names `{row}`, which is not there" for row in rows if row not in words])


class Readmes(unittest.TestCase):
    def test_each_registered_name_stands_in_its_folders_readme(self):
        variants = registered()
        self.assertGreater(len(variants), 9)
        for folder, words in variants.items():
            with self.subTest(folder=folder):
                self.assertGreater(len(words), 0)
                self.assertEqual(differences(folder, words, read(folder, "README.md")), [])

    def test_each_metric_family_is_defined(self):
        definitions = read("geometry", "DEFINITIONS.md")
        self.assertEqual([word for word in registered()["geometry/family"] if not re.search(rf"^\| {word} \|", definitions, re.M)], [])

    def test_each_file_of_a_page_stands_in_its_readme(self):
        for page in "report/html", "maps/html":
            files = sorted(set(os.listdir(os.path.join(SRC, page))) - {"README.md"})
            self.assertEqual(differences(page, files, read(page, "README.md")), [])

    def test_each_folder_has_a_readme(self):
        missing = [os.path.relpath(path, SRC) for path, _, names in os.walk(SRC) if names and "README.md" not in names]
        self.assertEqual(missing, [])

    def test_no_sentence_of_the_front_page_is_too_long(self):
        page = read(os.pardir, "README.md")
        self.assertGreater(sum(1 for _ in sentences(page)), 100)
        self.assertEqual(too_long(page, MOST_WORDS), [])

    def test_a_planted_sentence_is_caught(self):
        fine, long = " ".join(["word"] * MOST_WORDS) + ".", "It " + " ".join(["word"] * MOST_WORDS) + "."
        self.assertEqual(too_long(f"{fine} {fine}\n\n- {fine}\n- {fine}\n\n| {fine} | {fine} |\n", MOST_WORDS), [])
        for text in (f"{fine} {long}\n", f"- {fine}\n- {long}\n", f"| {fine} | {long} |\n"):
            self.assertEqual(len(too_long(text, MOST_WORDS)), 1, text)

    def test_a_planted_name_is_caught(self):
        readme = read("model/position", "README.md")
        words = registered()["model/position"]
        self.assertEqual(differences("model/position", words + ["no_such_encoding"], readme),
                         ["src/model/position/README.md has no row of `no_such_encoding`"])
        self.assertEqual(differences("model/position", words, readme.replace("| `alibi` |", "| `no_such_encoding` |")),
                         ["src/model/position/README.md has no row of `alibi`",
                          "src/model/position/README.md names `no_such_encoding`, which is not there"])


if __name__ == "__main__":
    unittest.main()
