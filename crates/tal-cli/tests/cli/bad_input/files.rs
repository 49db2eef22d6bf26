//! Run folders, checkpoints and disks that cannot be used.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use tal_engine::Checkpoint;

use super::{FAILED, TRAIN, USAGE, check, refused, train};
use crate::support::{Place, fixture};
use crate::workflow::{RELEASED, released};

#[test]
fn output_folders() {
    let place = Place::new();
    place.write("thesis.tex", "precious");
    let out = |out: &'static str| ["train", "net.yaml", "--out", out];
    refused(
        &place,
        &out("thesis.tex"),
        USAGE,
        &["output folder thesis.tex", "File exists"],
    );
    refused(
        &place,
        &out("thesis.tex/run"),
        USAGE,
        &["thesis.tex/run", "Not a directory"],
    );
    refused(
        &place,
        &out("/dev/full/run"),
        USAGE,
        &["/dev/full/run", "cannot be created"],
    );
    refused(
        &place,
        &out("/proc/run"),
        USAGE,
        &["/proc/run", "cannot be created"],
    );
    refused(
        &place,
        &out("data"),
        USAGE,
        &["output folder data is not empty", "--out"],
    );
    let synth = |out: &'static str| {
        [
            "data",
            "synth",
            "--num-train",
            "6",
            "--num-test",
            "4",
            "--out",
            out,
        ]
    };
    refused(
        &place,
        &synth("data"),
        USAGE,
        &["output folder data is not empty"],
    );
    refused(&place, &synth("thesis.tex"), FAILED, &["thesis.tex"]);
    refused(&place, &synth("/proc/corpus"), FAILED, &["/proc/corpus"]);
    assert_eq!(place.read("thesis.tex"), "precious");

    place.ok(&TRAIN);
    let weights = fs::read(place.path("run/last.safetensors")).unwrap();
    refused(
        &place,
        &TRAIN,
        USAGE,
        &["output folder run is not empty", "--resume"],
    );
    let other = [
        &train("encoder.dim=32")[..],
        &["--set", "train.epochs=9", "--resume"],
    ]
    .concat();
    let parts = [
        "another configuration",
        "encoder.dim = 32 (was 16)",
        "train.epochs = 9 (was 2)",
    ];
    refused(&place, &other, USAGE, &parts);
    assert!(fs::read(place.path("run/last.safetensors")).unwrap() == weights);
    // A truncated state is not taken for a new run.
    place.write("run/last.safetensors", &weights[..weights.len() / 2]);
    let output = place.tal(&[&TRAIN[..], &["--resume"]].concat());
    check(
        &output,
        "train --resume",
        FAILED,
        &["run/last.safetensors", "not a complete"],
    );
}

#[test]
fn checkpoints() {
    let place = Place::new();
    place.ok(&TRAIN);
    let good = fs::read(place.path("run/last.safetensors")).unwrap();
    refused(
        &place,
        &["test", "none"],
        FAILED,
        &["none", "does not exist", "the runs here are"],
    );
    refused(
        &place,
        &["test", "data"],
        FAILED,
        &["data", "without best.safetensors or last.safetensors"],
    );
    for len in [0, 4, 1000, good.len() / 2, good.len() - 1] {
        place.write("cut.bin", &good[..len]);
        let parts = ["cut.bin", "not a complete safetensors file"];
        refused(&place, &["test", "cut.bin"], FAILED, &parts);
        refused(&place, &["predict", "cut.bin", "x.npy"], FAILED, &parts);
    }
    place.write(
        "text.bin",
        "no weights at all, but long enough for a header",
    );
    refused(
        &place,
        &["test", "text.bin"],
        FAILED,
        &["text.bin", "not a complete safetensors file"],
    );
    let bare = fixture("tal-engine/tests/fixtures/tiny.safetensors");
    refused(
        &place,
        &["test", &bare],
        FAILED,
        &["tiny.safetensors", "without the manifest"],
    );

    // Weights of another network, and a configuration that makes it another one.
    let path = place.path("run/last.safetensors");
    let mut other = Checkpoint::read(&path).unwrap();
    other.manifest.config.encoder.num_stem_blocks = 1;
    other.write(&place.path("other.safetensors")).unwrap();
    refused(
        &place,
        &["test", "other.safetensors"],
        FAILED,
        &["other.safetensors", "unexpected", "encoder.stem.1."],
    );
    let set = ["test", "run", "--set", "encoder.dim=32"];
    refused(
        &place,
        &set,
        FAILED,
        &["run/last.safetensors", "encoder.", "[16", "[32"],
    );
    let set = ["test", "run", "--set", "inference.topk=1"];
    refused(
        &place,
        &set,
        USAGE,
        &["--set inference.topk=1", "unknown key inference.topk"],
    );
    let subset = ["test", "run", "--subset", "validation"];
    refused(
        &place,
        &subset,
        FAILED,
        &["no recording in \"validation\"", "\"test\""],
    );
}

