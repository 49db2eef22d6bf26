//! Feature files that lie, run code, fill the memory or end early, and names that leave the folder.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use tal_core::config::{FeatureFormat, FeatureLayout};
use tal_data::features::npy::Array;
use tal_data::features::{csv, npy, npz, safetensors, tensors};
use tal_data::{Dataset, FeatureError, hdf5};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

type Parsed = Result<Vec<Array>, FeatureError>;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/features");
    std::fs::read(folder.join(name)).unwrap()
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A fixture's bytes through the reader of its format.
fn parse(name: &str, bytes: &[u8]) -> Parsed {
    let path = Path::new(name);
    let names = match name {
        _ if name.starts_with("slowfast") => keys(&["slow_feature", "fast_feature"]),
        "dict.pt" | "array.pt" | "command.pt" | "command_in_dict.pkl" => keys(&["feats"]),
        "dict_legacy.pt" => keys(&["a", "b"]),
        _ => Vec::new(),
    };
    match name.rsplit_once('.').unwrap().1 {
        "npy" => npy::parse(bytes, path, "npy").map(|a| vec![a]),
        "npz" => npz::parse(bytes, path, "feats").map(|a| vec![a]),
        "safetensors" => safetensors::parse(bytes, path, Some("feats")).map(|a| vec![a]),
        "h5" => hdf5::File::from_bytes(bytes.to_vec(), path)
            .and_then(|file| file.read(None, path))
            .map(|a| vec![a]),
        "pt" | "pkl" => tensors::parse(bytes.to_vec(), path, &names),
        "csv" => csv::parse(bytes, path, false).map(|a| vec![a]),
        other => panic!("{other}"),
    }
}

const WHOLE: [&str; 21] = [
    "f4.npy",
    "f2_fortran.npy",
    "stored.npz",
    "deflated.npz",
    "f4.safetensors",
    "f2.safetensors",
    "plain.csv",
    "tensor.pt",
    "dict.pt",
    "array.pt",
    "tensor_legacy.pt",
    "dict_legacy.pt",
    "slowfast_legacy_p4.pt",
    "array_p2.pkl",
    "array_p5.pkl",
    "slowfast_p2.pkl",
    "slowfast_p5.pkl",
    "contiguous.h5",
    "gzip_shuffle.h5",
    "gzip_latest.h5",
    "growing_latest.h5",
];

#[test]
fn a_truncated_file_is_an_error_at_every_byte() {
    for name in WHOLE {
        let bytes = fixture(name);
        let whole = parse(name, &bytes).unwrap();
        for len in 0..bytes.len() {
            match parse(name, &bytes[..len]) {
                Err(error) => assert!(error.to_string().contains(name), "{error}"),
                // Text does not say where it ends, and HDF5 files may end with room that is not used.
                Ok(_) if name.ends_with(".csv") => {}
                Ok(arrays) => {
                    assert!(name.ends_with(".h5"), "{name} is read with {len} bytes");
                    assert_eq!(arrays, whole, "{name} with {len} bytes");
                }
            }
        }
    }
}

#[test]
fn a_damaged_byte_never_stops_the_program() {
    for name in WHOLE {
        let bytes = fixture(name);
        for at in 0..bytes.len() {
            for byte in [0, 0x7f, 0xff, bytes[at] ^ 1] {
                let mut bytes = bytes.clone();
                bytes[at] = byte;
                let _ = parse(name, &bytes);
            }
        }
    }
}

#[test]
fn nothing_of_a_file_is_run() {
    for (name, what) in [
        ("command_system.pkl", "posix.system"),
        ("command_eval.pkl", "builtins.eval"),
        ("command_load.pkl", "torch.serialization.load"),
        ("command_in_dict.pkl", "builtins.exec"),
        ("command_in_storage.pkl", "posix.system"),
        ("command.pt", "posix.system"),
        ("command_legacy.pt", "posix.system"),
    ] {
        let error = parse(name, &fixture(name)).unwrap_err().to_string();
        assert!(error.contains(&format!("refused {what} ")), "{error}");
        assert!(error.starts_with(name), "{error}");
    }
}

#[test]
fn a_storage_in_a_storage_is_refused() {
    // The stream within the pickle of a tensor may not hold one itself.
    let legacy = fixture("tensor_legacy.pt");
    let mut inner = legacy[..legacy.windows(2).position(|w| w == b"u.").unwrap() + 2].to_vec();
    inner.extend(b"ctorch.storage\n_load_from_bytes\nC\x01x\x85R.");
    let mut pickle = b"\x80\x03ctorch.storage\n_load_from_bytes\nB".to_vec();
    pickle.extend((inner.len() as u32).to_le_bytes());
    pickle.extend(inner);
    pickle.extend(b"\x85R.");
    let error = parse("nested.pkl", &pickle).unwrap_err().to_string();
    assert!(
        error.contains("refused a storage within a storage"),
        "{error}"
    );
}

