//! Feature files: all value types and memory orders, and every way in which a file can be wrong.

use std::path::Path;

use crate::common::{config, write};
use half::f16;
use npyz::WriterBuilder;
use tal_core::config::{DatasetConfig, FeatureFormat, FeatureLayout};
use tal_data::features::{self, npy};

/// The matrix that all formats hold, (T, C) = (3, 2); exact in half precision.
const VALUES: [[f64; 2]; 3] = [[1.0, -2.0], [0.5, 4.0], [3.25, 0.0]];

/// An npy file written by a library that shares no code with the reader.
fn npy_bytes<T: npyz::AutoSerialize + Copy>(
    shape: &[u64],
    order: npyz::Order,
    values: &[T],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .order(order)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn time_first() -> Vec<f64> {
    VALUES.iter().flatten().copied().collect()
}

fn channel_first() -> Vec<f64> {
    (0..2)
        .flat_map(|c| VALUES.iter().map(move |row| row[c]))
        .collect()
}

fn layout(config: &DatasetConfig, layout: FeatureLayout) -> DatasetConfig {
    let mut config = config.clone();
    config.features.format = FeatureFormat::Npy { layout };
    config
}

fn check(config: &DatasetConfig, bytes: &[u8]) {
    write(config, "r", bytes);
    let array = features::open(config).load("r".into()).unwrap();
    assert_eq!((array.num_channels(), array.len()), (2, 3));
    let expected: Vec<f32> = channel_first().iter().map(|v| *v as f32).collect();
    assert_eq!(array.data(), expected);
}

#[test]
fn every_type_order_and_layout_gives_the_same_features() {
    use npyz::Order::{C, Fortran};
    let folder = tempfile::tempdir().unwrap();
    let time = config(folder.path(), 2);
    let channel = layout(&time, FeatureLayout::ChannelFirst);
    // In memory, Fortran order of (T, C) is C order of (C, T).
    for (config, shape, order, values) in [
        (&time, [3, 2], C, time_first()),
        (&time, [3, 2], Fortran, channel_first()),
        (&channel, [2, 3], C, channel_first()),
        (&channel, [2, 3], Fortran, time_first()),
    ] {
        let half: Vec<f16> = values.iter().map(|v| f16::from_f64(*v)).collect();
        let single: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        check(config, &npy_bytes(&shape, order, &half));
        check(config, &npy_bytes(&shape, order, &single));
        check(config, &npy_bytes(&shape, order, &values));
    }
}

#[test]
fn big_endian_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 2);
    let mut bytes = npy_bytes(&[3, 2], npyz::Order::C, &time_first());
    let at = bytes.windows(3).position(|w| w == b"<f8").unwrap();
    bytes[at] = b'>';
    let data = bytes.len() - 6 * 8;
    bytes[data..].chunks_exact_mut(8).for_each(<[u8]>::reverse);
    check(&config, &bytes);
}

#[test]
fn our_writer_is_understood_by_another_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let values = [1.5f32, f32::MIN_POSITIVE, -0.0, 3.0e8, 1.0 / 3.0, 7.0];
    npy::write(&path, &values, &[2, 3]).unwrap();
    let file = npyz::NpyFile::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(file.shape(), [2, 3]);
    assert_eq!(file.into_vec::<f32>().unwrap(), values);
    let array = npy::read(&path).unwrap();
    assert_eq!((array.shape, array.data), (vec![2, 3], values.to_vec()));
    assert_eq!(std::fs::read(&path).unwrap().len(), 128 + 24);
}

/// The error of loading `r` from a file with these bytes, without the folder's name.
fn error_of(config: &DatasetConfig, bytes: &[u8]) -> String {
    write(config, "r", bytes);
    let error = features::open(config)
        .load("r".into())
        .unwrap_err()
        .to_string();
    error.replace(&format!("{}/", config.features.dir.display()), "")
}

#[test]
fn a_truncated_file_is_an_error_at_every_length() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 2);
    for version in [1, 2] {
        let mut whole = npy_bytes(&[3, 2], npyz::Order::C, &time_first());
        if version == 2 {
            whole[6] = 2;
            let length = u16::from_le_bytes([whole[8], whole[9]]);
            whole.splice(8..10, u32::from(length).to_le_bytes());
        }
        check(&config, &whole);
        for length in 0..whole.len() {
            let error = error_of(&config, &whole[..length]);
            assert!(error.starts_with("r.npy: truncated: "), "{length}: {error}");
            assert!(
                error.ends_with(&format!(" bytes expected, {length} found")),
                "{error}"
            );
        }
    }
}

#[test]
fn damaged_headers_are_errors_and_no_panics() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 2);
    let whole = npy_bytes(&[3, 2], npyz::Order::C, &time_first());
    write(&config, "r", &whole);
    let good = features::open(&config).load("r".into()).unwrap();
    // Each byte of the header replaced by several others: an error, or (a space, a quote) the same content.
    for at in 0..whole.len() - 48 {
        for byte in [0, b'(', b'9', b' ', b'\'', 255] {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            write(&config, "r", &bytes);
            if let Ok(array) = features::open(&config).load("r".into()) {
                assert_eq!(
                    (array.len(), array.num_channels()),
                    (good.len(), good.num_channels())
                );
            }
        }
    }
    let header = |text: &str| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    };
    let huge = header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999, 9999999999), }",
    );
    assert!(error_of(&config, &huge).contains("is too large"));
    let large = header("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 2), }");
    assert!(error_of(&config, &large).starts_with("r.npy: truncated: 80000000"));
    assert!(error_of(&config, &header(&"(".repeat(9000))).contains("is not a dictionary"));
    assert!(error_of(&config, &header(&" ".repeat(20_000))).contains("a header of 20000 bytes"));
    assert_eq!(
        error_of(&config, b"PK\x03\x04 a zip file"),
        "r.npy: not a valid npy file: it does not begin with the npy signature"
    );
}

