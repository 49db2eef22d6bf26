//! `tal features weights --download` against a server on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use crate::support::{Place, text};

/// Address of a server that answers every request with the same words.
fn server(content: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/weights", listener.local_addr().unwrap());
    // It ends with the test program.
    thread::spawn(move || {
        for mut stream in listener.incoming().take(20).flatten() {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
                content.len()
            );
        }
    });
    url
}

fn download<'a>(name: &'a str, from: &'a str) -> Vec<&'a str> {
    let to = ["features", "weights", "--out", "weights", "--download"];
    match from {
        "" => [&to[..], &[name]].concat(),
        from => [&to[..], &[name, "--from", from]].concat(),
    }
}

#[test]
fn a_file_is_fetched_and_compared() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no curl");
        return;
    }
    let place = Place::without_data();
    let url = server("some weights");
    // The authors publish no checksum of this one.
    let name = "vit_s_k710_dl_from_giant.pth";
    let said = place.ok(&download(name, &url));
    assert!(
        said.contains("12 bytes from http://127.0.0.1") && said.contains("publish none"),
        "{said}"
    );
    assert_eq!(place.read(&format!("weights/{name}")), "some weights");
    let said = place.ok(&download(name, &url));
    assert!(said.contains("was there already"), "{said}");
    // This one has one.
    let name = "r2plus1d_18-91a641e6.pth";
    let output = place.tal(&download(name, &url));
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("begins with 91a641e6"), "{said}");
    let files = place.files();
    assert!(!files.iter().any(|file| file.ends_with(name)), "{files:?}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn addresses_that_are_not_safe_are_refused() {
    let place = Place::without_data();
    for from in [
        "http://example.org/weights",
        "ftp://127.0.0.1/weights",
        "weights.pth",
    ] {
        let output = place.tal(&download("r2plus1d_18-91a641e6.pth", from));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(&format!("--from {from}: must begin with https://")),
            "{said}"
        );
    }
    assert!(!place.path("weights").exists());
}

#[test]
fn names_that_cannot_be_fetched_are_told() {
    let place = Place::without_data();
    for (name, fault) in [
        (
            "r2plus1d_18-91a641e7.pth",
            "did you mean r2plus1d_18-91a641e6.pth?",
        ),
        (
            "efficientnet-lite0-57934424.pth",
            "https://pypi.org/project/",
        ),
    ] {
        let output = place.tal(&download(name, ""));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(fault), "{said}");
    }
}
