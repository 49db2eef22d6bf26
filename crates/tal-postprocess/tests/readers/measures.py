"""Cases for the measures, with the figures of their public reference implementations.

    python measures.py --cases 1000 --out cases.json [--data FOLDER]
    TAL_MEASURE_CASES=cases.json cargo test -p tal-postprocess measures_reference

Packages: requirements.txt (SoccerNet with pip's --no-deps). A measure whose package is missing is named as skipped. The
metric of the MABe challenge is on Kaggle only ("MABe F Beta"); MABE_METRIC names its file.
"""

import argparse
import importlib
import importlib.util
import json
import math
import os
import pathlib
import random
import statistics
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
RATE = 10
LABELS = [0, 1, 2, 5]
BACKGROUND = -1


# Cases: recordings with a duration, annotations (start, end, class) and detections (start, end, class, score).


def moment(draw, high):
    """A time in whole milliseconds that is never the middle of a frame, so that rounding decides nothing."""
    k = draw.randrange(int(high * 1000) + 1)
    return (k + 1 if k % 100 == 50 else k) / 1000


def random_recording(draw, overlapping):
    duration = draw.randrange(8, 41) / 1.0
    if overlapping:
        truth = []
        for _ in range(draw.randrange(1, 8)):
            start = moment(draw, duration - 1)
            truth.append((start, start + 0.2 + moment(draw, 3), draw.choice(LABELS[:3])))
    else:
        cuts = sorted({moment(draw, duration) for _ in range(draw.randrange(2, 14))} | {0.0, duration})
        pieces = [p for p in zip(cuts, cuts[1:]) if draw.random() < 0.75] or [(cuts[0], cuts[1])]
        truth = [(a, b, draw.choice(LABELS[:3])) for a, b in pieces]
    truth = [(round(a, 3), round(min(b, duration), 3), c) for a, b, c in truth]
    truth = [(a, b, c) for a, b, c in truth if b - a > 0.01] or [(0.0, duration, 0)]
    found = perturbed(draw, truth, duration, LABELS, 3)
    return {"duration": duration, "truth": truth, "found": found}


def perturbed(draw, truth, duration, labels, digits):
    """Annotations shifted, split, relabelled, repeated and dropped, and detections from nowhere; scores differ."""
    found = []
    for a, b, c in truth:
        for _ in range(draw.choice([0, 1, 1, 1, 1, 2])):
            spread = draw.choice([0.05, 0.3, 1.0])
            start, end = a + draw.uniform(-spread, spread), b + draw.uniform(-spread, spread)
            label = c if draw.random() < 0.85 else draw.choice(labels)
            if draw.random() < 0.15:
                middle = (start + end) / 2
                found.append((start, middle - 0.1, label))
                start = middle + 0.1
            found.append((start, end, label))
    for _ in range(draw.randrange(0, 4)):
        start = draw.uniform(0, duration)
        found.append((start, start + draw.uniform(0.1, 4), draw.choice(labels)))
    inside = [(round(max(a, 0.0), digits), round(min(b, duration), digits), c) for a, b, c in found]
    # The middle of a frame must not be an end.
    inside = [(nudged(a), nudged(b), c) for a, b, c in inside]
    kept = [row for row in inside if row[1] - row[0] > 0.01]
    draw.shuffle(kept)
    scores = draw.sample(range(1, 10_000), len(kept))
    return [(*row, score / 10_000) for row, score in zip(kept, scores)]


def nudged(time):
    return time + 0.001 if round(time * 1000) % 100 == 50 else time


