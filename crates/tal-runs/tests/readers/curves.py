"""Reads the curves of a run with TensorBoard's own reader, tbparse and a reader of DVCLive's tables, and compares them with
metrics.jsonl: every scalar must be there once, with its value, and nothing else."""

import csv
import json
import struct
import sys
from pathlib import Path


def single(value):
    """A number in single precision, as an event file holds it."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def scalars(metrics):
    """Name, step and value of every number in metrics.jsonl, but for lists with one number per class."""
    found = []
    steps_done = 0
    for line in metrics.read_text().splitlines():
        line = json.loads(line)
        event = line.pop("event")
        step = line.pop("step", steps_done)
        steps_done = step + 1 if event == "step" else step
        group = "train" if event == "step" else event
        thresholds = line.pop("tiou_thresholds", [])
        for threshold, value in zip(thresholds, line.pop("map", []), strict=True):
            found.append((f"{group}/map@{round(100 * threshold, 2):g}", step, value))
        found += [(name, step, value) for name, value in numbers(group, line)]
    return found


def numbers(name, value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(f"{name}/{key}", inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, value


def by_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    return [
        (tag, event.step, event.value)
        for tag in events.Tags()["scalars"]
        for event in events.Scalars(tag)
    ]


def by_tbparse(run):
    from tbparse import SummaryReader

    table = SummaryReader(str(run)).scalars
    return list(zip(table["tag"], table["step"], table["value"], strict=True))


def by_tables(run):
    found = []
    tables = run / "dvclive" / "plots" / "metrics"
    for file in tables.rglob("*.tsv"):
        name = file.relative_to(tables).with_suffix("").as_posix()
        with open(file, newline="") as text:
            for row in csv.DictReader(text, delimiter="\t"):
                found.append((name, int(row["step"]), float(row[name.rsplit("/", 1)[-1]])))
    return found


def compare(reader, found, expected):
    found, expected = sorted(found), sorted(expected)
    if found != expected:
        other = set(found) ^ set(expected)
        sys.exit(f"{reader}: {len(found)} scalars, {len(expected)} expected; of one only: {sorted(other)[:5]}")
    print(f"{reader}: {len(found)} scalars, as metrics.jsonl has them")


def main():
    run = Path(sys.argv[1])
    expected = scalars(run / "metrics.jsonl")
    assert len(expected) > 50, len(expected)
    rounded = [(name, step, single(value)) for name, step, value in expected]
    num_readers = 0
    for reader, read in [("TensorBoard", by_tensorboard), ("tbparse", by_tbparse)]:
        try:
            found = read(run)
        except ImportError as error:
            print(f"SKIPPED {reader}: {error}", file=sys.stderr)
            continue
        compare(reader, [(name, step, single(value)) for name, step, value in found], rounded)
        num_readers += 1
    compare("DVCLive's tables", by_tables(run), [(n, s, float(v)) for n, s, v in expected])
    # The latest values, which `dvc metrics show` reads.
    latest = json.loads((run / "dvclive" / "metrics.json").read_text())
    last = {name: value for name, _, value in expected}
    assert dict(numbers_of(latest)) == last, "dvclive/metrics.json"
    if num_readers == 0:
        sys.exit("no reader of event files could be installed")


def numbers_of(latest):
    return [(name.lstrip("/"), value) for name, value in numbers("", latest) if name != "/step"]


if __name__ == "__main__":
    main()
