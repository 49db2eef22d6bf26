//! Downloads from a server on this machine that breaks off, cannot go on, or has another file.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};
use tal_backbone::{BackboneError, Checksum, ReleasedWeights, released_weights};

/// The behaviour of a server.
#[derive(Clone, Copy)]
struct Manner {
    /// Bytes of an answer, after which the connection breaks.
    most: usize,
    /// Whether it starts where it is asked to.
    ranges: bool,
}

/// A server of one file; it remembers where each request asked to begin.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Server {
    fn start(content: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        // It ends with the test program.
        thread::spawn(move || {
            for stream in listener.incoming().take(50).flatten() {
                let from = requested(&stream);
                seen.lock().unwrap().push(from);
                // The client may go before the end.
                let _ = answer(stream, &content, from, manner);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }
}

/// The first byte that a request wants.
fn requested(stream: &TcpStream) -> usize {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut from = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
    }
    from
}

fn answer(mut out: TcpStream, content: &[u8], from: usize, manner: Manner) -> std::io::Result<()> {
    let total = content.len();
    let (status, rest) = match (manner.ranges, from) {
        (true, from) if from >= total => {
            return write!(
                out,
                "HTTP/1.1 416 No\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        (true, 1..) => (
            format!(
                "206 Partial\r\nContent-Range: bytes {from}-{}/{total}",
                total - 1
            ),
            &content[from..],
        ),
        _ => ("200 OK".to_owned(), content),
    };
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        rest.len()
    )?;
    out.write_all(&rest[..rest.len().min(manner.most)])
}

/// A file of 300,000 bytes, and its entry in the list.
fn released() -> (Vec<u8>, ReleasedWeights) {
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let digest = format!("{:x}", Sha256::digest(&content));
    let mut weights = released_weights().remove(0);
    weights.checksum = Checksum::Whole(digest.leak());
    (content, weights)
}

/// Whether there is curl; says so if not.
fn has_curl() -> bool {
    let there = std::process::Command::new("curl")
        .arg("--version")
        .output()
        .is_ok();
    if !there {
        eprintln!("SKIPPED: there is no curl");
    }
    there
}

const WHOLE: Manner = Manner {
    most: usize::MAX,
    ranges: true,
};

#[test]
fn a_connection_that_breaks_is_taken_up() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (content, weights) = released();
    let most = 100_001;
    let server = Server::start(content.clone(), Manner { most, ..WHOLE });
    let found = weights.download(&server.url, folder.path(), false).unwrap();
    assert_eq!(server.asked(), [0, most, 2 * most]);
    assert_eq!(found.received, 300_000);
    assert_eq!(fs::read(&found.path).unwrap(), content);
    // Now it is there.
    let again = weights.download(&server.url, folder.path(), false).unwrap();
    assert_eq!((again.received, again.sha256), (0, found.sha256));
    assert_eq!(server.asked().len(), 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_earlier_call_is_gone_on_with() {
    if !has_curl() {
        return;
    }
    let (content, weights) = released();
    let part = format!("{}.part", weights.file);
    for (length, asked) in [(123, vec![123]), (300_000, vec![])] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(&part), &content[..length]).unwrap();
        let server = Server::start(content.clone(), WHOLE);
        let found = weights.download(&server.url, folder.path(), false).unwrap();
        assert_eq!(server.asked(), asked);
        assert_eq!(found.received, 300_000 - length as u64);
        assert_eq!(fs::read(found.path).unwrap(), content);
    }
}

#[test]
fn a_part_that_does_not_fit_is_begun_anew() {
    if !has_curl() {
        return;
    }
    let (content, weights) = released();
    let part = format!("{}.part", weights.file);
    let no_ranges = Manner {
        ranges: false,
        ..WHOLE
    };
    // The start of another file, a longer file; a server that cannot go on.
    for (begun, manner) in [
        (vec![7; 500], WHOLE),
        (vec![7; 400_000], WHOLE),
        (content[..500].to_vec(), no_ranges),
    ] {
        let length = begun.len();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(&part), begun).unwrap();
        let server = Server::start(content.clone(), manner);
        let found = weights.download(&server.url, folder.path(), false).unwrap();
        assert_eq!(server.asked(), [length, 0]);
        assert_eq!(fs::read(found.path).unwrap(), content);
    }
}

