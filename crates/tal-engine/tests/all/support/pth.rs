//! Checkpoints in the layout of `torch.save`: a zip of a pickle and one file per storage.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tal_core::weights::NamedTensors;
use tch::Tensor;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A value of a checkpoint.
pub(crate) enum Value {
    Bool(bool),
    Int(i32),
    Float(f64),
    List(Vec<Value>),
    Numbered(Vec<(i32, Value)>),
    Dict(Vec<(&'static str, Value)>),
    /// A network's state, each name behind `module.`.
    State(NamedTensors),
    Tensor(Tensor),
}

/// Writes a dict.
pub(crate) fn write(path: &Path, entries: Vec<(&'static str, Value)>) {
    let mut writer = Writer {
        pickle: vec![0x80, 2],
        storages: Vec::new(),
    };
    writer.value(&Value::Dict(entries));
    writer.pickle.push(b'.');
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    let mut entry = |name: &str, bytes: &[u8]| {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(format!("archive/{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    };
    entry("data.pkl", &writer.pickle);
    entry("byteorder", b"little");
    for (index, storage) in writer.storages.iter().enumerate() {
        entry(&format!("data/{index}"), storage);
    }
    entry("version", b"3\n");
    zip.finish().unwrap();
}

struct Writer {
    pickle: Vec<u8>,
    storages: Vec<Vec<u8>>,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(value) => self.pickle.push(if *value { 0x88 } else { 0x89 }),
            Value::Int(value) => self.int(*value),
            Value::Float(value) => {
                self.pickle.push(b'G');
                self.pickle.extend(value.to_be_bytes());
            }
            Value::List(values) => {
                self.pickle.extend(b"](");
                for value in values {
                    self.value(value);
                }
                self.pickle.push(b'e');
            }
            Value::Numbered(entries) => {
                self.pickle.push(b'}');
                for (key, value) in entries {
                    self.int(*key);
                    self.value(value);
                    self.pickle.push(b's');
                }
            }
            Value::Dict(entries) => {
                self.pickle.push(b'}');
                for (key, value) in entries {
                    self.text(key);
                    self.value(value);
                    self.pickle.push(b's');
                }
            }
            Value::State(tensors) => {
                self.pickle.extend(b"ccollections\nOrderedDict\n)R");
                for (name, tensor) in tensors {
                    self.text(&format!("module.{name}"));
                    self.tensor(tensor);
                    self.pickle.push(b's');
                }
            }
            Value::Tensor(tensor) => self.tensor(tensor),
        }
    }

    fn int(&mut self, value: i32) {
        self.pickle.push(b'J');
        self.pickle.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend((text.len() as u32).to_le_bytes());
        self.pickle.extend(text.as_bytes());
    }

    fn sizes(&mut self, sizes: &[i64]) {
        self.pickle.push(b'(');
        for size in sizes {
            self.int(*size as i32);
        }
        self.pickle.push(b't');
    }

    fn tensor(&mut self, tensor: &Tensor) {
        let tensor = tensor.contiguous();
        let data = Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap();
        let storage = data.iter().flat_map(|value| value.to_le_bytes());
        self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.pickle.extend(b"ctorch\nFloatStorage\n");
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int(data.len() as i32);
        self.pickle.extend(b"tQ");
        self.storages.push(storage.collect());
        self.int(0);
        self.sizes(&tensor.size());
        self.sizes(&tensor.stride());
        // No gradient, no hooks.
        self.pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
}
