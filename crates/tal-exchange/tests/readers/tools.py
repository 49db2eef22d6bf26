"""Files that `tal` wrote, opened by the readers of the fields that use them.

    TAL_EXCHANGE_OUT=DIR cargo test -p tal-corpus exchange_readers
    python tools.py DIR

Packages: tools-requirements.txt. A format whose reader is missing is named as skipped. DIR/expected.json holds what was
written: a list of recordings with their events, and the frame rate. DIR/FORMAT holds the files of a format.
"""

import csv
import importlib
import json
import os
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


class Skipped(Exception):
    pass


def package(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Skipped(f"{name} is not installed ({error})") from error


def expected(recordings, score=False, underscores=False):
    """(recording, class, start, end) of all events, sorted."""
    name = (lambda text: text.replace(" ", "_")) if underscores else str
    rows = []
    for recording in recordings:
        for event in recording["events"]:
            row = (name(recording["id"]), name(event["label"]), event["start"], event["end"])
            rows.append(row + ((event["score"],) if score else ()))
    return sorted(rows)


def compare(found, wanted, tolerance):
    found = sorted(found)
    assert len(found) == len(wanted), f"{len(found)} events instead of {len(wanted)}"
    for one, other in zip(found, wanted):
        assert one[:2] == other[:2], f"{one} instead of {other}"
        for a, b in zip(one[2:], other[2:]):
            assert abs(a - b) <= tolerance, f"{one} instead of {other}"


def tables(folder, delimiter):
    for path in sorted(folder.iterdir()):
        with open(path, newline="", encoding="utf-8") as file:
            yield path, list(csv.DictReader(file, delimiter=delimiter))


def label_studio(folder, recordings, fps):
    interface = package("label_studio_sdk.label_interface").LabelInterface
    for kind in ["timeline", "labels", "series", "annotations"]:
        stem = folder / kind / "annotations"
        config = pathlib.Path(f"{stem}-config.xml").read_text(encoding="utf-8")
        tasks = json.loads(pathlib.Path(f"{stem}.json").read_text(encoding="utf-8"))
        labels = interface(config)
        rows = []
        for task in tasks:
            assert labels.validate_task({"data": task["data"]}), f"{kind}: the task does not fit the configuration"
            for whole in task["annotations" if kind == "annotations" else "predictions"]:
                if kind == "annotations":
                    assert labels.validate_annotation(whole)
                else:
                    errors = labels.validate_prediction(whole, return_errors=True)
                    assert not errors, f"{kind}: {errors[:3]}"
                for region in whole["result"]:
                    value = region["value"]
                    if "ranges" in value:
                        (span,) = value["ranges"]
                        start, end = (span["start"] - 1) / task["data"]["fps"], span["end"] / task["data"]["fps"]
                    else:
                        start, end = value["start"], value["end"]
                    (label,) = value[region["type"]]
                    rows.append((task["data"]["recording"], label, start, end))
        compare(rows, expected(recordings), 1e-9)
        # A validator that accepts everything would prove nothing.
        if tasks and kind != "annotations":
            wrong = json.loads(json.dumps(tasks[-1]["predictions"][0]))
            wrong["result"][0]["value"][wrong["result"][0]["type"]] = ["no such class"]
            assert not labels.validate_prediction(wrong), "the validator accepts a class that is none"


def dcase(folder, recordings, fps):
    package("sed_eval")
    container = package("dcase_util").containers.MetaDataContainer
    path = folder / "annotations.tsv"
    loaded = container().load(filename=str(path), file_format="CSV", csv_header=True, delimiter="\t")
    rows = [
        (item.filename.removesuffix(".wav"), item.event_label, float(item.onset), float(item.offset))
        for item in loaded
        if item.get("event_label")
    ]
    compare(rows, expected(recordings), 1e-6)
    # Without its first line, as sed_eval's own event lists are.
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]
    bare = folder / "bare.txt"
    # A label with a comma is a list of labels to the package.
    bare.write_text("".join(line for line in lines if "\t\t" not in line and "," not in line), encoding="utf-8")
    events = package("sed_eval.io").load_event_list(str(bare))
    wanted = [row for row in expected(recordings) if "," not in row[1]]
    compare([(e.filename.removesuffix(".wav"), e.event_label, e.onset, e.offset) for e in events], wanted, 1e-6)
    metrics = package("sed_eval.sound_event").EventBasedMetrics(event_label_list=events.unique_event_labels)
    for name in events.unique_files:
        own = events.filter(filename=name)
        metrics.evaluate(reference_event_list=own, estimated_event_list=own)
    assert metrics.results_overall_metrics()["f_measure"]["f_measure"] == 1.0