def real_cases(draw, folder):
    """One case for each data set: its test recordings, with made-up detections."""
    for name in ["gtea/split1", "gtea/split2", "gtea/split3", "gtea/split4", "50salads/split1", "sbhar"]:
        file = folder / name / "annotations.json"
        if not file.is_file():
            print(f"SKIPPED {name}: there is no {file}")
            continue
        database = json.loads(file.read_text())["database"]
        names = sorted({row["label"] for entry in database.values() for row in entry["annotations"]})
        recordings, rate = [], None
        for entry in database.values():
            if entry["subset"] != "test":
                continue
            rate = entry["fps"]
            truth = [(*row["segment"], names.index(row["label"])) for row in entry["annotations"]]
            found = perturbed(draw, truth, entry["duration"], list(range(len(names))), 5)
            recordings.append({"duration": entry["duration"], "truth": truth, "found": found})
        yield name, rate, recordings


# Frames.


def num_frames(recording, rate):
    return round(recording["duration"] * rate)


def covered(row, num, rate):
    middles = (np.arange(num) + 0.5) / rate
    return (row[0] <= middles) & (middles < row[1])


def single_found(recording, rate):
    """The class of the best detection of each frame."""
    labels = np.full(num_frames(recording, rate), BACKGROUND)
    for row in sorted(recording["found"], key=lambda row: row[3]):
        labels[covered(row, len(labels), rate)] = row[2]
    return labels


def single_truth(recording, rate):
    """The class of the shortest annotation of each frame."""
    labels = np.full(num_frames(recording, rate), BACKGROUND)
    for row in sorted(recording["truth"], key=lambda row: (row[0] - row[1], -row[0], -row[2])):
        labels[covered(row, len(labels), rate)] = row[2]
    return labels


def indicator(recording, side, label, rate):
    frames = np.zeros(num_frames(recording, rate), dtype=bool)
    for row in recording[side]:
        if row[2] == label:
            frames |= covered(row, len(frames), rate)
    return frames


def annotated(recordings):
    return sorted({row[2] for recording in recordings for row in recording["truth"]})


def every(recordings):
    return sorted({row[2] for r in recordings for side in ["truth", "found"] for row in r[side]})


def number(value):
    value = float(value)
    return None if math.isnan(value) else value


def numbers(**values):
    return {name: number(value) for name, value in values.items()}


# Reference implementations.


def frame(recordings, rate):
    from sklearn.metrics import precision_recall_fscore_support as prf

    # With a single column scikit-learn would count the frames without the class, too; no frame has the class -1.
    columns = [*every(recordings), -1]
    truth, found = (
        np.stack([np.concatenate([indicator(r, side, label, rate) for r in recordings]) for label in columns], axis=1)
        for side in ["truth", "found"]
    )
    kept = [columns.index(label) for label in annotated(recordings)]

    def named(values):
        return numbers(precision=values[0], recall=values[1], f1=values[2])

    each = prf(truth, found, average=None, zero_division=0)
    return {
        "micro": named(prf(truth, found, average="micro", zero_division=0)),
        "macro": named(prf(truth, found, average="macro", labels=kept, zero_division=0)),
        "classes": [{"label": columns[c], **named([values[c] for values in each])} for c in kept],
    }


def frame_map(recordings, rate):
    from sklearn.metrics import average_precision_score

    classes = []
    for label in annotated(recordings):
        truth = np.concatenate([indicator(r, "truth", label, rate) for r in recordings])
        scores = []
        for recording in recordings:
            best = np.zeros(num_frames(recording, rate))
            for row in recording["found"]:
                if row[2] == label:
                    inside = covered(row, len(best), rate)
                    best[inside] = np.maximum(best[inside], row[3])
            scores.append(best)
        if truth.any():
            value = average_precision_score(truth, np.concatenate(scores))
            classes.append({"label": label, "average_precision": number(value)})
    values = [c["average_precision"] for c in classes]
    return {"map": statistics.fmean(values) if values else None, "classes": classes}


