"""Tensors of safetensors files."""

import json
import math

import torch

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_tensors(path):
    """Tensors and metadata of a safetensors file; the tensors share its bytes."""
    buffer = bytearray(path.stat().st_size)
    with open(path, "rb") as file:
        file.readinto(buffer)
    start = 8 + int.from_bytes(buffer[:8], "little")
    header = json.loads(buffer[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        num, offset = math.prod(shape), start + entry["data_offsets"][0]
        flat = torch.frombuffer(buffer, dtype=dtype, count=num, offset=offset) if num else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(shape)
    return tensors, metadata


def section(tensors, name):
    """Tensors whose names begin with `NAME.`, without it."""
    return {key[len(name) + 1 :]: tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}


def samples_of(tensors):
    """The recordings `input.0`, `input.1`, ... of a file."""
    samples, index = [], 0
    while f"input.{index}.segments" in tensors:
        parts = [tensors[f"input.{index}.{part}"].clone() for part in ("feats", "segments", "labels")]
        samples.append((parts[0], parts[1], parts[2].long()))
        index += 1
    return samples
