//! Promises of a synthetic corpus.

use std::fs;
use std::path::Path;

use tal_core::atomic::FolderError;
use tal_core::{Instance, Recording};
use tal_data::FeatureArray;
use tal_synth::{
    CueSide, SynthConfig, SynthCorpus, SynthError, TEST_SUBSET, TRAIN_SUBSET, generate, write,
};

/// Spelled out, so that the defaults can be tuned.
fn base() -> SynthConfig {
    SynthConfig {
        num_train: 80,
        num_test: 30,
        num_classes: 6,
        num_channels: 24,
        mean_length: 200,
        fps: 16.0,
        feat_stride: 4.0,
        num_frames: 8.0,
        difficulty: 0.5,
        seed: 0,
        durations: (5.0, 40.0),
        duration_sigma: 0.3,
        mean_gap: 8.0,
        amplitude: 3.0,
        noise: (0.4, 1.4),
        drift: 1.0,
        distractors_per_action: 1.0,
        dropouts_per_100: 2.0,
        overlap: 0.3,
        confusable_share: 1.0,
        cue_distance: (10.0, 16.0),
    }
}

fn corpus(change: impl FnOnce(&mut SynthConfig)) -> SynthCorpus {
    let mut config = base();
    change(&mut config);
    generate(&config).unwrap()
}

fn pairs(corpus: &SynthCorpus) -> impl Iterator<Item = (&Recording, &FeatureArray)> {
    let arrays = corpus.features.iter().map(|features| &*features.array);
    corpus.ground_truth.recordings.iter().zip(arrays)
}

#[test]
fn the_same_seed_gives_the_same_corpus() {
    let make = |seed| {
        corpus(|c| {
            c.seed = seed;
            (c.num_train, c.num_test) = (8, 8);
        })
    };
    let first = make(1);
    assert_eq!(first, make(1));
    let second = make(2);
    assert_ne!(first.ground_truth, second.ground_truth);
    assert_ne!(first.features, second.features);
}