#[test]
fn a_server_that_breaks_and_cannot_go_on_ends_the_download() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (content, weights) = released();
    let manner = Manner {
        most: 100_001,
        ranges: false,
    };
    let server = Server::start(content, manner);
    let error = weights
        .download(&server.url, folder.path(), false)
        .unwrap_err();
    assert!(matches!(error, BackboneError::Download { .. }), "{error}");
    assert_eq!(server.asked(), [0, 100_001].repeat(4));
}

#[test]
fn a_part_is_begun_anew_if_no_checksum_would_tell() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (content, mut weights) = released();
    weights.checksum = Checksum::Unknown;
    let part = format!("{}.part", weights.file);
    fs::write(folder.path().join(part), vec![7; 500]).unwrap();
    let server = Server::start(content.clone(), WHOLE);
    let found = weights.download(&server.url, folder.path(), false).unwrap();
    assert_eq!(server.asked(), [0]);
    assert_eq!(fs::read(found.path).unwrap(), content);
}

#[test]
fn another_file_never_gets_the_name() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut content, weights) = released();
    content[250_000] ^= 1;
    let server = Server::start(content.clone(), WHOLE);
    let error = weights
        .download(&server.url, folder.path(), false)
        .unwrap_err();
    assert!(matches!(error, BackboneError::Checksum { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // One that somebody put there stays.
    let path = folder.path().join(weights.file);
    fs::write(&path, &content).unwrap();
    let error = weights
        .download(&server.url, folder.path(), false)
        .unwrap_err();
    assert!(matches!(error, BackboneError::Checksum { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(server.asked(), [0]);
}

/// A server that answers every request with the address that the file is said to have now.
fn redirecting(to: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    // It ends with the test program.
    thread::spawn(move || {
        for mut stream in listener.incoming().take(5).flatten() {
            requested(&stream);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_redirection_never_leads_to_what_is_not_encrypted_or_to_a_file() {
    if !has_curl() {
        return;
    }
    let (content, weights) = released();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, &content).unwrap();
    let server = Server::start(content, WHOLE);
    for to in [server.url.clone(), format!("file://{}", file.display())] {
        let out = tempfile::tempdir().unwrap();
        let result = weights.download(&redirecting(&to), out.path(), false);
        let text = result.unwrap_err().to_string();
        assert!(text.contains("cannot be downloaded: (1)"), "{to}: {text}");
        assert!(!out.path().join(weights.file).exists());
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_file_of_this_machine_is_copied() {
    if !has_curl() {
        return;
    }
    let (content, weights) = released();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mirror of a.pth");
    fs::write(&file, &content).unwrap();
    let url = format!("file://{}", file.display()).replace(' ', "%20");
    // Nothing, a piece, all of it, a piece of another file.
    for begun in [&[][..], &content[..500], &content[..], &[7; 500]] {
        let out = tempfile::tempdir().unwrap();
        fs::write(out.path().join(format!("{}.part", weights.file)), begun).unwrap();
        let found = weights.download(&url, out.path(), false).unwrap();
        assert_eq!(fs::read(found.path).unwrap(), content);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    }
    let out = tempfile::tempdir().unwrap();
    let result = weights.download(&format!("{url}x"), out.path(), false);
    let text = result.unwrap_err().to_string();
    assert!(text.contains("cannot be downloaded: (37)"), "{text}");
}

#[test]
fn other_addresses_are_refused_before_anything_is_written() {
    let (_, weights) = released();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for url in [
        "http://example.org/a",
        "ftp://127.0.0.1/a",
        "a.pth",
        "-o/tmp/a",
    ] {
        let error = weights.download(url, &out, false).unwrap_err();
        assert!(matches!(error, BackboneError::Address { .. }), "{error}");
        assert!(error.to_string().starts_with(url), "{error}");
    }
    assert!(!out.exists());
}

#[test]
fn a_server_that_gives_nothing_ends_the_download() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (content, weights) = released();
    let server = Server::start(content, Manner { most: 0, ..WHOLE });
    let error = weights
        .download(&server.url, folder.path(), false)
        .unwrap_err();
    assert!(matches!(error, BackboneError::Download { .. }), "{error}");
    assert_eq!(server.asked().len(), 3);
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    drop(listener);
    let text = weights
        .download(&url, folder.path(), false)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with(&format!("{url} cannot be downloaded: (7)")),
        "{text}"
    );
}
