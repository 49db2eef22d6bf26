"""Detections of a list of recordings, by the workers of a Ray cluster: pip install ray, then

python ray_predict.py RUN FILE...

Run and files must lie where all workers find them.
"""

import sys

import ray

import tal

FILES_PER_TASK = 50


@ray.remote(num_cpus=2)
def predict(run, files):
    """Detections of some files, as rows by recording. With `num_gpus=1` and `device="cuda"` each task has a GPU."""
    return dict(tal.Detector(run, threads=2).stream(files))


def main():
    run, *files = sys.argv[1:]
    ray.init()
    waiting = [predict.remote(run, files[at : at + FILES_PER_TASK]) for at in range(0, len(files), FILES_PER_TASK)]
    while waiting:
        done, waiting = ray.wait(waiting)
        for recording, rows in ray.get(done[0]).items():
            print(recording, len(rows), max(rows, key=lambda row: row["score"], default=None))


if __name__ == "__main__":
    main()
