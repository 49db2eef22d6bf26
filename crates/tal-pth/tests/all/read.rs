//! Files of `torch.save` that must be read, made by `fixtures/pth/make.py`.

use std::path::{Path, PathBuf};

use tal_pth::{DType, PthFile, TensorData, Value};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/pth")
        .join(name)
}

fn tensor(file: &PthFile, name: &str) -> TensorData {
    let value = file.require(&["state_dict", name]).unwrap();
    file.tensor(value.as_tensor().unwrap()).unwrap()
}

fn check(name: &str) {
    let file = PthFile::open(fixture(name)).unwrap();

    let ramp: Vec<f32> = (0..24).map(|v| v as f32).collect();
    let weight = tensor(&file, "weight");
    assert_eq!(
        (weight.dtype, weight.shape.as_slice()),
        (DType::F32, [2, 3, 4].as_slice())
    );
    assert_eq!(weight.as_f32().unwrap(), ramp, "{name}");
    assert_eq!(weight.data[4..8], 1f32.to_le_bytes());
    assert_eq!(tensor(&file, "shared").as_f32().unwrap(), ramp[20..]);
    let transposed = tensor(&file, "transposed");
    assert_eq!(transposed.shape, [4, 3]);
    assert_eq!(
        transposed.as_f32().unwrap(),
        [12., 16., 20., 13., 17., 21., 14., 18., 22., 15., 19., 23.]
    );
    assert_eq!(
        tensor(&file, "broadcast").as_f32().unwrap(),
        [5., 6., 7., 5., 6., 7.]
    );
    let scalar = tensor(&file, "scalar");
    assert_eq!(scalar.shape, [0; 0]);
    assert_eq!(scalar.as_i64().unwrap(), [-(1 << 40)]);
    assert_eq!(tensor(&file, "empty").shape, [0, 3]);
    assert!(tensor(&file, "empty").data.is_empty());
    let double = tensor(&file, "double");
    assert_eq!(
        double.data,
        [0.1f64.to_le_bytes(), (-1e300f64).to_le_bytes()].concat()
    );
    assert_eq!(double.as_f32().unwrap(), [0.1, f32::NEG_INFINITY]);
    assert_eq!(tensor(&file, "half").as_f32().unwrap(), [0.5, -65504.]);
    assert_eq!(tensor(&file, "bfloat").as_f32().unwrap(), [1., -3.140_625]);
    for (key, dtype, values) in [
        ("int", DType::I32, vec![-7]),
        ("short", DType::I16, vec![-300]),
        ("char", DType::I8, vec![-8]),
        ("byte", DType::U8, vec![255]),
        ("bool", DType::Bool, vec![1, 0]),
    ] {
        let data = tensor(&file, key);
        assert_eq!((data.dtype, data.as_i64().unwrap()), (dtype, values));
    }
    let names: Vec<&str> = file
        .require(&["state_dict"])
        .unwrap()
        .named_tensors()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.len(), 14);
    assert_eq!(names[..3], ["weight", "shared", "transposed"]);

    let root = file.root();
    let number = |keys: &[&str]| root.at(keys).unwrap().as_f64().unwrap();
    assert_eq!(number(&["epoch"]), 7.0);
    assert_eq!(
        number(&["optimizer", "param_groups", "0", "betas", "1"]),
        0.999
    );
    assert_eq!(number(&["optimizer", "state", "0", "step"]), 3.0);
    assert_eq!(
        root.at(&["optimizer", "param_groups", "0", "maximize"]),
        Some(&Value::None)
    );
    for (key, expected) in [
        ("last_epoch", 70_000),
        ("big", 1 << 40),
        ("small", -(1 << 40)),
        ("zero", 0),
        ("minus", -1),
    ] {
        assert_eq!(
            root.at(&["scheduler", key]),
            Some(&Value::Int(expected)),
            "{key}"
        );
    }
    assert_eq!(root.get("mAP"), Some(&Value::Float(0.625)));
    assert_eq!(root.get("mAP32"), Some(&Value::Float(0.25)));
    assert_eq!(root.get("count"), Some(&Value::Int(-3)));
    assert_eq!(
        root.get("size"),
        Some(&Value::Tuple(vec![Value::Int(2), Value::Int(3)]))
    );
    assert_eq!(root.get("bytes"), Some(&Value::Bytes(vec![0, 255])));
    assert_eq!(root.get("no_bytes"), Some(&Value::Bytes(vec![])));
    assert_eq!(root.get("text").and_then(Value::as_str), Some("größe"));
    assert_eq!(number(&["nested", "2", "a", "3"]), 7.0);
    assert!(matches!(root.at(&["nested", "1"]), Some(Value::List(items)) if items.len() == 2));
}

#[test]
fn protocol_2_stored() {
    check("protocol2.pth");
}

#[test]
fn protocol_4_deflated() {
    check("protocol4.pth");
}

#[test]
fn protocol_5_without_byteorder() {
    check("no_order.pth");
}

#[test]
fn big_endian_storages() {
    check("big_endian.pth");
}

#[test]
fn the_same_from_memory() {
    let bytes = std::fs::read(fixture("protocol2.pth")).unwrap();
    let file = PthFile::from_bytes("memory", bytes).unwrap();
    assert_eq!(
        file.root(),
        PthFile::open(fixture("protocol2.pth")).unwrap().root()
    );
}

#[test]
fn a_missing_key_lists_what_is_there() {
    let file = PthFile::open(fixture("protocol2.pth")).unwrap();
    let error = file
        .require(&["optimizer", "groups"])
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(
            "no \"optimizer.groups\": there is a dict with the keys [\"state\", \"param_groups\"]"
        ),
        "{error}"
    );
}

#[test]
fn commands_are_refused_by_name() {
    let error = PthFile::open(fixture("command.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("refused posix.system (opcode GLOBAL at byte 37 of the pickle)"),
        "{error}"
    );
    let error = PthFile::open(fixture("instance.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("refused models.net.Network (opcode STACK_GLOBAL"),
        "{error}"
    );
}
