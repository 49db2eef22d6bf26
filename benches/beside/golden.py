"""Comparison with recorded numbers of the released code."""

import json
import math
import re
import sys
from pathlib import Path

import torch

from decoding import predict
from files import read_tensors, samples_of, section
from network import DropPath, Network
from training import Training, targets

LAYERS = {
    "encoder": "backbone",
    "pyramid": "neck",
    "dcm": "decls",
    "drm": "dereg",
    "clff": "cross_level",
    "cls_logits": "cls_head",
    "start_logits": "start_head",
    "end_logits": "end_head",
    "offset_bins": "reg_head",
    "refine": "refineHead",
}


def golden_cases(folders):
    """Tensors and settings of each recorded network, by name. Its files may lie in several folders; the first to hold a tensor counts."""
    cases = {}
    for folder in folders:
        for path in sorted(Path(folder).glob("*.safetensors")):
            name = re.sub("_(weights|outputs|train)$", "", path.stem)
            tensors, metadata = read_tensors(path)
            known, settings = cases.setdefault(name, ({}, {}))
            for key, tensor in tensors.items():
                known.setdefault(key, tensor)
            for key, text in metadata.items():
                value = json.loads(text) if text.startswith("{") else text
                new = value if isinstance(value, dict) and "model" in value else {key: value}
                for entry, one in new.items():
                    settings.setdefault(entry, one)
    # Other methods lack the refinement.
    return {name: case for name, case in cases.items() if any(key.startswith("weight.refineHead") for key in case[0])}


def candidate_differences(found, wanted):
    """Largest differences of scores and ends. Each recorded candidate gets the nearest of its class, and none twice."""
    if len(found[1]) != len(wanted[1]):
        sys.exit(f"{len(found[1])} candidates, recorded are {len(wanted[1])}")
    scores = (found[1][None] - wanted[1][:, None]).abs()
    ends = (found[0][None] - wanted[0][:, None]).abs().amax(dim=-1)
    apart = torch.maximum(scores / 1e-4, ends / 1e-3).masked_fill(found[2][None] != wanted[2][:, None], math.inf)
    nearest = apart.argmin(dim=1)
    if len(nearest.unique()) != len(nearest):
        sys.exit("two recorded candidates are nearest to the same one")
    rows = torch.arange(len(nearest))
    return scores[rows, nearest].max().item(), ends[rows, nearest].max().item()


class Report:
    """Largest difference of each kind of number, beside what is allowed."""

    def __init__(self):
        self.worst = {}

    def add(self, kind, difference, allowed):
        self.worst[kind] = (max(difference, self.worst.get(kind, (0.0, 0))[0]), allowed)

    def print(self, name):
        """Prints the figures of a network; whether all are allowed."""
        for kind, (difference, allowed) in self.worst.items():
            print(f"{name:<12} {kind:<28} {difference:9.2e}  allowed {allowed:.0e}")
        return all(difference <= allowed for difference, allowed in self.worst.values())


def check_evaluation(tensors, settings, network, report):
    """Layers and candidates of each recording."""
    seen, modules = {}, {name: getattr(network, attribute) for name, attribute in LAYERS.items()}
    for index, (conv, block) in enumerate(zip(network.backbone.embd, network.backbone.stem)):
        modules |= {f"embd{index}": conv, f"stem{index}": block}

    def keeps(name):
        return lambda module, inputs, output: seen.__setitem__(name, output)

    hooks = [module.register_forward_hook(keeps(name)) for name, module in modules.items()]
    for index in sorted({int(key.split(".")[1]) for key in tensors if key.startswith("eval.")}):
        features = tensors.get("input.eval.feats", tensors.get(f"input.{index}.feats"))
        found = predict(network, features, settings)
        seen["refine_cls"], seen["refine_start"], seen["refine_end"] = seen.pop("refine")
        for key, wanted in section(tensors, f"eval.{index}").items():
            layer, _, level = key.partition(".level")
            if layer in seen:
                output = seen[layer][int(level)] if level else seen[layer]
                report.add(layer, (output[0] - wanted).abs().max().item(), 1e-4)
        wanted = section(tensors, f"eval.{index}.candidates")
        if wanted:
            scores, ends = candidate_differences(found, [wanted[part] for part in ("segments", "scores", "labels")])
            report.add("candidates: scores", scores, 1e-4)
            report.add("candidates: ends, grid units", ends, 1e-3)
    for hook in hooks:
        hook.remove()


