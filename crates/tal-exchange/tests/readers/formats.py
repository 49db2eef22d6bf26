"""Files of annotation tools, read by readers that others wrote.

    TAL_FORMAT_FILES=FOLDER cargo test -p tal-corpus format_files
    python formats.py FOLDER

The folder holds source.json, the events as they are, and a folder per format. Class, start and end have to be equal within
the resolution of the format. Packages: requirements.txt; a format whose reader is missing is named as skipped.
"""

import csv
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import sys
import types
import unittest.mock
import warnings
from collections import Counter, defaultdict

warnings.filterwarnings("ignore")
MILLISECOND = 0.001


class Missing(Exception):
    """A package that is not installed."""


def package(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"{name} ({error})") from error


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


# What is compared.


def end_of(event):
    return event["start"] if event["end"] is None else event["end"]


def compare(recording, found, shortest=0.0, shortest_point=0.0, tolerance=0.0006):
    """Events (class, start, end) against the source, paired class by class in the order of time."""
    expected = defaultdict(list)
    for event in recording["events"]:
        least = shortest_point if event["end"] is None else shortest
        expected[event["class"]].append((event["start"], max(end_of(event), event["start"] + least)))
    read = defaultdict(list)
    for name, start, end in found:
        read[name].append((start, end))
    name = recording["id"]
    expect(set(read) == set(expected), f"{name}: classes {sorted(read)}, not {sorted(expected)}")
    for label, pairs in expected.items():
        others = sorted(read[label])
        expect(len(pairs) == len(others), f"{name}: {len(others)} of {label}, not {len(pairs)}")
        for before, after in zip(sorted(pairs), others):
            far = max(abs(before[0] - after[0]), abs(before[1] - after[1]))
            expect(far <= tolerance, f"{name}: {label} at {after}, not {before}")
    return len(found)


def without_score(text, pattern):
    return re.sub(pattern, "", text)


def each(folder, source, ending):
    for recording in source["recordings"]:
        path = folder / f"{recording['id']}.{ending}"
        expect(path.is_file(), f"no file {path}")
        yield recording, path


# Formats, one function each.


def elan(folder, source):
    pympi = package("pympi")
    count = 0
    for recording, path in each(folder, source, "eaf"):
        document = pympi.Eaf(str(path))
        found = []
        for tier in document.get_tier_names():
            last = -1
            for start, end, value in document.get_annotation_data_for_tier(tier):
                expect(last <= start < end, f"{path}: tier {tier}: {start} to {end} ms after {last}")
                last = end
                found.append((without_score(value, r" \d\.\d{4}$"), start / 1000, end / 1000))
        missing = set(source["classes"]) - set(document.get_tier_names())
        # A class that occurs with subjects alone has no tier of its own.
        expect(not missing or recording["events"], f"{path}: no tier for {missing}")
        linked = document.get_linked_files()
        expect(linked[0]["RELATIVE_MEDIA_URL"] == f"./{recording['id']}.mp4", f"{path}: {linked}")
        count += compare(recording, found, shortest=MILLISECOND, shortest_point=MILLISECOND)
    return count


def boris(folder, source):
    parse = package("boris_clip.parse")
    observations = parse.parse_boris_file(str(folder / "annotations.boris"))
    expect([one.obs_id for one in observations] == [r["id"] for r in source["recordings"]], "observations")
    count = 0
    for recording, one in zip(source["recordings"], observations):
        expect(one.fps == recording["fps"] and one.duration == recording["duration"], f"{one}")
        expect(one.media_filename == f"{recording['id']}.mp4", f"{one.media_filename}")
        expect(all(bout.is_point == (bout.behaviour == "bell") for bout in one.bouts), "point events")
        count += compare(recording, [(b.behaviour, b.start, b.stop) for b in one.bouts])
    return count


