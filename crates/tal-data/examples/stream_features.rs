//! Reads the features of a data set ahead, as evaluation does, and says how much memory that took (Linux).
//!
//!     cargo run --release -p tal-data --example stream_features -- FOLDER NUM_RECORDINGS NUM_THREADS PREFETCH
//!
//! FOLDER is made: one file of 2048 x 2304 values and links to it, so that any number of recordings costs the disk 19 MB.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tal_data::features::npy;
use tal_data::{Dataset, FeatureArray};

/// A valid configuration, of which only the data set counts.
const CONFIG: &str = include_str!("../../../configs/demo.yaml");
const LEN: usize = 2048;
const NUM_CHANNELS: usize = 2304;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, num_recordings, num_threads, prefetch] = arguments.as_slice() else {
        return Err("expected FOLDER NUM_RECORDINGS NUM_THREADS PREFETCH".into());
    };
    let folder = Path::new(folder);
    let num_recordings: usize = num_recordings.parse()?;
    std::fs::create_dir_all(folder)?;
    let values = (0..LEN * NUM_CHANNELS).map(|v| (v % 1000) as f32).collect();
    let array = FeatureArray::from_channel_first(values, NUM_CHANNELS, LEN);
    let mut dataset = tal_config::from_yaml(CONFIG, "demo.yaml", folder, &[])?.dataset;
    npy::write(
        &folder.join("0.npy"),
        &array.to_time_first(),
        &[LEN, NUM_CHANNELS],
    )?;
    drop(array);
    let mut entries = Vec::new();
    for index in 0..num_recordings {
        if index > 0 {
            std::fs::hard_link(folder.join("0.npy"), folder.join(format!("{index}.npy")))?;
        }
        entries.push(format!(
            r#""{index}": {{"subset": "test", "fps": 30, "annotations": [{{"segment": [0, 1], "label": "a", "label_id": 0}}]}}"#
        ));
    }
    dataset.annotations = folder.join("annotations.json");
    let text = format!(r#"{{"database": {{{}}}}}"#, entries.join(","));
    std::fs::write(&dataset.annotations, text)?;
    dataset.features.dir = folder.to_owned();
    dataset.features.prefix.clear();
    dataset.features.suffix = ".npy".into();
    dataset.input_dim = NUM_CHANNELS;
    dataset.num_classes = 1;
    let dataset = Arc::new(Dataset::open(&dataset, &["test".to_owned()])?);
    let start = Instant::now();
    let mut count = 0;
    for recording in dataset.features_in_order(num_threads.parse()?, prefetch.parse()?)? {
        assert_eq!(recording?.array.len(), LEN);
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{count} recordings in {seconds:.1} s; {}",
        peak.unwrap_or("VmHWM is unknown")
    );
    Ok(())
}
