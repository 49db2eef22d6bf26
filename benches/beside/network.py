"""CLTDR-GMG's network as the authors' released code computes it, in plain calls of torch.

It works at the padded length, and its parameters have the names of released checkpoints. Settings have their released names, too.
Shapes: B batch, C channels or classes, D width, T time.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

SHRINKAGE = 0.001
NORM_GROUPS = 16
OFFSET_KERNEL = 7


class ChannelNorm(nn.Module):
    """Layer norm over the channels at each position, written out as the released code does."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x):
        centred = x - x.mean(dim=1, keepdim=True)
        variance = centred.square().mean(dim=1, keepdim=True)
        return centred / torch.sqrt(variance + 1e-5) * self.weight + self.bias


class MaskedConv(nn.Module):
    """Convolution of the same length, whose output is masked."""

    def __init__(self, inputs, outputs, kernel, bias=False):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x, mask):
        y = self.conv(x)
        return y * mask.to(y.dtype)


class DropPath(nn.Module):
    """Residual branch with a learned scale per channel, which training skips at random for whole samples."""

    def __init__(self, channels, probability):
        super().__init__()
        self.probability = probability
        self.scale = nn.Parameter(torch.full((1, channels, 1), 1e-4))

    def forward(self, x):
        x = self.scale * x
        if self.training and self.probability > 0:
            keep = 1 - self.probability
            x = x / keep * torch.floor(keep + torch.rand(x.shape[0], 1, 1))
        return x


class Block(nn.Module):
    """Gated Multi-Granularity block; one of the branch first halves the length."""

    def __init__(self, width, hidden, kernel, drop_path, halves):
        super().__init__()
        self.halves = halves
        self.w1 = nn.Parameter(torch.zeros(2, width, 1))
        self.b1 = nn.Parameter(torch.zeros(2, width))
        self.w2 = nn.Parameter(torch.zeros(2, width, 1))
        self.b2 = nn.Parameter(torch.zeros(2, width))
        self.ln = ChannelNorm(width)
        self.gn = nn.GroupNorm(NORM_GROUPS, width)
        self.fc = nn.Conv1d(width, width, 1, groups=width)
        self.convw = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.mlp = nn.Sequential(nn.Conv1d(width, hidden, 1), nn.GELU(), nn.Conv1d(hidden, width, 1))
        has_scales = halves and drop_path > 0
        self.drop_path_out = DropPath(width, drop_path) if has_scales else nn.Identity()
        self.drop_path_mlp = DropPath(width, drop_path) if has_scales else nn.Identity()

    def response(self, spectrum):
        """The filter's response to a spectrum: two complex layers and a shrinkage."""

        def layer(re, im, weight, bias):
            bias = bias.unsqueeze(-1)
            return re * weight[0] - im * weight[1] + bias[0], im * weight[0] + re * weight[1] + bias[1]

        re, im = layer(spectrum.real, spectrum.imag, self.w1, self.b1)
        re, im = layer(F.relu(re), F.relu(im), self.w2, self.b2)
        return torch.view_as_complex(F.softshrink(torch.stack([re, im], dim=-1), SHRINKAGE))

    def forward(self, x, mask):
        if self.halves:
            x = F.max_pool1d(x, kernel_size=3, stride=2, padding=1)
        y = self.ln(x)
        spectrum = torch.fft.rfft(y, dim=-1, norm="ortho")
        filtered = torch.fft.irfft(self.response(spectrum) * spectrum, n=y.shape[-1], dim=-1, norm="ortho")
        local = self.convw(y) * filtered
        instant = self.fc(y) * local
        x = x * mask.to(x.dtype) + self.drop_path_out(instant + local + filtered + y)
        return x + self.drop_path_mlp(self.mlp(self.gn(x)))