def check_training(tensors, settings, network, report):
    """Losses, gradients and one step on all recordings together, without noise and with every residual branch."""
    for module in network.modules():
        if isinstance(module, DropPath):
            module.probability = 0
    settings = {**settings, "model": {**settings["model"], "input_noise": 0}}
    clip = settings["train_cfg"]["clip_grad_l2norm"]
    samples = samples_of(tensors)
    training = Training(network, settings)
    for index, (_, segments, labels) in enumerate(samples):
        wanted = section(tensors, f"targets.{index}")
        if wanted:
            model = settings["model"]
            radius = settings["train_cfg"]["center_sample_radius"]
            classes, pairs = targets(training.points, segments, labels, model["num_classes"], radius)
            positive = classes.sum(dim=1) > 0
            report.add("targets: classes", (classes - wanted["cls"]).abs().max().item(), 0)
            report.add("targets: distances", (pairs - wanted["reg"])[positive].abs().max().item(), 1e-4)
    losses, norm = training.step(samples)
    for part, loss in zip(("final_loss", "cls_loss", "reg_loss"), losses):
        wanted = tensors[f"train.{part}"].item()
        report.add("losses, relative", abs(loss - wanted) / abs(wanted), 1e-5)
    wanted = tensors["train.loss_normalizer"].item()
    report.add("normaliser, relative", abs(training.criterion.normalizer - wanted) / wanted, 1e-5)
    if "train.grad_norm" in tensors:
        wanted = tensors["train.grad_norm"].item()
        report.add("norm of gradients, relative", abs(norm - wanted) / wanted, 1e-4)
    # Those that the step used are clipped.
    factor = max(1.0, (norm + 1e-6) / clip)
    parameters = dict(network.named_parameters())
    for name, wanted in section(tensors, "grad").items():
        difference = (parameters[name].grad * factor - wanted).norm().item()
        # Below a norm of 1e-3, 1e-6 are allowed.
        report.add("gradients, relative", difference / max(wanted.norm().item(), 1e-3), 1e-3)
    for name, wanted in section(tensors, "stepped").items():
        gradient = tensors.get(f"grad.{name}")
        # The first step moves a value by the rate whatever its gradient, so rounding decides where there is none.
        clear = gradient.abs() >= 1e-6 if gradient is not None else torch.ones_like(wanted, dtype=torch.bool)
        report.add("parameters after the step", ((parameters[name].detach() - wanted).abs() * clear).max().item(), 2e-5)


def check(folders):
    """Compares with the recorded numbers; ends the program with 1 if a difference is too large."""
    cases = golden_cases(folders)
    if not cases:
        sys.exit(f"no file in {', '.join(folders)} holds numbers of a CLTDR-GMG network: tiny.safetensors is one that does")
    good = True
    for name, (tensors, settings) in cases.items():
        found = settings.keys() | tensors.keys()
        missing = {"model", "train_cfg", "test_cfg", "input.0.feats", "train.final_loss"} - found
        if missing:
            sys.exit(f"{name} lacks {', '.join(sorted(missing))}: name all folders with a part of it")
        settings.setdefault("optimizer", {"lr": 1e-3, "weight_decay": 0.0})
        network, report = Network(settings).eval(), Report()
        network.load_state_dict(section(tensors, "weight"))
        check_evaluation(tensors, settings, network, report)
        check_training(tensors, settings, network, report)
        good &= report.print(name)
    sys.exit(0 if good else "a difference is larger than allowed")
