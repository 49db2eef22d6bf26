"""Candidates of a recording, from the distances of all points and classes."""

import math

import torch
from torch.nn import functional as F

from network import level_masks


def distances(bins, starts, ends, num_bins):
    """Distances (B, T, C, 2) to start and end in strides: expectations over bins of the logits around each point."""
    steps = torch.arange(num_bins + 1, dtype=torch.float32)
    bins = bins.transpose(1, 2).unsqueeze(1)
    left = F.pad(starts, (num_bins, 0)).unfold(-1, num_bins + 1, 1) + bins[..., : num_bins + 1]
    right = F.pad(ends, (0, num_bins)).unfold(-1, num_bins + 1, 1) + bins[..., num_bins + 1 :]
    pair = [torch.softmax(left, dim=-1) @ steps.flip(0), torch.softmax(right, dim=-1) @ steps]
    return torch.stack(pair, dim=-1).transpose(1, 2)


def refined(times, stride, found, start_offsets, end_offsets):
    """Distances whose ends moved by offsets in units of level 0, at least 0. The order of operations is the released one."""
    left = (times - ((times - found[..., 0] * stride) + start_offsets)) / stride
    right = (((times + found[..., 1] * stride) + end_offsets) - times) / stride
    return torch.stack([left, right], dim=-1).clamp(min=0)


def candidates(outputs, masks, settings):
    """Segments in units of level 0, scores and classes of one recording, before suppression; levels one after another."""
    test, num_bins = settings["test_cfg"], settings["model"]["num_bins"]
    parts = []
    for level, mask in enumerate(masks):
        take = {name: levels[level] for name, levels in outputs.items()}
        stride, num_classes = 2**level, take["classes"].shape[1]
        scores = torch.sigmoid(take["classes"] * take["factors"]) * mask
        # Points one after another, with all classes of each.
        scores = scores[0].T.flatten()
        offsets = [take[name][0].T.flatten() for name in ("start_offsets", "end_offsets")]
        found = distances(take["bins"], take["starts"], take["ends"], num_bins)[0].flatten(0, 1)
        places = (scores > test["pre_nms_thresh"]).nonzero().squeeze(1)
        scores, order = scores[places].sort(descending=True)
        num = min(test["pre_nms_topk"], len(order))
        scores, places = scores[:num], places[order[:num]]
        times = (torch.div(places, num_classes, rounding_mode="floor") * stride).float()
        moved = refined(times, stride, found[places], *(offset[places] for offset in offsets))
        segments = torch.stack([times - moved[:, 0] * stride, times + moved[:, 1] * stride], dim=1)
        kept = segments[:, 1] - segments[:, 0] > test["duration_thresh"]
        parts.append((segments[kept], scores[kept], (places % num_classes)[kept]))
    return tuple(torch.cat(part) for part in zip(*parts))


def padded_len(length, model):
    """Length that prediction pads a recording to."""
    if length <= model["max_seq_len"]:
        return model["max_seq_len"]
    num_levels, kernels = model["backbone_arch"][2] + 1, model["n_sgp_win_size"]
    kernels = kernels if isinstance(kernels, list) else [kernels] * num_levels
    unit = max(2**level * kernel for level, kernel in enumerate(kernels))
    return math.ceil(length / unit) * unit


def predict(network, features, settings, bfloat16=False):
    """Candidates of a recording (C, n): everything that the released code does before suppression."""
    model = settings["model"]
    num = features.shape[-1]
    length = padded_len(num, model)
    masks = level_masks([num], length, len(model["regression_range"]))
    with torch.no_grad():
        padded = F.pad(features, (0, length - num))[None]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            outputs = network(padded, masks)
        return candidates(outputs, masks, settings)