fn npy_header(shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn zip_of(name: &str, content: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    zip.start_file(name, options).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn terabytes_are_not_allocated_for_a_header() {
    let header = npy_header("(500000000000, 2)");
    let error = parse("r.npy", &header).unwrap_err().to_string();
    assert!(
        error.starts_with("r.npy: truncated: 40000000000"),
        "{error}"
    );
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = zip_of("feats.npy", &header, method);
        let error = parse("r.npz", &bytes).unwrap_err().to_string();
        assert!(
            error.starts_with("r.npz: truncated: 40000000000"),
            "{error}"
        );
    }
    let mut bytes = vec![0; 8];
    let json =
        br#"{"feats":{"dtype":"F32","shape":[500000000000,2],"data_offsets":[0,4000000000000]}}"#;
    bytes[..8].copy_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend(json);
    assert!(parse("r.safetensors", &bytes).is_err());
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(parse("r.safetensors", &bytes).is_err());

    // The rows of the HDF5 array, in the file as (6, 5): current and, where it says so, largest size.
    for name in ["contiguous.h5", "growing.h5", "chunked.h5"] {
        let mut bytes = fixture(name);
        let size = [6u64.to_le_bytes(), 5u64.to_le_bytes()].concat();
        let found: Vec<usize> = (0..bytes.len() - 16)
            .filter(|at| bytes[*at..*at + 16] == size)
            .collect();
        assert!(!found.is_empty());
        for at in found {
            bytes[at..at + 8].copy_from_slice(&(1u64 << 40).to_le_bytes());
        }
        let error = parse(name, &bytes).unwrap_err().to_string();
        assert!(
            error.contains("claims 21990232555520 bytes"),
            "{name}: {error}"
        );
    }

    let array = String::from_utf8_lossy(&fixture("array_p2.pkl")).into_owned();
    assert!(array.contains("numpy"));
    // Sizes (2^40, 5) for the same bytes.
    let mut bytes = fixture("array_p2.pkl");
    let at = bytes.windows(4).position(|w| w == b"K\x06K\x05").unwrap();
    bytes.splice(at..at + 2, *b"\x8a\x06\x00\x00\x00\x00\x00\x01");
    let error = parse("r.pkl", &bytes).unwrap_err().to_string();
    assert!(
        error.contains("a numpy array of the sizes [1099511627776, 5] in 120 bytes"),
        "{error}"
    );
}

#[test]
fn bombs_do_not_go_off() {
    // Real zeros, far more than the array has: they are not read.
    let mut content = npy_header("(6, 5)");
    content.resize(content.len() + (64 << 20), 0);
    let bytes = zip_of("feats.npy", &content, CompressionMethod::Deflated);
    assert!(bytes.len() < 100_000);
    let arrays = parse("r.npz", &bytes).unwrap();
    assert_eq!(arrays[0].shape, [6, 5]);

    // An entry that claims far more than it can hold.
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut lying = bytes.clone();
    lying[central + 24..central + 28].copy_from_slice(&0xfff0_0000u32.to_le_bytes());
    let error = parse("r.npz", &lying).unwrap_err().to_string();
    assert!(error.contains("claims 4293918720 bytes"), "{error}");

    // The same for the storage of a tensor.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in [("data.pkl", tensor_pickle()), ("data/0", vec![0; 16 << 20])] {
        zip.start_file(format!("r/{name}"), options).unwrap();
        zip.write_all(&content).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let arrays = parse("r.pt", &bytes).unwrap();
    assert_eq!(arrays[0].shape, [4]);
    let central = bytes
        .windows(10)
        .rposition(|w| w == b"data/0PK\x05\x06" || w == b"/data/0PK\x05")
        .unwrap();
    let entry = bytes[..central]
        .windows(4)
        .rposition(|w| w == b"PK\x01\x02")
        .unwrap();
    let mut lying = bytes.clone();
    lying[entry + 24..entry + 28].copy_from_slice(&0xfff0_0000u32.to_le_bytes());
    let error = parse("r.pt", &lying).unwrap_err().to_string();
    assert!(error.contains("claims 4293918720 bytes"), "{error}");
}

/// A tensor of four values in the storage `0`.
fn tensor_pickle() -> Vec<u8> {
    let mut pickle =
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage".to_vec();
    pickle.extend(b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ");
    pickle.extend(b"K\x00K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR.");
    pickle
}

#[test]
fn recordings_do_not_leave_the_feature_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::common::config(folder.path(), 2);
    // Files that are there, outside of the folder.
    npy::write(&folder.path().join("secret.npy"), &[0.0; 2], &[1, 2]).unwrap();
    for id in ["../secret", "a/../../secret", "/secret", "a\\u0000"] {
        let text = format!(
            r#"{{"database": {{"{id}": {{"subset": "training", "fps": 30, "annotations":
            [{{"segment": [0.5, 1.5], "label": "run", "label_id": 0}}]}}}}}}"#
        );
        std::fs::write(&config.annotations, text).unwrap();
        let Err(error) = Dataset::open(&config, &config.train_subsets) else {
            panic!("{id} is accepted");
        };
        let error = error.to_string();
        assert!(error.contains("leads out of the feature folder"), "{error}");
        assert!(
            error.starts_with(&format!("recording {:?}", id.replace("\\u0000", "\0"))),
            "{error}"
        );
    }
}

#[test]
fn the_files_of_the_system_are_no_features() {
    // A folder, and a file that is no array, in every format.
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::config(folder.path(), 2);
    config.features.suffix = String::new();
    std::fs::create_dir(config.features.dir.join("d")).unwrap();
    std::fs::write(config.features.dir.join("t"), "some text\n").unwrap();
    let layout = FeatureLayout::TimeFirst;
    let path = |name: &str| -> PathBuf { config.features.dir.join(name) };
    let text = path("t").display().to_string();
    for format in [
        FeatureFormat::Npy { layout },
        FeatureFormat::Npz {
            key: "x".into(),
            layout,
        },
        FeatureFormat::Safetensors { key: None, layout },
        FeatureFormat::Hdf5 {
            file: None,
            key: None,
            layout,
        },
        FeatureFormat::Torch {
            keys: vec![],
            layout,
        },
        FeatureFormat::Pickle {
            keys: vec![],
            layout,
        },
        FeatureFormat::Csv { header: false },
    ] {
        let mut config = config.clone();
        config.features.format = format;
        let store = tal_data::features::open(&config);
        assert!(store.load("d".into()).is_err());
        let error = store.load("t".into()).unwrap_err().to_string();
        assert!(error.contains(&text), "{error}");
    }
}