def boris_keys(folder, source):
    """What BORIS itself asks of a project when it opens it and lists unpaired events."""
    project = json.loads((folder / "annotations.boris").read_text(encoding="utf-8"))
    for key in (
        "time_format project_date project_name project_description project_format_version subjects_conf behaviors_conf "
        "observations behavioral_categories independent_variables coding_map behaviors_coding_map converters"
    ).split():
        expect(key in project, f"no {key}")
    kinds = {one["code"]: one["type"] for one in project["behaviors_conf"].values()}
    keys = [one["key"] for one in project["behaviors_conf"].values() if one["key"]]
    expect(len(set(keys)) == len(keys), "keys of behaviours repeat")
    subjects = {one["name"] for one in project["subjects_conf"].values()} | {""}
    count = 0
    for name, observation in project["observations"].items():
        rows = observation["events"]
        expect(rows == sorted(rows, key=lambda row: row[0]), f"{name}: not sorted by time")
        states = Counter()
        for time, subject, code, modifier, comment, frame in rows:
            expect(subject in subjects and code in kinds, f"{name}: {subject}, {code}")
            expect(isinstance(comment, str) and isinstance(frame, int), f"{name}: {comment}, {frame}")
            states[subject, code, modifier] += kinds[code] == "State event"
        expect(all(number % 2 == 0 for number in states.values()), f"{name}: unpaired states")
        count += len(rows)
    return count


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty modules in place of those that show windows and play films, which BORIS imports before it reads a project."""

    names = {"PyQt5", "PySide6", "PIL", "exifread", "matplotlib", "mpv", "pyqtgraph", "pyreadr"}

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        def make(name):
            if name.startswith("__"):
                raise AttributeError(name)
            call = lambda self, *args, **named: args[0] if args else None
            return type(name, (), {"__init__": lambda self, *args, **named: None, "__call__": call, "__getattr__": nothing})

        def nothing(self, name):
            return unittest.mock.MagicMock()

        module = types.ModuleType(spec.name)
        module.__path__, module.__getattr__ = [], make
        return module

    def exec_module(self, module):
        pass


def boris_itself(folder, source):
    """BORIS's own functions that open a project, look for faults, and pair the rows of states."""
    found = importlib.util.find_spec("boris")
    if found is None:
        raise Missing("boris-behav-obs")
    # Its __init__ starts the program.
    package = types.ModuleType("boris")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["boris"] = package
    sys.meta_path.insert(0, Stubs())
    for name in ("mpv", "mpv2"):
        sys.modules[f"boris.{name}"] = unittest.mock.MagicMock()
    try:
        functions = importlib.import_module("boris.project_functions")
    except Exception as error:
        raise Missing(f"boris-behav-obs ({type(error).__name__}: {error})") from error
    path = str(folder / "annotations.boris")
    _, changed, project, message = functions.open_project_json(path)
    expect("error" not in project and not changed and not message, f"{project.get('error')} {message}")
    fault = functions.check_project_integrity(project, "s", path, False)
    expect(not fault.replace("<br>", "").strip(), fault)
    count = 0
    for recording in source["recordings"]:
        observation = project["observations"][recording["id"]]
        rows = functions.events_start_stop(project["behaviors_conf"], observation["events"], "MEDIA")
        open_states, events = {}, []
        for time, subject, code, modifier, _, _, state in rows:
            key = (subject, code, modifier)
            if state == "STOP":
                events.append((code, open_states.pop(key), float(time)))
            elif state == "START":
                expect(key not in open_states, f"{key} starts twice")
                open_states[key] = float(time)
            else:
                events.append((code, float(time), float(time)))
        expect(not open_states, f"{open_states}")
        count += compare(recording, events)
    return count


def via(folder, source):
    """The rules that VIA 3 documents for its projects, and the way its own code takes from a segment to a class."""
    project = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    expect(set(project) == {"project", "config", "attribute", "file", "metadata", "view"}, f"{set(project)}")
    head = project["project"]
    for key, mark in (("pid", "ID"), ("rev", "REV_ID"), ("rev_timestamp", "REV_TIMESTAMP")):
        expect(head[key] == f"__VIA_PROJECT_{mark}__", f"{key}: {head[key]}")
    expect(head["vid_list"] == list(project["view"]), "vid_list")
    for attribute in project["attribute"].values():
        expect(set(attribute) == {"aname", "anchor_id", "type", "desc", "options", "default_option_id"}, f"{attribute}")
        expect(attribute["type"] in (1, 2, 3, 4), f"{attribute}")
        expect(re.fullmatch(r"FILE(1|N)_Z\d_XY[01N]", attribute["anchor_id"]), attribute["anchor_id"])
    found = defaultdict(list)
    for name, one in project["metadata"].items():
        expect(set(one) == {"vid", "flg", "z", "xy", "av"} and one["xy"] == [], f"{name}: {one}")
        expect(len(one["z"]) in (1, 2) and all(round(z, 3) == z for z in one["z"]), f"{name}: {one['z']}")
        for attribute, value in one["av"].items():
            expect(isinstance(value, str), f"{name}: {value}")
            choices = project["attribute"][attribute]["options"]
            expect(not choices or value in choices, f"{name}: {value}")
        label = project["attribute"]["1"]["options"][one["av"]["1"]]
        found[one["vid"]].append((label, one["z"][0], one["z"][-1]))
    count = 0
    for recording, view in zip(source["recordings"], head["vid_list"]):
        (file,) = project["view"][view]["fid_list"]
        file = project["file"][file]
        expect(set(file) == {"fid", "fname", "type", "loc", "src"} and file["type"] in (2, 4, 8), f"{file}")
        expect(file["fname"] == f"{recording['id']}.mp4" and file["loc"] in (1, 2, 3, 4), f"{file}")
        count += compare(recording, found[view])
    return count


