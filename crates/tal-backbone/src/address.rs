//! Addresses that weight files may come from.

use std::net::Ipv4Addr;

/// The way to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Over the network.
    Https,
    /// From this machine, which needs no encryption.
    LocalHttp,
    /// A file of this machine.
    File,
}

impl Scheme {
    /// The scheme of an address; none if nothing may come from there.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Some(Self::Https),
            "http" => is_this_machine(rest).then_some(Self::LocalHttp),
            "file" => Some(Self::File),
            _ => None,
        }
    }

    /// The protocols that curl may use for it. A redirection always leads to `https`.
    pub(crate) fn protocols(self) -> &'static str {
        match self {
            Self::Https => "=https",
            // A redirection is only followed to what is allowed here, too.
            Self::LocalHttp => "=http,https",
            Self::File => "=file",
        }
    }
}

/// Whether the part of an address after the scheme names this machine. The host stands alone or with a port, so that no other
/// reader of the address can take another part of it for the host.
fn is_this_machine(rest: &str) -> bool {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let port = |text: &str| {
        text.strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_end = |text: &str| text.is_empty() || port(text);
    if let Some(after) = authority.strip_prefix("[::1]") {
        return is_end(after);
    }
    let (host, after) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let is_loopback = |address: Ipv4Addr| address.is_loopback();
    is_end(after) && (host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_have_a_scheme() {
        for (url, scheme) in [
            ("https://example.org/a.pth", Scheme::Https),
            ("HTTPS://example.org/a.pth", Scheme::Https),
            ("http://127.0.0.1/a", Scheme::LocalHttp),
            ("http://127.1.2.3:8000/a", Scheme::LocalHttp),
            ("http://LocalHost:8000?a", Scheme::LocalHttp),
            ("http://[::1]:80/a", Scheme::LocalHttp),
            ("file:///data/a.pth", Scheme::File),
        ] {
            assert_eq!(Scheme::of(url), Some(scheme), "{url}");
        }
        for url in [
            "http://example.org/a",
            "http://localhost.example.org/a",
            "http://127.0.0.1.example.org/a",
            "http://127.0.0.1@example.org/a",
            "http://localhost:80@example.org/a",
            "http://localhost\\@example.org/a",
            "http://0.0.0.0/a",
            "http://2130706433/a",
            "http://[::1]example.org/a",
            "http:///a",
            "ftp://example.org/a",
            "scp://example.org/a",
            "dict://127.0.0.1/a",
            "a.pth",
            "/data/a.pth",
            "file:a.pth",
            "-o/x",
            "",
        ] {
            assert_eq!(Scheme::of(url), None, "{url}");
        }
    }
}
