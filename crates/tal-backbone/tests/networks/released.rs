//! The list of public weight files.

use std::collections::BTreeSet;
use std::fs;

use tal_backbone::{Checksum, released_weights, sha256};

#[test]
fn every_file_has_a_source_a_licence_and_a_checksum_that_its_name_confirms() {
    let files = released_weights();
    assert_eq!(files.len(), 21);
    let names: BTreeSet<&str> = files.iter().map(|weights| weights.file).collect();
    assert_eq!(names.len(), files.len());
    for weights in &files {
        assert!(weights.page.starts_with("https://"), "{}", weights.file);
        assert!(["MIT", "Apache-2.0", "BSD-3-Clause"].contains(&weights.licence));
        if let Some(url) = &weights.url {
            assert!(
                url.starts_with("https://") && url.ends_with(weights.file),
                "{url}"
            );
        }
        let start = match weights.checksum {
            Checksum::Whole(whole) => {
                assert_eq!(whole.len(), 64);
                &whole[..8]
            }
            Checksum::Start(start) => start,
            Checksum::Unknown => continue,
        };
        assert!(
            start.len() == 8 && start.chars().all(|c| c.is_ascii_hexdigit()),
            "{start}"
        );
        assert!(weights.file.contains(start), "{}", weights.file);
    }
}

#[test]
fn a_file_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    fs::write(&path, "abc").unwrap();
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256(&path).unwrap(), digest);
    let mut weights = released_weights().remove(0);
    let error = weights.verify(&path).unwrap_err().to_string();
    let expected = format!(
        "abc has the SHA-256 {digest}, that of r2plus1d_18-91a641e6.pth begins with 91a641e6"
    );
    assert!(error.ends_with(&expected), "{error}");
    for checksum in [
        Checksum::Whole(digest),
        Checksum::Start("ba7816bf"),
        Checksum::Unknown,
    ] {
        weights.checksum = checksum;
        assert_eq!(weights.verify(&path).unwrap(), digest);
    }
    weights.checksum = Checksum::Whole("00");
    assert!(
        weights
            .verify(&path)
            .unwrap_err()
            .to_string()
            .ends_with("is 00")
    );
    let error = sha256(&folder.path().join("none")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read "), "{error}");
}
