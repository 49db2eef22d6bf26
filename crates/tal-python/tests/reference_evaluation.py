"""The rules of the field's evaluators, written out in plain Python."""

import numpy as np


def tiou(a, b, least_union):
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = max((b[1] - b[0]) + (a[1] - a[0]) - shared, least_union)
    return shared / union if union > 0 else float("nan")


def ranked(rows):
    """Highest score first; of equal scores the later row, as a sort that is reversed."""
    return sorted(range(len(rows)), key=lambda place: rows[place][2])[::-1]


def average_precision(truth, found, thresholds, least_union):
    """AP per threshold of one class; rows of `truth` are (recording, segment), of `found` (recording, segment, score)."""
    result = []
    for threshold in thresholds:
        taken, hits = set(), []
        for place in ranked(found):
            recording, segment, _ = found[place]
            of = [n for n, row in enumerate(truth) if row[0] == recording]
            overlaps = [tiou(segment, truth[n][1], least_union) for n in of]
            hit = False
            for best in sorted(range(len(of)), key=lambda n: overlaps[n])[::-1]:
                if overlaps[best] < threshold:
                    break
                if of[best] not in taken:
                    taken.add(of[best])
                    hit = True
                    break
            hits.append(hit)
        result.append(area(hits, len(truth)))
    return result


def area(hits, num_truth):
    """Area under precision over recall, with precision that never rises to the right."""
    found, points = 0, []
    for rank, hit in enumerate(hits, start=1):
        found += hit
        points.append((found / num_truth, found / rank))
    total, envelope = 0.0, 0.0
    for place in range(len(points) - 1, -1, -1):
        recall, precision = points[place]
        envelope = max(envelope, precision)
        before = points[place - 1][0] if place else 0.0
        total += (recall - before) * envelope
    return total


def recall_at(truth, found, thresholds, multiples, least_union):
    """Recall of the first k·N detections of each recording, per threshold and k."""
    result = np.zeros((len(thresholds), len(multiples)))
    for recording in {row[0] for row in truth}:
        segments = [row[1] for row in truth if row[0] == recording]
        rows = [row for row in found if row[0] == recording]
        order = ranked(rows)
        for t, threshold in enumerate(thresholds):
            for k, multiple in enumerate(multiples):
                best = [rows[place][1] for place in order[: multiple * len(segments)]]
                result[t, k] += sum(any(tiou(one, s, least_union) >= threshold for one in best) for s in segments)
    return result / len(truth)


def without_repeats(events, is_short):
    kept = []
    for recording, segment, label in events:
        if is_short(segment[1] - segment[0]):
            continue
        repeats = any(
            recording == r and label == other and abs(segment[0] - s[0]) <= 1e-3 and abs(segment[1] - s[1]) <= 1e-3
            for r, s, other in kept
        )
        if not repeats:
            kept.append((recording, segment, label))
    return kept


def average_recall(truth, found, thresholds, most):
    """Recall per threshold and average number of proposals, as AR@AN."""
    recordings = list(dict.fromkeys(row[0] for row in truth))
    ratio = most * float(len(recordings)) / len(found)
    overlaps, kept = [], 0
    for recording in recordings:
        segments = [row[1] for row in truth if row[0] == recording]
        rows = [row for row in found if row[0] == recording]
        if not rows:
            overlaps.append(np.zeros((len(segments), 1)))
            continue
        num = min(int(len(rows) * ratio), len(rows))
        kept += num
        order = ranked(rows)[:num]
        table = [[tiou(rows[place][1], segment, 1e-8) for place in order] for segment in segments]
        overlaps.append(np.array(table).reshape(len(segments), num))
    shares = np.arange(1, most + 1) / most * (most * float(len(recordings)) / kept)
    recall = np.zeros((len(thresholds), most))
    for t, threshold in enumerate(thresholds):
        for table in overlaps:
            for place, share in enumerate(shares):
                num = min(int(table.shape[1] * share), table.shape[1])
                recall[t, place] += np.count_nonzero((table[:, :num] >= threshold).any(axis=1))
    return recall / len(truth), shares * (float(kept) / len(recordings))
