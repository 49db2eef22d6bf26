//! Reports on drawn-up data, for a look and for the checks in a browser: `report FOLDER [FILM]`.
//!
//! Writes `demo.html`, `large.html`, `hostile.html`, `empty.html`, `fragment.html`, and `figures.json` with the figures that
//! `demo.html` must show.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, Detection, DetectionSet, Instance, Recording, Segment};
use tal_postprocess::{BootstrapConfig, DiagnosisConfig};
use tal_report::page::{
    Channel, Course, Detector, MeasureOptions, Parts, Report, Run, Signal, fragment, html,
};

const CLASSES: [&str; 8] = [
    "take", "open", "pour", "stir", "spread", "fold", "close", "put",
];
const HOSTILE: [&str; 4] = [
    "</script><img src=x onerror=document.title='broken'>",
    "\"'><svg/onload=document.title='broken'>",
    "\u{202e}reversed\u{2066} & <b>bold</b>",
    "{{script}} ${document.title='broken'} <!-- -->",
];

/// A stream of random numbers (splitmix64).
struct Random(u64);

impl Random {
    /// The next number from 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    fn below(&mut self, count: u32) -> u32 {
        (self.share() * f64::from(count)) as u32
    }
}

/// Recordings with annotations one after the other.
fn recordings(ids: &[String], duration: f64, random: &mut Random) -> Vec<Recording> {
    let each = ids.iter().map(|id| {
        let mut instances = Vec::new();
        let mut at = random.between(0.0, 6.0);
        while at < duration - 8.0 {
            let end = at + random.between(1.0, 7.0);
            let label = random.below(CLASSES.len() as u32);
            instances.push(Instance {
                segment: Segment::new(at, end),
                label,
            });
            at = end + random.between(0.5, 9.0);
        }
        Recording {
            id: id.clone(),
            subset: "test".to_owned(),
            duration: Some(duration),
            fps: Some(30.0),
            instances,
        }
    });
    each.collect()
}

/// Detections near the annotations, and `num` in all with those that are wrong.
fn detections(truth: &[Recording], skill: f64, num: usize, random: &mut Random) -> DetectionSet {
    let mut all = DetectionSet::new();
    for recording in truth {
        let duration = recording.duration.unwrap_or(60.0);
        let mut rows = Vec::new();
        let mut push = |start: f64, end: f64, label: u32, score: f64| {
            let start = start.clamp(0.0, duration - 0.2);
            let segment = Segment::new(start, end.clamp(start + 0.1, duration));
            let score = score.clamp(0.001, 0.999);
            rows.push(Detection {
                segment,
                label,
                score,
            });
        };
        for instance in &recording.instances {
            let Segment { start, end } = instance.segment;
            let slack = (end - start) * (1.0 - skill) * 0.8;
            let mut near = |label, score| {
                let (left, right) = (random.between(-slack, slack), random.between(-slack, slack));
                push(start + left, end + right, label, score);
            };
            let luck = (start * 7.3 + end * 3.1).fract();
            if luck < 0.55 + 0.4 * skill {
                near(instance.label, 0.35 + 0.6 * luck.sqrt() * skill);
            }
            if luck < 0.3 {
                near(instance.label, 0.5 * skill);
            }
            if luck > 0.75 {
                near((instance.label + 1) % CLASSES.len() as u32, 0.7 * luck);
            }
        }
        while rows.len() < num {
            let start = random.between(0.0, duration - 2.0);
            let length = random.between(0.5, 8.0);
            let score = 0.7 * random.share().powi(6);
            let label = random.below(CLASSES.len() as u32);
            let start = start.clamp(0.0, duration - 0.2);
            rows.push(Detection {
                segment: Segment::new(start, (start + length).min(duration)),
                label,
                score,
            });
        }
        all.insert(recording.id.clone(), rows);
    }
    all
}

fn run(name: &str, pace: f64, random: &mut Random) -> Run {
    let mut loss = |scale: f64| -> Vec<(f64, f64)> {
        let value = |step: usize| scale * (0.12 + (-(step as f64) * pace / 900.0).exp());
        (0..2400)
            .map(|step| (step as f64, value(step) * random.between(0.8, 1.25)))
            .collect()
    };
    let steps = [("loss", 1.6), ("cls_loss", 1.0), ("reg_loss", 0.6)];
    let map = (1..=12).map(|epoch| {
        let epoch = f64::from(epoch);
        (epoch, 0.78 * pace.sqrt() * (1.0 - (-epoch / 3.5).exp()))
    });
    Run {
        name: name.to_owned(),
        facts: vec![
            ("parameters".to_owned(), "24,318,464".to_owned()),
            ("steps".to_owned(), "2,400".to_owned()),
            ("time per step".to_owned(), "0.214 s".to_owned()),
        ],
        steps: steps
            .map(|(name, scale)| Course::new(name, loss(scale)))
            .to_vec(),
        epochs: vec![Course::new("average mAP", map)],
        configuration: "preset: released\nencoder:\n  dim: 512\n  num_levels: 6\n".to_owned(),
    }
}