/// FNV-1a of all segments to the bit: a change of it changes every corpus that is named by its seed.
#[test]
fn annotations_are_pinned() {
    let corpus = corpus(|c| c.seed = 7);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for instance in corpus
        .ground_truth
        .recordings
        .iter()
        .flat_map(|r| &r.instances)
    {
        let words = [
            u64::from(instance.label),
            instance.segment.start.to_bits(),
            instance.segment.end.to_bits(),
        ];
        for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(hash, PINNED, "{hash:#x}");
}
const PINNED: u64 = 0x9219_30dc_0e67_c3ac;

#[test]
fn segments_lie_inside_and_every_class_occurs() {
    for difficulty in [0.0, 0.5, 1.0] {
        let corpus = corpus(|c| c.difficulty = difficulty);
        assert_eq!(corpus.ground_truth.recordings.len(), 110);
        assert_eq!(corpus.ground_truth.classes.len(), 6);
        for subset in [TRAIN_SUBSET, TEST_SUBSET] {
            let mut counts = [0; 6];
            let wanted = [subset.to_owned()];
            for recording in corpus.ground_truth.subset(&wanted) {
                for instance in &recording.instances {
                    counts[instance.label as usize] += 1;
                }
            }
            // Dealt like cards: equally often but for the last round.
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(*least >= 5 && most - least <= 6, "{subset} {counts:?}");
        }
        for ((recording, array), features) in pairs(&corpus).zip(&corpus.features) {
            assert_eq!(recording.id, features.id);
            assert!((150..=250).contains(&array.len()) && array.num_channels() == 24);
            assert!(array.data().iter().all(|value| value.is_finite()));
            let duration = recording.duration.unwrap();
            assert_eq!(features.grid.num_features(duration), array.len());
            assert!(!recording.instances.is_empty(), "{}", recording.id);
            for Instance { segment, .. } in &recording.instances {
                assert!(segment.start >= 0.0 && segment.end <= duration);
                // At least three features of a quarter of a second.
                assert!(segment.length() >= 0.75);
            }
        }
    }
}

/// Mean feature over `from .. to` in features, clamped to the recording.
fn mean(array: &FeatureArray, from: f32, to: f32) -> Vec<f64> {
    let from = (from.round().max(0.0) as usize).min(array.len() - 1);
    let to = (to.round().max(0.0) as usize).clamp(from + 1, array.len());
    (0..array.num_channels())
        .map(|c| {
            let values = &array.channel(c)[from..to];
            values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
        })
        .collect()
}

/// Share of the test instances of a pair that are nearer to the mean of their own class than to that of the other, both
/// means taken from the training instances.
fn accuracy(
    corpus: &SynthCorpus,
    classes: [u32; 2],
    describe: impl Fn(&FeatureArray, f32, f32) -> Vec<f64>,
) -> f64 {
    let all = |subset: &str| -> Vec<(usize, Vec<f64>)> {
        let grid = corpus.config.time_grid();
        pairs(corpus)
            .filter(|(recording, _)| recording.subset == subset)
            .flat_map(|(recording, array)| recording.instances.iter().map(move |i| (i, array)))
            .filter_map(|(instance, array)| {
                let class = classes.iter().position(|class| *class == instance.label)?;
                let segment = grid.segment_to_grid(instance.segment);
                Some((class, describe(array, segment.start, segment.end)))
            })
            .collect()
    };
    let train = all(TRAIN_SUBSET);
    let prototype = |class: usize| {
        let of_class: Vec<_> = train.iter().filter(|(c, _)| *c == class).collect();
        let mut sum = vec![0.0; corpus.config.num_channels];
        for (_, vector) in &of_class {
            sum.iter_mut()
                .zip(vector)
                .for_each(|(s, v)| *s += v / of_class.len() as f64);
        }
        sum
    };
    let prototypes = [prototype(0), prototype(1)];
    let distance =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let test = all(TEST_SUBSET);
    let right = test.iter().filter(|(class, vector)| {
        distance(vector, &prototypes[*class]) < distance(vector, &prototypes[1 - class])
    });
    right.count() as f64 / test.len() as f64
}

#[test]
fn only_the_context_tells_confusable_classes_apart() {
    let corpus = corpus(|c| {
        (c.num_train, c.num_test) = (300, 300);
        c.difficulty = 0.6;
    });
    assert_eq!(corpus.confusable_pairs.len(), 2);
    for pair in &corpus.confusable_pairs {
        let inside = accuracy(&corpus, pair.classes, mean);
        // What adjoins the action shows no more than the action.
        let near = accuracy(&corpus, pair.classes, |array, from, to| match pair.cue {
            CueSide::Before => mean(array, from - 8.0, from),
            CueSide::After => mean(array, to, to + 8.0),
        });
        let context = accuracy(&corpus, pair.classes, |array, from, to| match pair.cue {
            CueSide::Before => mean(array, from - 20.0, from - 9.0),
            CueSide::After => mean(array, to + 9.0, to + 20.0),
        });
        let wrong_side = accuracy(&corpus, pair.classes, |array, from, to| match pair.cue {
            CueSide::After => mean(array, from - 20.0, from - 9.0),
            CueSide::Before => mean(array, to + 9.0, to + 20.0),
        });
        assert!((0.4..=0.6).contains(&inside), "{pair:?} inside {inside}");
        assert!((0.4..=0.6).contains(&near), "{pair:?} near {near}");
        assert!(
            (0.4..=0.6).contains(&wrong_side),
            "{pair:?} wrong side {wrong_side}"
        );
        assert!(context > 0.8, "{pair:?} context {context}");
    }
    // Other classes differ in what they show.
    let others = accuracy(&corpus, [4, 5], mean);
    assert!(others > 0.95, "{others}");
}

/// Median of |x(t+1) − x(t)|: proportional to the noise's standard deviation, hardly changed by the slower signal.
fn noise(corpus: &SynthCorpus) -> f64 {
    let mut steps: Vec<f32> = Vec::new();
    for features in &corpus.features {
        for c in 0..features.array.num_channels() {
            let channel = features.array.channel(c);
            steps.extend(channel.windows(2).map(|pair| (pair[1] - pair[0]).abs()));
        }
    }
    let middle = steps.len() / 2;
    f64::from(*steps.select_nth_unstable_by(middle, f32::total_cmp).1)
}

#[test]
fn difficulty_raises_the_noise() {
    let levels: Vec<f64> = [0.0, 0.25, 0.5, 0.75, 1.0]
        .into_iter()
        .map(|difficulty| {
            noise(&corpus(|c| {
                c.difficulty = difficulty;
                (c.num_train, c.num_test) = (12, 12);
            }))
        })
        .collect();
    assert!(
        levels.windows(2).all(|pair| pair[0] * 1.1 < pair[1]),
        "{levels:?}"
    );
    // Median of the difference of two normal numbers: 0.6745 · √2 · σ.
    assert!(
        (levels[4] / (0.6745 * 2f64.sqrt()) - 1.4).abs() < 0.15,
        "{levels:?}"
    );
}

#[test]
fn easy_corpora_have_no_pairs_and_no_overlap() {
    let corpus = corpus(|c| c.difficulty = 0.0);
    assert!(corpus.confusable_pairs.is_empty());
    for recording in &corpus.ground_truth.recordings {
        for pair in recording.instances.windows(2) {
            assert!(pair[0].segment.end <= pair[1].segment.start);
        }
    }
}

#[test]
fn a_written_corpus_reads_back() {
    let corpus = corpus(|c| (c.num_train, c.num_test) = (6, 6));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/b");
    write(&corpus, &out).unwrap();

    let names = |path: &Path| -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&out), ["README.txt", "annotations.json", "features"]);
    let truth = tal_data::annotations::read(&out.join("annotations.json"), Some(6)).unwrap();
    assert_eq!(truth, corpus.ground_truth);
    assert_eq!(names(&out.join("features")).len(), 12);
    for features in &corpus.features {
        let path = out.join("features").join(format!("{}.npy", features.id));
        let file = npyz::NpyFile::new(fs::File::open(path).unwrap()).unwrap();
        let shape = [features.array.len() as u64, 24];
        assert_eq!(file.shape(), shape);
        let values: Vec<f32> = file.into_vec().unwrap();
        let back = FeatureArray::from_time_first(&values, 24, features.array.len());
        assert_eq!(back, *features.array);
    }
    let readme = fs::read_to_string(out.join("README.txt")).unwrap();
    assert!(
        readme.contains("difficulty: 0.5") && readme.contains("stir_1 and stir_2 look the same")
    );

    // A second time it is refused and nothing changes.
    let before = fs::metadata(out.join("README.txt"))
        .unwrap()
        .modified()
        .unwrap();
    let error = write(&corpus, &out).unwrap_err();
    assert!(matches!(&error, SynthError::Folder(FolderError::NotEmpty { path }) if *path == out));
    assert_eq!(
        fs::metadata(out.join("README.txt"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
}

#[test]
fn a_failed_write_leaves_nothing() {
    let mut corpus = corpus(|c| (c.num_train, c.num_test) = (3, 3));
    // A folder that does not exist: the features of this recording cannot be written.
    corpus.features.last_mut().unwrap().id = "missing/folder".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    assert!(matches!(write(&corpus, &new), Err(SynthError::Features(_))));
    assert!(!new.exists());
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(write(&corpus, &empty).is_err());
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(
        write(&corpus, &file),
        Err(SynthError::Folder(FolderError::Write { .. }))
    ));
    assert_eq!(fs::read(&file).unwrap(), b"x");
}

#[test]
fn too_few_recordings_are_an_error() {
    let config = SynthConfig {
        num_train: 1,
        num_test: 0,
        num_classes: 40,
        ..base()
    };
    let error = generate(&config).unwrap_err().to_string();
    assert!(
        error.starts_with("no action of class ") && error.contains("\"training\" of 1 recordings"),
        "{error}"
    );
}
