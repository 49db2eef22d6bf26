"""Timed runs on request."""

import json
import re
import sys
import time
from pathlib import Path

import torch

from decoding import predict
from files import read_tensors, samples_of, section
from network import Network
from training import Training


def peak_bytes():
    """Largest resident set of this process so far; None if the system does not tell (Linux does)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


class Server:
    """Answers to requests, in their order:

    build   settings, work (predict or train), bfloat16, threads: the network without weights; answers with the shapes of its parameters
    load    a safetensors file: weights (weight.NAME) and recordings (input.I.feats, and .segments, .labels for training)
    run     once; answers with seconds, outcome and peak_bytes
    """

    def build(self, request):
        torch.set_num_threads(request["threads"])
        self.settings, self.work, self.bfloat16 = request["settings"], request["work"], request["bfloat16"]
        self.network = Network(self.settings).eval()
        return {"parameters": {name: list(one.shape) for name, one in self.network.named_parameters()}}

    def load(self, request):
        tensors, _ = read_tensors(Path(request["file"]))
        self.network.load_state_dict(section(tensors, "weight"))
        self.features = tensors["input.0.feats"].clone()
        if self.work == "train":
            self.samples, self.training = samples_of(tensors), Training(self.network, self.settings)
        return {}

    def run(self, request):
        start = time.perf_counter()
        if self.work == "train":
            (loss, _, _), _ = self.training.step(self.samples)
        else:
            segments, scores, _ = predict(self.network, self.features, self.settings, self.bfloat16)
        seconds = time.perf_counter() - start
        if self.work == "train":
            outcome = {"loss": loss}
        else:
            lengths = segments[:, 1] - segments[:, 0]
            outcome = {"candidates": len(scores), "score": scores.mean().item(), "length": lengths.mean().item()}
        return {"seconds": seconds, "outcome": outcome, "peak_bytes": peak_bytes()}

    def serve(self):
        for line in sys.stdin:
            request = json.loads(line)
            answer = {"build": self.build, "load": self.load, "run": self.run}[request["do"]](request)
            print(json.dumps(answer), flush=True)
