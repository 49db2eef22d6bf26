"""A training step as the released code does it: targets, losses on all points and classes, AdamW and moving average."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F

from decoding import distances, refined
from network import level_masks

FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 2.0
EMA_DECAY = 0.999
NORMALIZER_MOMENTUM = 0.9
REFINED_SHARE = 0.7


def point_table(model):
    """Time, range of distances and stride of all points (P, 4)."""
    rows = []
    for level, (low, high) in enumerate(model["regression_range"]):
        times = torch.arange(0, model["max_seq_len"], 2**level, dtype=torch.float32)
        level_values = torch.tensor([low, high, 2.0**level]).expand(len(times), 3)
        rows.append(torch.cat([times[:, None], level_values], dim=1))
    return torch.cat(rows)


def targets(points, segments, labels, num_classes, radius):
    """Classes (P, C) and distances (P, 2) in strides that the points shall answer with; of actions around a point the shortest."""
    if len(segments) == 0:
        return torch.zeros(len(points), num_classes), torch.zeros(len(points), 2)
    times, low, high, stride = (column[:, None] for column in points.T)
    start, end = segments[:, 0], segments[:, 1]
    left, right = times - start, end - times
    middle = 0.5 * (start + end)
    near = torch.maximum(middle - radius * stride, start), torch.minimum(middle + radius * stride, end)
    inside = torch.minimum(times - near[0], near[1] - times) > 0
    farther = torch.maximum(left, right)
    inside &= (farther >= low) & (farther <= high)
    lengths = (end - start).expand(len(points), -1).masked_fill(~inside, math.inf)
    shortest, index = lengths.min(dim=1)
    equal = (lengths <= shortest[:, None] + 1e-3) & (lengths < math.inf)
    classes = (equal.float() @ F.one_hot(labels, num_classes).float()).clamp(0, 1)
    pairs = torch.stack([left, right], dim=-1) / stride[..., None]
    return classes, pairs[torch.arange(len(points)), index]


def overlap(found, wanted):
    """IoU of pairs of distances (N, 2) from the same points."""
    shared = torch.minimum(found, wanted).sum(dim=-1)
    return shared / (found.sum(dim=-1) + wanted.sum(dim=-1) - shared).clamp(min=1e-8)


def distance_iou_loss(found, wanted):
    hull = torch.maximum(found, wanted).sum(dim=-1).clamp(min=1e-8)
    apart = 0.5 * (found[:, 1] - found[:, 0] - wanted[:, 1] + wanted[:, 0])
    return 1 - overlap(found, wanted) + (apart / hull).square()


def focal_loss(logits, wanted):
    p = torch.sigmoid(logits)
    wrong = 1 - (p * wanted + (1 - p) * (1 - wanted))
    weight = FOCAL_ALPHA * wanted + (1 - FOCAL_ALPHA) * (1 - wanted)
    return weight * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * wrong**FOCAL_GAMMA


def varifocal_loss(logits, wanted):
    p = torch.sigmoid(logits)
    weight = torch.where(wanted > 0, wanted, FOCAL_ALPHA * (p - wanted).abs() ** FOCAL_GAMMA)
    return weight * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")


class Criterion:
    """Sum of the losses after and before refinement. Each decodes the distances of all points and classes, and moves the normaliser."""

    def __init__(self, settings):
        self.model, self.config = settings["model"], settings["train_cfg"]
        self.normalizer = float(self.config["init_loss_norm"])

    def __call__(self, outputs, masks, classes, pairs):
        """`classes` (B, P, C) and `pairs` (B, P, 2) are the targets. Gives the sums of the total, class and distance losses."""
        valid = torch.cat(masks, dim=-1)[:, 0]
        after = self.term(outputs, valid, classes, pairs, True)
        before = self.term(outputs, valid, classes, pairs, False)
        return [REFINED_SHARE * one + (1 - REFINED_SHARE) * other for one, other in zip(after, before)]

    def term(self, outputs, valid, classes, pairs, is_refined):
        positive = valid & (classes.sum(dim=-1) > 0)
        keep, num = NORMALIZER_MOMENTUM, max(positive.sum().item(), 1)
        self.normalizer = keep * self.normalizer + (1 - keep) * num
        chosen = positive[..., None] & (classes > 0)
        found = self.all_distances(outputs, is_refined)[chosen]
        wanted = pairs[:, :, None].expand(-1, -1, classes.shape[-1], -1)[chosen]
        smoothing = self.config["label_smoothing"]
        smooth = classes[valid] * (1 - smoothing) + smoothing / (classes.shape[-1] + 1)
        logits = zip(outputs["classes"], outputs["factors"])
        logits = [(a * q if is_refined else a).transpose(1, 2) for a, q in logits]
        logits = torch.cat(logits, dim=1)[valid]
        if is_refined:
            weight = torch.ones_like(logits)
            weight[chosen[valid]] = overlap(found, wanted) ** self.model["iou_weight_power"]
            loss = (varifocal_loss(logits, smooth) * weight).sum() / self.normalizer
        else:
            loss = focal_loss(logits, smooth).sum() / self.normalizer
        distance = distance_iou_loss(found, wanted).sum() / self.normalizer
        return loss + self.config["loss_weight"] * distance, loss, distance

    def all_distances(self, outputs, is_refined):
        """Distances (B, P, C, 2) of all points and classes, in strides."""
        levels = []
        for level, bins in enumerate(outputs["bins"]):
            found = distances(bins, outputs["starts"][level], outputs["ends"][level], self.model["num_bins"])
            if is_refined:
                times = (torch.arange(bins.shape[-1]) * 2**level).float()[:, None]
                offsets = [outputs[name][level].transpose(1, 2) for name in ("start_offsets", "end_offsets")]
                found = refined(times, 2**level, found, *offsets)
            levels.append(found)
        return torch.cat(levels, dim=1)


class Training:
    """Network, optimiser, moving average and loss. A sample is features (C, n), segments (N, 2) and labels (N)."""

    def __init__(self, network, settings):
        self.network, self.settings = network.train(), settings
        self.average = copy.deepcopy(network)
        self.points = point_table(settings["model"])
        self.criterion = Criterion(settings)
        decayed, others = [], []
        for module in network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                is_weight = isinstance(module, (nn.Conv1d, nn.ConvTranspose1d)) and name == "weight"
                (decayed if is_weight or name in ("w1", "w2") else others).append(parameter)
        config = settings["optimizer"]
        groups = [
            {"params": decayed, "weight_decay": config["weight_decay"]},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=config["lr"])

    def step(self, samples):
        """Everything from samples to new weights and average; gives total, class and distance loss and the norm of the gradients."""
        model, config = self.settings["model"], self.settings["train_cfg"]
        lens = [features.shape[-1] for features, _, _ in samples]
        length = model["max_seq_len"]
        if max(lens) > length:
            raise ValueError(f"a recording has {max(lens)} features, must be cut to {length}")
        batch = torch.stack([F.pad(features, (0, length - num)) for (features, _, _), num in zip(samples, lens)])
        noise = model.get("input_noise", 0)
        if noise > 0:
            batch += noise * torch.randn_like(batch)
        masks = level_masks(lens, length, len(model["regression_range"]))
        radius, num_classes = config["center_sample_radius"], model["num_classes"]
        wanted = [targets(self.points, segments, labels, num_classes, radius) for _, segments, labels in samples]
        classes, pairs = (torch.stack(part) for part in zip(*wanted))
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.criterion(self.network(batch, masks), masks, classes, pairs)
        losses[0].backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), config["clip_grad_l2norm"])
        self.optimizer.step()
        with torch.no_grad():
            for mean, parameter in zip(self.average.parameters(), self.network.parameters()):
                mean.lerp_(parameter, 1 - EMA_DECAY)
        return [loss.item() for loss in losses], norm.item()
