"""Detections of a list of recordings, by several processes of one machine.

python multiprocessing_predict.py RUN FILE...
"""

import multiprocessing
import os
import sys

import tal

NUM_PROCESSES = 2


def predict(job):
    """Detections of some files, as rows by recording."""
    run, files = job
    threads = max(1, (os.cpu_count() or 1) // NUM_PROCESSES)
    return dict(tal.Detector(run, threads=threads).stream(files))


def main():
    run, *files = sys.argv[1:]
    jobs = [(run, files[part::NUM_PROCESSES]) for part in range(NUM_PROCESSES) if files[part::NUM_PROCESSES]]
    results = {}
    # A fresh process has no threads of its parent's libraries in it.
    with multiprocessing.get_context("spawn").Pool(NUM_PROCESSES) as pool:
        for found in pool.imap_unordered(predict, jobs):
            results.update(found)
    for recording in sorted(results):
        best = max(results[recording], key=lambda row: row["score"], default=None)
        print(recording, len(results[recording]), best)


if __name__ == "__main__":
    main()