def segmentation(recordings, rate):
    # numpy has dropped the name that the package uses.
    np.float = float
    from actseg.eval.external.mstcn_code import edit_score, f_score

    result = {}
    for name, background in [("ignored", [BACKGROUND]), ("counted", [])]:
        right = total = edit = 0
        counts = np.zeros((3, 3))
        for recording in recordings:
            truth, found = single_truth(recording, rate).tolist(), single_found(recording, rate).tolist()
            if set(truth) <= set(background):
                return None
            right += sum(a == b for a, b in zip(truth, found))
            total += len(truth)
            edit += edit_score(found, truth, bg_class=background) / 100
            for at, overlap in enumerate([0.1, 0.25, 0.5]):
                counts[at] += f_score(found, truth, overlap, bg_class=background)
        f1 = []
        for hits, wrong, missed in counts:
            precision, recall = np.float64(hits) / (hits + wrong), np.float64(hits) / (hits + missed)
            f1.append(float(np.nan_to_num(2 * precision * recall / (precision + recall))))
        result[name] = {"accuracy": right / total, "edit": edit / len(recordings), "f1": f1}
    return result


def events(recordings, _rate):
    import sed_eval

    rules = [
        dict(evaluate_onset=True, evaluate_offset=True, t_collar=0.2, percentage_of_length=0.5),
        dict(evaluate_onset=True, evaluate_offset=True, t_collar=0.5, percentage_of_length=0.0),
        dict(evaluate_onset=True, evaluate_offset=False, t_collar=0.3, percentage_of_length=0.5),
        dict(evaluate_onset=False, evaluate_offset=True, t_collar=0.1, percentage_of_length=0.2),
    ]
    labels = annotated(recordings)
    result = []
    for at, rule in enumerate(rules * 2):
        matching = "optimal" if at < len(rules) else "greedy"
        zero = at % 2 == 0
        metric = sed_eval.sound_event.EventBasedMetrics(
            event_label_list=[str(label) for label in labels],
            event_matching_type=matching,
            empty_system_output_handling="zero_score" if zero else None,
            **rule,
        )
        for recording in recordings:
            lists = [
                [{"event_label": str(r[2]), "event_onset": r[0], "event_offset": r[1]} for r in recording[side]]
                for side in ["truth", "found"]
            ]
            metric.evaluate(*lists)

        def named(figures):
            return numbers(precision=figures["precision"], recall=figures["recall"], f1=figures["f_measure"])

        each = metric.results_class_wise_metrics()
        collar = rule["t_collar"]
        result.append(
            {
                "config": {
                    "onset_collar": collar if rule["evaluate_onset"] else None,
                    "offset_collar": collar if rule["evaluate_offset"] else None,
                    "offset_share": rule["percentage_of_length"],
                    "matching": matching,
                    "missed_is_zero": zero,
                },
                "figures": {
                    "micro": named(metric.overall_f_measure()),
                    "macro": named(metric.results_class_wise_average_metrics()["f_measure"]),
                    "classes": [{"label": c, **named(each[str(c)]["f_measure"])} for c in labels],
                },
            }
        )
    return result


def spotting(recordings, _rate):
    from SoccerNet.Evaluation import ActionSpotting

    ActionSpotting.tqdm = lambda values: values
    labels = annotated(recordings)
    result = []
    for rate, tolerances in [(2, [1, 2, 3, 4, 5]), (25, [1])]:
        targets, detections = [], []
        for recording in recordings:
            num = int(recording["duration"] * rate) + 1
            target, detection = np.zeros((num, len(labels))), np.full((num, len(labels)), -1.0)
            for a, b, c in recording["truth"]:
                target[int(rate * (a + b) / 2), labels.index(c)] = 1
            for a, b, c, score in sorted(recording["found"], key=lambda row: row[3]):
                if c in labels:
                    detection[int(rate * (a + b) / 2), labels.index(c)] = score
            targets.append(target)
            detections.append(detection)
        closest = [np.zeros(target.shape) - 1 for target in targets]
        deltas = np.array(tolerances)
        average, each = ActionSpotting.average_mAP(targets, detections, closest, rate, deltas)[:2]
        figures = {"average_map": number(average)}
        # Of several tolerances the package returns only the average.
        if len(tolerances) == 1:
            figures["map"] = [number(average)]
            figures["classes"] = [{"label": label, "ap": [float(ap)]} for label, ap in zip(labels, each)]
        config = {"tolerances": [float(t) for t in tolerances], "frame_rate": float(rate)}
        result.append({"config": config, "figures": figures})
    return result


