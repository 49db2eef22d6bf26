#![no_main]

use libfuzzer_sys::fuzz_target;
use tal_pth::{PthFile, Value};

/// Reads the values of every tensor.
fn read(file: &PthFile, value: &Value) {
    match value {
        Value::Tensor(tensor) => {
            // A view may repeat its values; the harness has a bound on memory.
            if tensor.num_values() > 1 << 20 {
                return;
            }
            if let Ok(data) = file.tensor(tensor) {
                assert_eq!(
                    data.data.len(),
                    tensor.num_values() * data.dtype.num_bytes()
                );
            }
        }
        Value::List(items) | Value::Tuple(items) => items.iter().for_each(|item| read(file, item)),
        Value::Dict(entries) => entries.iter().for_each(|(_, item)| read(file, item)),
        _ => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = PthFile::from_bytes("input.pt", bytes.to_vec()) {
        read(&file, file.root());
    }
});
