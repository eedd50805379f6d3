#!/usr/bin/env python3
"""sentences.py > sentences.txt: 200 sentences of 8 to 32 words, a line each, evenly through the novels that the program holds."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
N, SHORTEST, LONGEST = 200, 8, 32

with open(os.path.join(HERE, "../../src/data/corpus/austen.txt"), encoding="utf-8") as file:
    text = re.sub(r"\s+", " ", file.read())
found = [sentence for sentence in re.findall(r"(?<=[.!?] )[A-Z][^.!?\"“”_\[\]]+[.](?= )", text)
         if SHORTEST <= len(sentence.split()) <= LONGEST and "Chapter" not in sentence]
for i in range(N):
    print(found[i * len(found) // N])