def mabe(recordings, rate):
    spec = importlib.util.spec_from_file_location("mabe_metric", os.environ["MABE_METRIC"])
    metric = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(metric)
    import pandas

    draw = random.Random(len(recordings[0]["found"]))
    solution, submission, classes = [], [], []
    for video, recording in enumerate(recordings):
        known = sorted({row[2] for row in recording["truth"]} | set(draw.sample(every(recordings), 1)))
        classes.append(known)
        base = {"video_id": video, "agent_id": 1, "target_id": 2}

        def frames(row):
            num = num_frames(recording, rate)
            inside = np.flatnonzero(covered(row, num, rate))
            start = int(inside[0]) if len(inside) else 0
            return {"start_frame": start, "stop_frame": start + len(inside)}

        for row in recording["truth"]:
            more = {"lab_id": video % 2, "behaviors_labeled": json.dumps([f"1,2,c{label}" for label in known])}
            solution.append({**base, "action": f"c{row[2]}", **frames(row), **more})
        labels = single_found(recording, rate).tolist()
        starts = [i for i in range(len(labels)) if i == 0 or labels[i] != labels[i - 1]] + [len(labels)]
        for a, b in zip(starts, starts[1:]):
            if labels[a] != BACKGROUND:
                submission.append({**base, "action": f"c{labels[a]}", "start_frame": a, "stop_frame": b})
    if not submission:
        return None
    result = []
    for beta in [1, 0.5]:
        value = metric.mouse_fbeta(pandas.DataFrame(solution), pandas.DataFrame(submission), beta=beta)
        labs = [video % 2 for video in range(len(recordings))]
        result.append({"beta": float(beta), "labs": labs, "classes": classes, "figures": {"f_beta": value}})
    return result


def united(rows):
    result = []
    for a, b, *_ in sorted(rows):
        if result and a <= result[-1][1]:
            result[-1] = (result[-1][0], max(b, result[-1][1]))
        else:
            result.append((a, b))
    return result


def misalignment(recordings, _rate):
    from wardmetrics.core_methods import eval_events, eval_segments

    times = {
        "TP": "true_positive", "TN": "true_negative", "I": "insertion", "M": "merge", "Os": "overfill_start",
        "Oe": "overfill_end", "D": "deletion", "F": "fragmentation", "Us": "underfill_start", "Ue": "underfill_end",
    }  # fmt: skip
    kinds = {
        "total_gt": "num_truth", "total_det": "num_found", "C": "correct", "D": "deleted", "F": "fragmented",
        "M": "merged", "FM": "fragmented_and_merged", "I'": "inserted", "M'": "merging", "F'": "fragmenting",
        "FM'": "fragmenting_and_merging",
    }  # fmt: skip
    rates = {
        "dr": "deletion", "fr": "fragmentation", "us": "underfill_start", "ue": "underfill_end", "tpr": "true_positive",
        "ir": "insertion", "mr": "merge", "os": "overfill_start", "oe": "overfill_end",
    }  # fmt: skip
    result = []
    for at, recording in enumerate(recordings):
        for label in every([recording]):
            sides = [united(row for row in recording[side] if row[2] == label) for side in ["truth", "found"]]
            if not all(sides):
                continue
            bounds = {"evaluation_start": 0.0, "evaluation_end": recording["duration"]}
            share = None
            try:
                shares, _, time, _ = eval_segments(*map(list, sides), **bounds)
                share = {ours: shares[theirs] for theirs, ours in rates.items()}
            except ZeroDivisionError:
                continue
            counts = eval_events(*map(list, sides), **bounds)[2]
            result.append(
                {
                    "recording": at,
                    "label": label,
                    "figures": {
                        "time": {ours: number(time[theirs]) for theirs, ours in times.items()},
                        "events": {ours: counts[theirs] for theirs, ours in kinds.items()},
                    },
                    "rates": share,
                }
            )
    return result


