//! Files of weights in each format, small ones written by PyTorch 2.11 among them.

use tal_backbone::StateDict;
use tal_core::weights::write_safetensors;
use tch::{Kind, Tensor};

use crate::support::fixture;

fn check(state: &StateDict) {
    let tensors = state.tensors();
    let weight = &tensors["a.weight"];
    // Stored as the transpose of 0 to 5 in two rows.
    assert_eq!(
        weight,
        &Tensor::from_slice(&[0_f32, 3.0, 1.0, 4.0, 2.0, 5.0]).reshape([3, 2])
    );
    let bias = &tensors["a.bias"];
    assert_eq!(bias, &Tensor::from_slice(&[0.5_f32, -1.5]));
    assert!(tensors.values().all(|tensor| tensor.kind() == Kind::Float));
}

#[test]
fn files_of_torch_save_are_read_in_every_wrapping() {
    // Below `model` and `state_dict`, below `module`, bare in the format before PyTorch 1.6.
    for file in ["wrapped.pth", "module.pt", "bare.pth"] {
        let state = StateDict::open(&fixture(file)).unwrap();
        let names: Vec<&str> = state.tensors().keys().map(String::as_str).collect();
        assert_eq!(names, ["a.bias", "a.weight"], "{file}");
        check(&state);
    }
}

#[test]
fn safetensors_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let weight = Tensor::from_slice(&[0_f32, 3.0, 1.0, 4.0, 2.0, 5.0]).reshape([3, 2]);
    let bias = Tensor::from_slice(&[0.5_f32, -1.5]);
    let tensors = [("module.a.weight", weight), ("module.a.bias", bias)];
    let tensors = tensors
        .map(|(name, tensor)| (name.to_owned(), tensor))
        .into();
    write_safetensors(&path, &tensors, &Default::default()).unwrap();
    check(&StateDict::open(&path).unwrap());
}

#[test]
fn files_without_weights_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |bytes: &[u8]| {
        let path = folder.path().join("a.pth");
        std::fs::write(&path, bytes).unwrap();
        StateDict::open(&path).unwrap_err().to_string()
    };
    // Pickles of {"epoch": 3}, of 3 and of {}.
    let message = refuse(b"\x80\x02}X\x05\x00\x00\x00epochK\x03s.");
    assert!(
        message.contains("a.pth holds no weights: a dict with the keys [\"epoch\"]"),
        "{message}"
    );
    assert!(
        message.ends_with("alone or below `model`, `module` or `state_dict`"),
        "{message}"
    );
    assert!(refuse(b"\x80\x02K\x03.").contains("holds no weights: an int"));
    assert!(refuse(b"\x80\x02}.").contains("holds no weights: a dict"));
    assert!(!refuse(b"no pickle").is_empty());
    let missing = StateDict::open(&folder.path().join("none.pth")).unwrap_err();
    assert!(missing.to_string().contains("none.pth"));
}