def v_trace(folder, source):
    count = 0
    for recording, path in each(folder, source, "csv"):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        found = [(row["labelId"], float(row["timestamp"]), float(row["endTimestamp"])) for row in rows]
        count += compare(recording, found)
    return count


def audacity(folder, source):
    count = 0
    for recording, path in each(folder, source, "txt"):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        count += compare(recording, [(label, float(start), float(end)) for start, end, label in rows])
    return count


SCORE_IN_TIER = r" \d\.\d{4}$"
SCORE_IN_CUE = r" \(\d\.\d{4}\)$"


def textgrid(folder, source):
    reader = package("textgrid")
    count = 0
    for recording, path in each(folder, source, "TextGrid"):
        found = []
        for tier in reader.TextGrid.fromFile(str(path)):
            if isinstance(tier, reader.PointTier):
                found += [(without_score(p.mark, SCORE_IN_TIER), float(p.time), float(p.time)) for p in tier]
                continue
            expect(float(tier[0].minTime) == 0 and float(tier[-1].maxTime) == 100, f"{path}: {tier.name}")
            for before, after in zip(tier, tier[1:]):
                expect(before.maxTime == after.minTime, f"{path}: a gap in {tier.name}")
            found += [
                (without_score(i.mark, SCORE_IN_TIER), float(i.minTime), float(i.maxTime)) for i in tier if i.mark
            ]
        count += compare(recording, found, shortest=MILLISECOND)
    return count


def praat(folder, source):
    reader = package("praatio.textgrid")
    count = 0
    for recording, path in each(folder, source, "TextGrid"):
        grid = reader.openTextgrid(str(path), includeEmptyIntervals=False)
        found = []
        for name in grid.tierNames:
            for entry in grid.getTier(name).entries:
                start, end = (entry[0], entry[0]) if len(entry) == 2 else entry[:2]
                # praatio keeps the two quotation marks that stand for one in a file.
                found.append((without_score(entry[-1].replace('""', '"'), SCORE_IN_TIER), start, end))
        count += compare(recording, found, shortest=MILLISECOND)
    return count


def webvtt(folder, source):
    reader = package("webvtt")
    count = 0
    for recording, path in each(folder, source, "vtt"):
        found = []
        for cue in reader.read(str(path)):
            # The package leaves names of characters as they are.
            text = cue.text
            for name, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
                text = text.replace(name, letter)
            start, end = (one.in_milliseconds() / 1000 for one in (cue.start_time, cue.end_time))
            found.append((without_score(text, SCORE_IN_CUE), start, end))
        count += compare(recording, found, shortest=MILLISECOND, shortest_point=MILLISECOND)
    return count


def srt(folder, source):
    reader = package("srt")
    count = 0
    for recording, path in each(folder, source, "srt"):
        found = [
            (without_score(cue.content, SCORE_IN_CUE), cue.start.total_seconds(), cue.end.total_seconds())
            for cue in reader.parse(path.read_text(encoding="utf-8"))
        ]
        count += compare(recording, found, shortest=MILLISECOND, shortest_point=MILLISECOND)
    return count


# Folder of the format, name of the check, and the function.
CHECKS = [
    ("elan", "pympi-ling", elan),
    ("boris", "boris-clip", boris),
    ("boris", "keys and pairs", boris_keys),
    ("boris", "boris-behav-obs", boris_itself),
    ("via", "rules of VIA 3", via),
    ("v-trace", "csv", v_trace),
    ("audacity", "csv", audacity),
    ("textgrid", "textgrid", textgrid),
    ("textgrid", "praatio", praat),
    ("webvtt", "webvtt-py", webvtt),
    ("srt", "srt", srt),
]


def main():
    folder = pathlib.Path(sys.argv[1])
    source = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    failed = False
    for name, reader, check in CHECKS:
        try:
            print(f"{name}: {reader}: {check(folder / name, source)} events agree")
        except Missing as error:
            print(f"SKIPPED {name}: no package {error}")
        except Exception as error:
            failed = True
            print(f"{name}: {reader}: {type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