def rttm(folder, recordings, fps):
    package("pyannote.core")
    load = package("pyannote.database.util").load_rttm
    rows = []
    for uri, annotation in load(str(folder / "annotations.rttm")).items():
        for segment, _, label in annotation.itertracks(yield_label=True):
            rows.append((uri, label, segment.start, segment.end))
    # The package drops segments without length.
    wanted = [row for row in expected(recordings, underscores=True) if row[3] > row[2]]
    compare(rows, wanted, 1e-6)


def bids(folder, recordings, fps):
    pandas = package("pandas")
    rows = []
    for path in sorted(folder.iterdir()):
        table = pandas.read_csv(path, sep="\t", na_values="n/a", keep_default_na=False)
        assert list(table.columns[:2]) == ["onset", "duration"], "the first columns are not those of BIDS"
        assert table.onset.is_monotonic_increasing, "rows are not sorted by onset"
        name = path.name.removesuffix("_events.tsv")
        assert name != path.name, f"{path.name} does not end with _events.tsv"
        for row in table.itertuples():
            rows.append((name, row.trial_type, row.onset, row.onset + row.duration, row.score))
    compare(rows, expected(recordings, score=True), 1e-6)


def mabe(folder, recordings, fps):
    ((_, table),) = tables(folder, ",")
    rows = []
    for row in table:
        assert list(row) == ["video_id", "agent_id", "target_id", "action", "start_frame", "stop_frame"]
        start, stop = int(row["start_frame"]), int(row["stop_frame"])
        assert 0 <= start < stop
        rows.append((row["video_id"], row["action"], start / fps, stop / fps))
    compare(rows, expected(recordings), 1e-9)


def soccernet(folder, recordings, fps):
    rows = []
    for path in sorted(folder.iterdir()):
        document = json.loads(path.read_text(encoding="utf-8"))
        for event in document.get("annotations", []) + document.get("predictions", []):
            half, clock = event["gameTime"].split(" - ")
            minutes, seconds = clock.split(":")
            position = int(event["position"])
            assert int(half) == 1 and int(minutes) * 60 + int(seconds) == position // 1000, event
            if "confidence" in event:
                assert event["half"] == half and 0 <= float(event["confidence"]) <= 1
            else:
                assert event["visibility"] in ["visible", "not shown"] and event["team"] in ["home", "away", "not applicable"]
            rows.append((document["UrlLocal"], event["label"], position / 1000))
    compare(rows, middles(recordings), 1e-3)


def middles(recordings):
    return sorted((name, label, (start + end) / 2) for name, label, start, end in expected(recordings))


def osl(folder, recordings, fps):
    """The checklist of the format's own documentation."""
    document = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    assert document["version"] == "2.0" and isinstance(document["data"], list)
    rows = []
    for sample in document["data"]:
        assert sample["inputs"][0]["path"] and sample["id"]
        for event in sample["events"]:
            assert event["label"] in document["labels"][event["head"]]["labels"], event
            assert isinstance(event["position_ms"], int)
            rows.append((sample["id"], event["label"], event["position_ms"] / 1000))
    assert len({sample["id"] for sample in document["data"]}) == len(recordings)
    compare(rows, middles(recordings), 1e-3)


