#!/usr/bin/env python3
"""smollm2.py FILE.gguf FOLDER: a GGUF of the Llama family as a folder that `refframe measure FOLDER --text` reads: its weights as float32,
and its tokenizer. Wants torch, transformers and gguf."""
import os
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

source, target = sys.argv[1:]
where = {"pretrained_model_name_or_path": os.path.dirname(source) or ".", "gguf_file": os.path.basename(source)}
weights = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).state_dict()
model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(**where))
model.load_state_dict(weights)
model.save_pretrained(target)
AutoTokenizer.from_pretrained(**where).save_pretrained(target)