def bouts(recordings, _rate):
    import pandas

    duration = sum(recording["duration"] for recording in recordings)
    result = []
    for label in every(recordings):
        entry = {"label": label}
        for side in ["truth", "found"]:
            lengths, intervals = [], []
            for recording in recordings:
                rows = sorted(row[:2] for row in recording[side] if row[2] == label)
                lengths += [b - a for a, b in rows]
                intervals += [after[0] - before[1] for before, after in zip(rows, rows[1:])]
            lengths, intervals = pandas.Series(lengths, dtype=float), pandas.Series(intervals, dtype=float)
            entry[side] = {
                "num": len(lengths),
                **numbers(
                    total=lengths.sum(), share=lengths.sum() / duration, mean=lengths.mean(), std=lengths.std(),
                    median=lengths.median(), min=lengths.min(), max=lengths.max(),
                    interval_mean=intervals.mean(), interval_std=intervals.std(),
                ),
            }  # fmt: skip
        result.append(entry)
    return result


def agreement(recordings, rate):
    from sklearn.metrics import cohen_kappa_score

    truth = np.concatenate([single_truth(recording, rate) for recording in recordings])
    found = np.concatenate([single_found(recording, rate) for recording in recordings])
    classes = []
    for label in every(recordings):
        a, b = (np.concatenate([indicator(r, side, label, rate) for r in recordings]) for side in ["truth", "found"])
        classes.append({"label": label, "kappa": number(cohen_kappa_score(a, b))})
    return {"all": {"kappa": number(cohen_kappa_score(truth, found))}, "classes": classes}


MEASURES = {
    "frame": (frame, ["sklearn"]),
    "frame_map": (frame_map, ["sklearn"]),
    "segmentation": (segmentation, ["actseg"]),
    "events": (events, ["sed_eval"]),
    "spotting": (spotting, ["SoccerNet.Evaluation.ActionSpotting"]),
    "mabe": (mabe, ["pandas", "polars", "pyarrow"]),
    "misalignment": (misalignment, ["wardmetrics"]),
    "bouts": (bouts, ["pandas"]),
    "agreement": (agreement, ["sklearn"]),
}


def available():
    kept = {}
    for name, (function, modules) in MEASURES.items():
        try:
            for module in modules:
                importlib.import_module(module)
            if name == "mabe" and "MABE_METRIC" not in os.environ:
                raise ImportError("MABE_METRIC does not name the file of the metric")
            kept[name] = function
        except ImportError as error:
            print(f"SKIPPED {name}: {error}")
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=1000, help="number of random cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=pathlib.Path, help="folder with gtea, 50salads and sbhar")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    measures = available()
    if not measures:
        sys.exit("none of the packages is installed")
    draw = random.Random(arguments.seed)
    inputs = [
        (f"random {at}", RATE, [random_recording(draw, at % 2 == 1) for _ in range(draw.randrange(1, 4))])
        for at in range(arguments.cases)
    ]
    if arguments.data:
        inputs += real_cases(draw, arguments.data)
    cases = []
    for name, rate, recordings in inputs:
        expected = {measure: function(recordings, rate) for measure, function in measures.items()}
        expected = {measure: value for measure, value in expected.items() if value is not None}
        cases.append({"name": name, "rate": rate, "recordings": recordings, "expected": expected})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    arguments.out.write_text(f"[\n{lines}\n]\n")
    numbers_of = {measure: sum(measure in case["expected"] for case in cases) for measure in measures}
    print(f"{arguments.out}: {len(cases)} cases; " + ", ".join(f"{k} {v}" for k, v in numbers_of.items()))


if __name__ == "__main__":
    main()
