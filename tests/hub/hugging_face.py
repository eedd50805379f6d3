"""What transformers makes of an exported folder, for the fixtures and for the live comparison."""
import os
import subprocess

os.environ["HF_HUB_OFFLINE"] = "1"  # a folder that does not load is an error, not a name to look up

import numpy as np


def load(folder):
    """The model of a folder; one that lacks a tensor, or has one too many, is an error."""
    import torch
    import transformers
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    config = transformers.AutoConfig.from_pretrained(folder)
    model, found = getattr(transformers, config.architectures[0]).from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True)
    for what, names in found.items():
        assert not names, f"{folder}: {what}: {names}"
    return model.eval()


def logits_of(folder, ids):
    """(T, V) of one sequence."""
    import torch
    with torch.no_grad():
        return load(folder)(torch.tensor(ids, dtype=torch.long)[None]).logits[0].numpy()


def left_by(program, folder):
    """Name, ids and our logits of each case of test_logits.c, whose exports then lie in the folder."""
    subprocess.run([program], env={**os.environ, "HUB_LEAVE": folder}, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    ids = np.load(os.path.join(folder, "ids.npy"))
    for name in sorted(os.listdir(folder)):
        if os.path.isdir(os.path.join(folder, name)):
            yield name, ids, np.load(os.path.join(folder, name + ".npy"))
