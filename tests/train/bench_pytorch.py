"""The training step of `refframe bench` in PyTorch, for the table in src/num/README.md: python3 bench_pytorch.py [--threads N]
[--compile] [--bf16].

The same models (pre-norm LayerNorm, GELU in tanh form, learned positions, causal attention, untied head, no biases) on random
tokens: forward, cross-entropy, backward, clipping, AdamW. With what is fastest in eager mode: fused attention and fused AdamW.
--compile puts forward and backward through torch.compile first, outside of what is timed; --bf16 multiplies in bfloat16
(autocast), which is another computation than ours. Prints the best and the median window of at least 30 ms, and the peak of memory.
Needs torch, which no test does.
"""
import argparse
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {"S": (4, 128, 4, 128, 16, 512), "M": (6, 256, 8, 256, 8, 2048), "L": (6, 384, 6, 256, 16, 4096)}


class Block(nn.Module):
    def __init__(self, C, H):
        super().__init__()
        self.H = H
        self.norm_attention, self.norm_mlp = nn.LayerNorm(C), nn.LayerNorm(C)
        self.qkv, self.out = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C, bias=False)
        self.up, self.down = nn.Linear(C, 4 * C, bias=False), nn.Linear(4 * C, C, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (y.view(B, T, self.H, C // self.H).transpose(1, 2) for y in self.qkv(self.norm_attention(x)).split(C, 2))
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.gelu(self.up(self.norm_mlp(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, L, C, H, T, V):
        super().__init__()
        self.token, self.position = nn.Embedding(V, C), nn.Parameter(torch.randn(T, C) * 0.02)
        self.blocks = nn.ModuleList(Block(C, H) for _ in range(L))
        self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, V, bias=False)

    def forward(self, tokens, targets):
        x = self.token(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


def prepare(name, compiled, bf16):
    """A function that makes one training step, behind two of them, and the tokens of a step."""
    L, C, H, T, B, V = SIZES[name]
    torch.manual_seed(1)
    model = Model(L, C, H, T, V)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, fused=True)
    loss = torch.compile(model) if compiled else model
    tokens, targets = torch.randint(3, V, (B, T)), torch.randint(3, V, (B, T))

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            value = loss(tokens, targets)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()

    step()
    step()
    return step, B * T


def windows(step, tokens, seconds):
    """Tokens a second of windows of at least 30 ms, three or more."""
    rates, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(rates) < 3:
        steps, started = 0, time.perf_counter()
        while time.perf_counter() - started < 0.03:
            step()
            steps += 1
        rates.append(steps * tokens / (time.perf_counter() - started))
    return rates


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bench(name, seconds, compiled, bf16):
    rates = windows(*prepare(name, compiled, bf16), seconds)
    print(f"  {name:4}  {statistics.median(rates):12.0f} tokens/s  best {max(rates):8.0f}  peak memory {peak_mib():6.0f} MiB", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--size", choices=SIZES)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    mode, products = "compiled" if arguments.compile else "eager", "bfloat16" if arguments.bf16 else "float32"
    print(f"PyTorch {torch.__version__}, {mode}, {products}, {arguments.threads} threads")
    for size in [arguments.size] if arguments.size else SIZES:
        bench(size, arguments.seconds, arguments.compile, arguments.bf16)