#[test]
fn imports() {
    let place = Place::without_data();
    place.write("released.yaml", RELEASED);
    let import = |file: &str, config: &str, code, parts: &[&str]| {
        let args = [
            "import",
            file,
            "--config",
            config,
            "--out",
            "new.safetensors",
        ];
        refused(&place, &[&["--quiet"], &args[..]].concat(), code, parts);
    };
    let good = fs::read(released()).unwrap();
    for len in [0, 3, 100, good.len() / 2, good.len() - 1] {
        place.write("cut.pth.tar", &good[..len]);
        import("cut.pth.tar", "released.yaml", FAILED, &["cut.pth.tar"]);
    }
    let command = fixture("tal-pth/tests/fixtures/pth/command.pth");
    import(
        &command,
        "released.yaml",
        FAILED,
        &["command.pth", "refused", "system", "no code is run"],
    );
    let instance = fixture("tal-pth/tests/fixtures/pth/instance.pth");
    import(
        &instance,
        "released.yaml",
        FAILED,
        &["instance.pth", "refused"],
    );
    let other = fixture("tal-pth/tests/fixtures/pth/protocol2.pth");
    import(
        &other,
        "released.yaml",
        FAILED,
        &["protocol2.pth", "state_dict_ema"],
    );
    import(
        "none.pth.tar",
        "released.yaml",
        FAILED,
        &["none.pth.tar", "No such file"],
    );
    import(
        &released(),
        "none.yaml",
        USAGE,
        &["none.yaml", "No such file"],
    );
    // A configuration of another network: fewer levels, another width, one more stem block.
    let small = RELEASED
        .replace("num_levels: 6", "num_levels: 6\n  num_stem_blocks: 3")
        .replace("num_bins: 8", "num_bins: 6");
    place.write("small.yaml", small);
    let parts = [
        "tiny_checkpoint.pth.tar",
        "missing",
        "encoder.stem.2.",
        "decoder.regression.output.weight is Float [14",
    ];
    import(&released(), "small.yaml", FAILED, &parts);
    let less = RELEASED.replace("num_levels: 6", "num_levels: 6\n  num_stem_blocks: 1");
    place.write("less.yaml", less);
    import(
        &released(),
        "less.yaml",
        FAILED,
        &["unexpected", "encoder.stem.1."],
    );
    let args = [
        "import",
        &released(),
        "--config",
        "released.yaml",
        "--out",
        "new.pth",
    ];
    refused(&place, &args, USAGE, &["--out new.pth", ".safetensors"]);
}

#[test]
fn full_disks() {
    let place = Place::new();
    place.ok(&TRAIN);
    // Devices and pipes are written to and stay what they are; behind a link, so that a mistake harms nobody.
    symlink("/dev/full", place.path("full")).unwrap();
    let eval = ["test", "run", "--json", "full"];
    refused(
        &place,
        &eval,
        FAILED,
        &["cannot write full", "No space left"],
    );
    assert!(
        fs::symlink_metadata(place.path("full"))
            .unwrap()
            .is_symlink()
    );
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place
        .command(&["test", "run", "--quiet"])
        .stdout(full)
        .output()
        .unwrap();
    check(
        &output,
        "test > /dev/full",
        FAILED,
        &["cannot write to the standard output", "No space left"],
    );

    // A limit on the size of files stands in for a disk that fills up.
    let limited = |args: &[&str]| {
        let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                script,
                env!("CARGO_BIN_EXE_tal"),
                "--threads",
                "1",
                "--quiet",
            ])
            .args(args)
            .current_dir(place.path(""));
        command.output().unwrap()
    };
    let out = |out: &'static str| ["train", "net.yaml", "--out", out];
    let output = limited(&out("new"));
    check(
        &output,
        "train on a full disk",
        FAILED,
        &["cannot write new/last.safetensors", "too large"],
    );
    let left: Vec<_> = fs::read_dir(place.path("new"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("safetensors") || name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // What was there before stays.
    let saved = fs::read(place.path("run/last.safetensors")).unwrap();
    let import = [
        "import",
        &released(),
        "--config",
        "released.yaml",
        "--out",
        "run/last.safetensors",
    ];
    place.write("released.yaml", RELEASED);
    let output = limited(&import);
    check(
        &output,
        "import on a full disk",
        FAILED,
        &["cannot write run/last.safetensors", "too large"],
    );
    assert!(fs::read(place.path("run/last.safetensors")).unwrap() == saved);
}