def feral(folder, recordings, fps):
    """The rules of feral.validate_labels_json, and the events back from the frames."""
    document = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    names, labels = document["class_names"], document["labels"]
    assert sorted(names, key=int) == [str(k) for k in range(len(names))] and names["0"] == "other"
    splits = document["splits"]
    assert all(name in labels for split in splits.values() for name in split)
    rows = []
    for name, frames in labels.items():
        for number in range(1, len(names)):
            if document["is_multilabel"]:
                assert all(len(frame) == len(names) and set(frame) <= {0, 1} for frame in frames)
                on = [frame[number] == 1 for frame in frames]
            else:
                assert all(str(frame) in names for frame in frames)
                on = [frame == number for frame in frames]
            edges = [k for k, (a, b) in enumerate(zip([False] + on, on + [False])) if a != b]
            for start, stop in zip(edges[::2], edges[1::2]):
                rows.append((pathlib.Path(name).stem, names[str(number)], start / fps, stop / fps))
    compare(rows, expected(recordings), 1e-9)


def fiftyone(folder, recordings, fps):
    """The rules of FiftyOne's importer; with FIFTYONE=1 the importer itself, which wants films and a database."""
    document = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert set(document) == {"classes", "labels"}
    rows = []
    for name, detections in document["labels"].items():
        for one in detections:
            assert set(one) <= {"label", "support", "confidence", "attributes"}
            assert one["label"] in document["classes"]
            first, last = one["support"]
            assert isinstance(first, int) and isinstance(last, int) and 1 <= first <= last
            assert 0 <= one["confidence"] <= 1
            rows.append((name, one["label"], (first - 1) / fps, last / fps, one["confidence"]))
    compare(rows, expected(recordings, score=True), 1e-9)
    if os.environ.get("FIFTYONE") == "1":
        imported(folder, document)


def imported(folder, document):
    files = folder / "data"
    for name in document["labels"]:
        path = files / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    importers = package("fiftyone.utils.data.importers")
    importer = importers.FiftyOneTemporalDetectionDatasetImporter(dataset_dir=str(folder))
    importer.setup()
    assert importer.get_dataset_info()["classes"] == document["classes"]
    count = 0
    for path, _, label, _ in importer:
        name = str(pathlib.Path(path).relative_to(files).with_suffix(""))
        for one, other in zip(label.detections, document["labels"][name], strict=True):
            assert (one.label, list(one.support), one.confidence) == (other["label"], other["support"], other["confidence"])
            count += 1
    print(f"  FiftyOne's importer read {count} detections")


def jsonl(folder, recordings, fps):
    rows, names = [], set()
    for line in (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        names.add(event["recording"])
        if "label" in event:
            rows.append((event["recording"], event["label"], event["start"], event.get("end", event["start"]), event["score"]))
    assert names == {recording["id"] for recording in recordings}
    compare(rows, expected(recordings, score=True), 1e-12)


FORMATS = {
    "label-studio": label_studio,
    "dcase": dcase,
    "rttm": rttm,
    "bids": bids,
    "mabe": mabe,
    "soccernet": soccernet,
    "osl": osl,
    "feral": feral,
    "fiftyone": fiftyone,
    "jsonl": jsonl,
}


def main():
    folder = pathlib.Path(sys.argv[1])
    whole = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    failed = False
    for name, check in FORMATS.items():
        try:
            check(folder / name, whole["recordings"], whole["fps"])
            print(f"OK {name}")
        except Skipped as reason:
            print(f"SKIPPED {name}: {reason}")
        except AssertionError as error:
            failed = True
            print(f"FAILED {name}: {error}")
    for path in folder.rglob("*.xml"):
        ElementTree.parse(path)
    sys.exit(failed)


if __name__ == "__main__":
    main()