class Backbone(nn.Module):
    """Projection, blocks at full length, then a block per level; gives all levels."""

    def __init__(self, model, drop_path):
        super().__init__()
        width, hidden = model["embd_dim"], model["sgp_mlp_dim"]
        num_layers, num_stem, num_branch = model["backbone_arch"]
        kernels = model["n_sgp_win_size"]
        kernels = kernels if isinstance(kernels, list) else [kernels] * (num_branch + 1)
        inputs = [model["input_dim"]] + [width] * (num_layers - 1)
        self.embd = nn.ModuleList(MaskedConv(n, width, model["embd_kernel_size"]) for n in inputs)
        self.embd_norm = nn.ModuleList(ChannelNorm(width) for _ in inputs)
        self.stem = nn.ModuleList(Block(width, hidden, 1, drop_path, False) for _ in range(num_stem))
        self.branch = nn.ModuleList(Block(width, hidden, kernel, drop_path, True) for kernel in kernels[1:])
        positions = encoding(width, model["max_seq_len"]) if model.get("use_abs_pe") else None
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, x, masks):
        for conv, norm in zip(self.embd, self.embd_norm):
            x = F.relu(norm(conv(x, masks[0])))
        if self.positions is not None:
            positions = self.positions
            if x.shape[-1] > positions.shape[-1]:
                positions = F.interpolate(positions, x.shape[-1], mode="linear", align_corners=False)
            x = x + positions[..., : x.shape[-1]] * masks[0].to(x.dtype)
        for block in self.stem:
            x = block(x, masks[0])
        levels = [x]
        for block, mask in zip(self.branch, masks[1:]):
            levels.append(block(levels[-1], mask))
        return levels


def encoding(width, length):
    """Table of sines and cosines (1, D, T), divided by the root of D."""
    channels = torch.arange(width, dtype=torch.float64)
    rates = 10000.0 ** (2 * torch.div(channels, 2, rounding_mode="floor") / width)
    angles = torch.arange(length, dtype=torch.float64) / rates[:, None]
    table = torch.where(channels[:, None] % 2 == 0, angles.sin(), angles.cos())
    return table.float()[None] / math.sqrt(width)


class Neck(nn.Module):
    """A norm per level."""

    def __init__(self, width, num_levels):
        super().__init__()
        self.fpn_norms = nn.ModuleList(ChannelNorm(width) for _ in range(num_levels))

    def forward(self, levels):
        return [norm(level) for norm, level in zip(self.fpn_norms, levels)]


def halving(width):
    return nn.Conv1d(width, width, 3, stride=2, padding=1)


def doubling(width):
    return nn.ConvTranspose1d(width, width, 3, stride=2, padding=1, output_padding=1)


class Fusion(nn.Module):
    """A level plus its neighbour, weighted per channel by a gate that sees the mean of both (DCM and DRM)."""

    def __init__(self, width):
        super().__init__()
        self.conv_l = nn.Conv1d(width, width, 1)
        self.attn = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Conv1d(width, width, 1), nn.Sigmoid())

    def fused(self, level, neighbour):
        return level + self.attn(F.relu(neighbour + self.conv_l(level))) * neighbour


class FromCoarser(Fusion):
    def __init__(self, width):
        super().__init__(width)
        self.contrans = doubling(width)

    def forward(self, levels):
        fused = [self.fused(level, self.contrans(coarser)) for level, coarser in zip(levels, levels[1:])]
        return [*fused, levels[-1]]


class FromFiner(Fusion):
    def __init__(self, width):
        super().__init__(width)
        self.down = halving(width)

    def forward(self, levels):
        fused = [self.fused(level, self.down(finer)) for finer, level in zip(levels, levels[1:])]
        return [levels[0], *fused]


class FromBoth(nn.Module):
    """The sum of a level and its neighbours (CLFF)."""

    def __init__(self, width):
        super().__init__()
        self.conv = halving(width)
        self.convtrans = doubling(width)

    def forward(self, levels):
        sums = []
        for index, level in enumerate(levels):
            if index + 1 < len(levels):
                level = self.convtrans(levels[index + 1]) + level
            if index > 0:
                level = level + self.conv(levels[index - 1])
            sums.append(level)
        return sums


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))


class Head(nn.Module):
    """Tower of convolutions, norms and ReLU."""

    def __init__(self, model, kernel):
        super().__init__()
        width = model["head_dim"]
        inputs = [model["embd_dim"]] + [width] * (model["head_num_layers"] - 2)
        self.head = nn.ModuleList(MaskedConv(n, width, kernel) for n in inputs)
        self.norm = nn.ModuleList(ChannelNorm(width) for _ in inputs)

    def tower(self, x, mask):
        for conv, norm in zip(self.head, self.norm):
            x = F.relu(norm(conv(x, mask)))
        return x


