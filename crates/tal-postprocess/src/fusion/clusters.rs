//! Clusters of detections of one class, found by place and length.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tal_core::{Detection, Segment};

/// Smallest factor between the lengths of two bands. Thresholds near 1 would make as many bands as there are lengths.
const LEAST_FACTOR: f64 = 1.05;

/// Clusters in the order in which they began.
///
/// Two segments with tIoU ≥ t differ in length by a factor of 1/t at most, and their starts by (1 − t)·(the longer length) at
/// most. So clusters are kept by length in bands of that factor, and by start within a band; three bands have all candidates.
pub(super) struct Clusters {
    threshold: f64,
    log_factor: f64,
    clusters: Vec<Cluster>,
    /// Band, start and number of every cluster that has a length.
    places: BTreeSet<Place>,
}

struct Cluster {
    models: Vec<usize>,
    /// Sums over the members: score, score · segment, segment.
    score: f64,
    weighted: Segment,
    plain: Segment,
    /// Hull of the members, which rounding must not leave.
    hull: Segment,
}

#[derive(PartialEq)]
struct Place {
    band: i32,
    start: f64,
    cluster: usize,
}

impl Eq for Place {}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let band = self.band.cmp(&other.band);
        band.then_with(|| self.start.total_cmp(&other.start))
            .then_with(|| self.cluster.cmp(&other.cluster))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Clusters {
    pub(super) fn new(threshold: f64) -> Self {
        Self {
            threshold,
            log_factor: (1.0 / threshold).max(LEAST_FACTOR).ln(),
            clusters: Vec::new(),
            places: BTreeSet::new(),
        }
    }

    /// Adds a detection that each of `models` made to the nearest cluster that takes it, or to a new one for all models that
    /// find none.
    pub(super) fn add(&mut self, models: &[usize], detection: &Detection) {
        let (near, alone): (Vec<usize>, Vec<usize>) = models
            .iter()
            .partition(|model| self.nearest(**model, detection.segment).is_some());
        if let Some((first, others)) = alone.split_first() {
            let mut cluster = Cluster::of(*first, detection);
            others
                .iter()
                .for_each(|model| cluster.join(*model, detection));
            self.clusters.push(cluster);
            self.insert(self.clusters.len() - 1);
        }
        // All choices before the first change.
        let choice = |model| Some((model, self.nearest(model, detection.segment)?));
        let choices: Vec<(usize, usize)> = near.into_iter().filter_map(choice).collect();
        for (model, number) in choices {
            if let Some(place) = self.place(number) {
                self.places.remove(&place);
            }
            self.clusters[number].join(model, detection);
            self.insert(number);
        }
    }

    /// The cluster with the largest tIoU, the earliest of several.
    fn nearest(&self, model: usize, segment: Segment) -> Option<usize> {
        let band = self.band(segment)?;
        let mut best: Option<(f64, usize)> = None;
        for band in [band - 1, band, band + 1] {
            // A little more than the longest length of the band, for rounding.
            let longest = (f64::from(band + 1) * self.log_factor).exp() * (1.0 + 1e-9);
            let reach = (1.0 - self.threshold) * longest.max(segment.length());
            let margin = 1e-9 * (segment.start.abs() + longest);
            let place = |start, cluster| Place {
                band,
                start,
                cluster,
            };
            let (low, high) = (
                segment.start - reach - margin,
                segment.start + reach + margin,
            );
            for Place { cluster, .. } in self.places.range(place(low, 0)..=place(high, usize::MAX))
            {
                let tiou = self.clusters[*cluster].mean().tiou(segment);
                let is_nearer = best.is_none_or(|(other, number)| {
                    tiou > other || (tiou == other && *cluster < number)
                });
                if tiou >= self.threshold
                    && is_nearer
                    && !self.clusters[*cluster].models.contains(&model)
                {
                    best = Some((tiou, *cluster));
                }
            }
        }
        best.map(|(_, number)| number)
    }

    /// The band of a length; `None` without length, which overlaps nothing.
    fn band(&self, segment: Segment) -> Option<i32> {
        let length = segment.length();
        (length > 0.0).then(|| (length.ln() / self.log_factor).floor() as i32)
    }

    fn place(&self, cluster: usize) -> Option<Place> {
        let mean = self.clusters[cluster].mean();
        Some(Place {
            band: self.band(mean)?,
            start: mean.start,
            cluster,
        })
    }

    fn insert(&mut self, cluster: usize) {
        self.places.extend(self.place(cluster));
    }

    /// One detection per cluster.
    pub(super) fn fused(self, label: u32, num_models: usize) -> impl Iterator<Item = Detection> {
        self.clusters.into_iter().map(move |cluster| Detection {
            segment: cluster.mean(),
            label,
            score: cluster.score / num_models as f64,
        })
    }
}

impl Cluster {
    fn of(model: usize, detection: &Detection) -> Self {
        let mut cluster = Self {
            models: Vec::with_capacity(1),
            score: 0.0,
            weighted: Segment::new(0.0, 0.0),
            plain: Segment::new(0.0, 0.0),
            hull: detection.segment,
        };
        cluster.join(model, detection);
        cluster
    }

    fn join(&mut self, model: usize, detection: &Detection) {
        let Detection { segment, score, .. } = *detection;
        self.models.push(model);
        self.score += score;
        self.weighted.start += score * segment.start;
        self.weighted.end += score * segment.end;
        self.plain.start += segment.start;
        self.plain.end += segment.end;
        self.hull.start = self.hull.start.min(segment.start);
        self.hull.end = self.hull.end.max(segment.end);
    }

    fn mean(&self) -> Segment {
        let (sum, weight) = match self.models.len() {
            // Exactly the segment of the only member.
            1 => (self.plain, 1.0),
            _ if self.score > 0.0 => (self.weighted, self.score),
            count => (self.plain, count as f64),
        };
        Segment::new(sum.start / weight, sum.end / weight).clamp_to(self.hull)
    }
}