#[test]
fn wrong_arrays_are_named_with_what_would_be_right() {
    use npyz::Order::C;
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 2);
    let zeros = [0.0f32; 12];
    assert_eq!(
        error_of(&config, &npy_bytes(&[4, 3], C, &zeros)),
        "r.npy: 3 channels per feature (array of shape [4, 3]); expected 2 (dataset.input_dim)"
    );
    assert_eq!(
        error_of(&config, &npy_bytes(&[2, 6], C, &zeros)),
        "r.npy: 6 channels per feature (array of shape [2, 6]); expected 2 (dataset.input_dim); \
         the other axis fits, is the layout channel_first?"
    );
    assert_eq!(
        error_of(&config, &npy_bytes(&[2, 3, 2], C, &zeros)),
        "r.npy: array of shape [2, 3, 2]; expected two dimensions, (time, channels)"
    );
    assert_eq!(
        error_of(&config, &npy_bytes::<f32>(&[0, 2], C, &[])),
        "r.npy: no features (array of shape [0, 2]); expected at least one time step"
    );
    assert_eq!(
        error_of(&config, &npy_bytes(&[3, 2], C, &[0i32; 6])),
        "r.npy: values of type \"<i4\"; expected float16, float32 or float64 (f2, f4, f8)"
    );
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = [0.0f32; 6];
        values[3] = bad;
        values[5] = bad;
        assert_eq!(
            error_of(&config, &npy_bytes(&[3, 2], C, &values)),
            format!("r.npy: value {bad} at time step 1, channel 1; expected finite numbers")
        );
    }
}

#[test]
fn a_missing_file_is_named_with_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 2);
    let store = features::open(&config);
    assert!(store.missing("r".into()).unwrap().is_some());
    let error = store.load("r".into()).unwrap_err().to_string();
    assert!(
        error.contains("features/r.npy does not exist (recording \"r\")"),
        "{error}"
    );
    let error = store
        .load_file(Path::new("no/such.npy"), "such".into())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read feature file no/such.npy: "),
        "{error}"
    );
}

#[test]
fn arrays_of_an_archive_are_found_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 2);
    let npz = |config: &mut DatasetConfig, key: &str| {
        config.features.suffix = ".npz".into();
        config.features.format = FeatureFormat::Npz {
            key: key.into(),
            layout: FeatureLayout::TimeFirst,
        };
    };
    npz(&mut config, "feats");
    let path = config.features.dir.join("r.npz");
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
    ] {
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        for (name, values) in [("other.npy", vec![0.0; 6]), ("feats.npy", time_first())] {
            writer.start_file(name, options).unwrap();
            let bytes = npy_bytes(&[3, 2], npyz::Order::C, &values);
            std::io::Write::write_all(&mut writer, &bytes).unwrap();
        }
        writer.finish().unwrap();
        check(&config, &std::fs::read(&path).unwrap());
    }
    let whole = std::fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(7) {
        let error = error_of(&config, &whole[..length]);
        assert!(error.starts_with("r.npz: "), "{error}");
    }
    npz(&mut config, "feat");
    assert_eq!(
        error_of(&config, &whole),
        "r.npz: no array named \"feat\"; the file holds \"feats\", \"other\""
    );
}

#[test]
fn raw_signals_are_cut_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 4);
    config.features.format = FeatureFormat::Inertial {
        window: 2,
        stride: 2,
        channels: Some(vec![2, 0]),
    };
    let mut signal: Vec<f32> = (0..15).map(|v| v as f32).collect();
    write(&config, "r", &npy_bytes(&[5, 3], npyz::Order::C, &signal));
    let array = features::open(&config).load("r".into()).unwrap();
    assert_eq!((array.num_channels(), array.len()), (4, 2));
    // Feature 0: samples 0 and 1, channels 2 and 0 of each.
    let column: Vec<f32> = (0..4).map(|c| array.channel(c)[0]).collect();
    assert_eq!(column, [2.0, 0.0, 5.0, 3.0]);

    assert_eq!(
        error_of(&config, &npy_bytes(&[1, 3], npyz::Order::C, &signal[..3])),
        "r.npy: 1 samples; expected at least 2, one window"
    );
    assert_eq!(
        error_of(&config, &npy_bytes(&[5, 2], npyz::Order::C, &signal[..10])),
        "r.npy: channel 2 is wanted, but the signal has 2 (0 to 1)"
    );
    // Named as stored, also where the window would not use the column.
    signal[4] = f32::NAN;
    assert_eq!(
        error_of(&config, &npy_bytes(&[5, 3], npyz::Order::C, &signal)),
        "r.npy: value NaN at time step 1, channel 1; expected finite numbers"
    );
    config.input_dim = 6;
    signal[4] = 0.0;
    assert!(
        error_of(&config, &npy_bytes(&[5, 3], npyz::Order::C, &signal))
            .starts_with("r.npy: 4 channels per feature")
    );
}
