"""Seconds that torchvision's R(2+1)D-18 takes for the clip of `speed.rs`: `python speed.py THREADS REPEATS`."""

import statistics
import sys
import time

import torch
import torchvision


def main() -> None:
    threads, repeats = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    network = torchvision.models.video.r2plus1d_18().eval()
    # Features are what comes before the last layer.
    network.fc = torch.nn.Identity()
    clip = torch.rand(1, 3, 16, 112, 112)
    seconds = []
    with torch.inference_mode():
        network(clip)
        for _ in range(repeats):
            start = time.perf_counter()
            network(clip)
            seconds.append(time.perf_counter() - start)
    print(f"r2plus1d_18 of torchvision: median {statistics.median(seconds):.3f} s, least {min(seconds):.3f} s")


if __name__ == "__main__":
    main()