/// Three channels, as an accelerometer has them.
fn signal(recording: &Recording, random: &mut Random) -> Signal {
    let duration = recording.duration.unwrap_or(60.0);
    let channels = ["x", "y", "z"].iter().enumerate().map(|(at, name)| {
        let value = |i: usize| {
            let time = i as f64 / 50.0;
            let mut others = recording.instances.iter();
            let is_active = others.any(|a| a.segment.start <= time && time < a.segment.end);
            let size = if is_active { 1.0 } else { 0.15 };
            (at as f64 + size * (6.0 * time + at as f64).sin() + 0.1 * random.share()) as f32
        };
        let values: Vec<f32> = (0..(duration * 50.0) as usize).map(value).collect();
        Channel::new(format!("acceleration {name}"), &values)
    });
    Signal {
        start: 0.0,
        end: duration,
        channels: channels.collect(),
    }
}

/// Content of a report, from which it borrows.
struct Material {
    title: String,
    classes: ClassMap,
    truth: Vec<Recording>,
    found: Vec<(String, DetectionSet)>,
}

impl Material {
    fn new(title: &str, classes: &[&str], ids: &[String], duration: f64, num: usize) -> Self {
        let mut random = Random(7);
        let truth = recordings(ids, duration, &mut random);
        let found = [("wide pyramid", 0.9), ("baseline", 0.6)]
            .map(|(name, skill)| (name.to_owned(), detections(&truth, skill, num, &mut random)));
        Self {
            title: title.to_owned(),
            classes: ClassMap::from_names(classes.iter().copied()).expect("names differ"),
            truth,
            found: found.into(),
        }
    }

    fn report(&self) -> Result<Report<'_>, Box<dyn Error>> {
        let config = EvaluationConfig {
            dialect: tal_core::config::EvaluationDialect::Clean,
            ..EvaluationConfig::default()
        };
        let recordings: Vec<&Recording> = self.truth.iter().collect();
        let mut options = MeasureOptions {
            config: &config,
            classes: &self.classes,
            subsets: &["test".to_owned()],
            diagnosis: Some(DiagnosisConfig::from(&config)),
            bootstrap: Some(BootstrapConfig {
                num_replicates: 200,
                ..BootstrapConfig::default()
            }),
            other: None,
        };
        let mut detectors = Vec::new();
        for (name, found) in &self.found {
            detectors.push(Detector::measured(
                name.clone(),
                &recordings,
                found,
                &options,
            )?);
            options.other = Some(&self.found[0].1);
        }
        let num: usize = self.truth.iter().map(|r| r.instances.len()).sum();
        Ok(Report {
            title: self.title.clone(),
            facts: vec![
                ("recordings".to_owned(), self.truth.len().to_string()),
                ("annotations".to_owned(), num.to_string()),
                ("classes".to_owned(), self.classes.len().to_string()),
                ("rules".to_owned(), "clean".to_owned()),
            ],
            classes: &self.classes,
            ambiguous: None,
            recordings,
            detectors,
            runs: Vec::new(),
            signals: BTreeMap::new(),
            films: BTreeMap::new(),
            parts: Parts::All,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: report FOLDER [FILM]")?);
    let film = arguments.next();
    let ids = |prefix: &str, count: usize| -> Vec<String> {
        (1..=count).map(|i| format!("{prefix}_{i:04}")).collect()
    };

    let demo = Material::new(
        "Kitchen, split 1",
        &CLASSES,
        &ids("P03_kitchen", 24),
        60.0,
        60,
    );
    let mut report = demo.report()?;
    let mut random = Random(3);
    report.runs = vec![
        run("wide pyramid", 1.0, &mut random),
        run("baseline", 0.7, &mut random),
    ];
    for recording in &demo.truth {
        let id = recording.id.clone();
        report
            .signals
            .insert(id.clone(), signal(recording, &mut random));
        if let Some(film) = &film {
            report.films.insert(id, film.clone());
        }
    }
    write(&folder, "demo.html", &html(&report)?)?;
    let figures: Vec<_> = report.detectors.iter().map(|d| &d.figures).collect();
    write(&folder, "figures.json", &serde_json::to_string(&figures)?)?;
    report.parts = Parts::Timeline;
    let page = format!(
        "<!doctype html><title>notebook</title><p>before</p>{}",
        fragment(&report)?
    );
    write(&folder, "fragment.html", &page)?;

    let large = Material::new("Large", &CLASSES, &ids("recording", 500), 120.0, 300);
    write(&folder, "large.html", &html(&large.report()?)?)?;

    let ids: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let labels: Vec<String> = (0..CLASSES.len())
        .map(|i| format!("{}{i}", HOSTILE[i % HOSTILE.len()]))
        .collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut hostile = Material::new(HOSTILE[0], &labels, &ids, 60.0, 20);
    for ((name, _), text) in hostile.found.iter_mut().zip(HOSTILE) {
        *name = text.to_owned();
    }
    let mut report = hostile.report()?;
    report
        .facts
        .push((HOSTILE[1].to_owned(), HOSTILE[2].to_owned()));
    let mut run = run(HOSTILE[1], 1.0, &mut random);
    run.configuration = HOSTILE.join("\n");
    report.runs.push(run);
    write(&folder, "hostile.html", &html(&report)?)?;

    let mut empty = Material::new("Nothing", &CLASSES, &[], 60.0, 0);
    empty.found.clear();
    write(&folder, "empty.html", &html(&empty.report()?)?)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    std::fs::write(folder.join(name), text)?;
    Ok(())
}
