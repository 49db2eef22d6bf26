"""The rules of the field's suppression, written out: plain loops in float32, one step after the other."""

import ctypes
import ctypes.util

import numpy as np

f32 = np.float32
_LIBM = ctypes.CDLL(ctypes.util.find_library("m"))
_LIBM.expf.restype = ctypes.c_float
_LIBM.expf.argtypes = [ctypes.c_float]

EPSILON = f32(1e-6)
ZERO = f32(0.0)
ONE = f32(1.0)


def exp(value):
    """The system's exponential in single precision; NumPy's own differs in the last digit."""
    return f32(_LIBM.expf(float(value)))


class Candidate:
    """A segment with its score; its length is a bit longer than it is."""

    def __init__(self, segment, score, index):
        self.start, self.end = f32(segment[0]), f32(segment[1])
        self.score = f32(score)
        self.length = f32(f32(self.end - self.start) + EPSILON)
        self.index = index

    def overlap(self, other):
        shared = min(self.end, other.end) - max(self.start, other.start)
        shared = max(ZERO, f32(shared))
        return f32(shared / f32(f32(self.length + other.length) - shared))


def candidates(segs, scores):
    return [Candidate(segment, score, index) for index, (segment, score) in enumerate(zip(segs, scores))]


def nms(segs, scores, threshold):
    """Hard NMS: indices that stay."""
    rest = sorted(candidates(segs, scores), key=lambda row: -row.score)
    kept = []
    for row in rest:
        if all(better.overlap(row) < f32(threshold) for better in kept):
            kept.append(row)
    return [row.index for row in kept]


def softnms(segs, scores, threshold, sigma, min_score, method, t1=0.0, t2=0.0):
    """Soft-NMS in an array of rows: the best goes to the front by changing places, the dropped ones are replaced by the last."""
    threshold, sigma, min_score, t1, t2 = map(f32, (threshold, sigma, min_score, t1, t2))
    rows = candidates(segs, scores)
    front = 0
    while front < len(rows):
        best = front
        for place in range(front + 1, len(rows)):
            if rows[place].score > rows[best].score:
                best = place
        rows[front], rows[best] = rows[best], rows[front]
        chosen = rows[front]
        place = front + 1
        while place < len(rows):
            row = rows[place]
            overlap = chosen.overlap(row)
            weight = ONE
            if method == 0 and overlap >= threshold:
                weight = ZERO
            elif method == 1 and overlap >= threshold:
                weight = f32(ONE - overlap)
            elif method == 2 or (method == 3 and overlap >= f32(t1 + f32(t2 * chosen.length))):
                weight = exp(f32(f32(-f32(overlap * overlap)) / sigma))
            row.score = f32(row.score * weight)
            if row.score < min_score:
                rows[place] = rows[-1]
                rows.pop()
            else:
                place += 1
        front += 1
    return rows


def seg_voting(kept, all_segs, all_scores, threshold, by_overlap):
    """Voting; sums in double precision. None for a segment that nobody votes for."""
    moved = []
    for start, end in kept:
        start, end = f32(start), f32(end)
        weights = []
        for (low, high), score in zip(all_segs, all_scores):
            low, high = f32(low), f32(high)
            shared = max(ZERO, f32(min(end, high) - max(start, low)))
            union = f32(f32(f32(end - start) + f32(high - low)) - shared)
            tiou = f32(shared / union) if union > 0 else f32(np.nan)
            votes = tiou >= f32(threshold)
            weights.append(float(f32(f32(score) * tiou) if by_overlap else f32(score)) if votes else 0.0)
        total = sum(weights)
        if total > 0:
            moved.append(tuple(sum(w * float(s[side]) for w, s in zip(weights, all_segs)) / total for side in (0, 1)))
        else:
            moved.append(None)
    return moved


def batched_nms(segs, scores, labels, threshold, min_score, cap, soft, multiclass, sigma, voting, method, t1, t2, by_overlap):
    """Suppression of a recording: (segments, scores, labels)."""

    def one_group(places):
        group_segs, group_scores = [segs[p] for p in places], [scores[p] for p in places]
        if soft:
            rows = softnms(group_segs, group_scores, threshold, sigma, min_score, method, t1, t2)[:cap]
            return [((row.start, row.end), row.score, places[row.index]) for row in rows]
        if min_score > 0:
            stay = [n for n, score in enumerate(group_scores) if f32(score) > f32(min_score)]
            places = [places[n] for n in stay]
            group_segs, group_scores = [segs[p] for p in places], [scores[p] for p in places]
        kept = nms(group_segs, group_scores, threshold)[:cap]
        return [(tuple(group_segs[n]), f32(group_scores[n]), places[n]) for n in kept]

    everything = list(range(len(scores)))
    if multiclass:
        found = []
        for label in sorted(set(labels)):
            found += one_group([p for p in everything if labels[p] == label])
    else:
        found = one_group(everything)
        if voting > 0:
            moved = seg_voting([row[0] for row in found], segs, scores, voting, by_overlap)
            found = [(new or row[0], row[1], row[2]) for new, row in zip(moved, found)]
    found = sorted(found, key=lambda row: -row[1])[:cap]
    return [row[0] for row in found], [row[1] for row in found], [labels[row[2]] for row in found]