class ClassHead(Head):
    """Logits per class: of the class itself, of its start or of its end."""

    def __init__(self, model, kernel):
        super().__init__(model, kernel)
        self.cls_head = MaskedConv(model["head_dim"], model["num_classes"], kernel, bias=True)

    def forward(self, levels, masks):
        return [self.cls_head(self.tower(x, mask), mask) for x, mask in zip(levels, masks)]


class BinHead(Head):
    """Logits of the bins on the left and on the right of a point."""

    def __init__(self, model, num_levels):
        kernel = model["head_kernel_size"]
        super().__init__(model, kernel)
        self.scale = nn.ModuleList(Scale() for _ in range(num_levels))
        self.offset_head = MaskedConv(model["head_dim"], 2 * (model["num_bins"] + 1), kernel, bias=True)

    def forward(self, levels, masks):
        each = zip(levels, masks, self.scale)
        return [F.relu(self.offset_head(self.tower(x, mask), mask) * scale.scale) for x, mask, scale in each]


class RefineHead(Head):
    """Factors of class logits, and offsets of starts and ends, per class. Nothing uses its scales."""

    def __init__(self, model, num_levels):
        kernel, width, classes = model["head_kernel_size"], model["head_dim"], model["num_classes"]
        super().__init__(model, kernel)
        self.scale = nn.ModuleList(Scale() for _ in range(num_levels))
        self.s_offset_head = MaskedConv(width, classes, OFFSET_KERNEL, bias=True)
        self.e_offset_head = MaskedConv(width, classes, OFFSET_KERNEL, bias=True)
        self.prob_head = MaskedConv(width, classes, kernel, bias=True)

    def forward(self, levels, masks):
        factors, starts, ends = [], [], []
        for x, mask in zip(levels, masks):
            x = self.tower(x, mask)
            starts.append(self.s_offset_head(x, mask))
            ends.append(self.e_offset_head(x, mask))
            factors.append(self.prob_head(x, mask))
        return factors, starts, ends


class Network(nn.Module):
    """Features (B, C, T) and level masks in; a list with one tensor per level for each output."""

    def __init__(self, settings):
        super().__init__()
        model = settings["model"]
        width, num_levels = model["embd_dim"], model["backbone_arch"][2] + 1
        kernel, boundary_kernel = model["head_kernel_size"], model["boudary_kernel_size"]
        self.backbone = Backbone(model, settings["train_cfg"]["droppath"])
        self.neck = Neck(width, num_levels)
        self.cls_head = ClassHead(model, kernel)
        self.start_head = ClassHead(model, boundary_kernel)
        self.end_head = ClassHead(model, boundary_kernel)
        self.reg_head = BinHead(model, num_levels)
        self.decls = FromCoarser(width)
        self.dereg = FromFiner(width)
        self.cross_level = FromBoth(width)
        self.refineHead = RefineHead(model, num_levels)

    def forward(self, features, masks):
        pyramid = self.neck(self.backbone(features, masks))
        # No gradient of the boundary heads reaches the pyramid.
        detached = [level.detach() for level in pyramid]
        factors, start_offsets, end_offsets = self.refineHead(self.cross_level(pyramid), masks)
        outputs = {
            "classes": self.cls_head(self.decls(pyramid), masks),
            "bins": self.reg_head(self.dereg(pyramid), masks),
            "starts": self.start_head(detached, masks),
            "ends": self.end_head(detached, masks),
            "factors": factors,
            "start_offsets": start_offsets,
            "end_offsets": end_offsets,
        }
        return {name: [level.float() for level in levels] for name, levels in outputs.items()}


def level_masks(lens, length, num_levels):
    """Masks (B, 1, T) of all levels."""
    mask = torch.arange(length) < torch.tensor(lens)[:, None, None]
    return [mask[..., :: 2**level].contiguous() for level in range(num_levels)]
