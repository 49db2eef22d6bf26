//! The way of the pixels from the program to us.

use std::io;
use std::process::Stdio;

/// Our end, and the one that becomes the program's standard output.
///
/// A pair of sockets costs less than a pipe, which moves single pages. More room in the socket than the system's default, or
/// in the pipe, saves calls but no time.
#[cfg(unix)]
pub(super) fn channel() -> io::Result<(Pixels, Stdio)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    Ok((Pixels(ours), std::os::fd::OwnedFd::from(theirs).into()))
}

/// Our end.
#[cfg(unix)]
pub(super) struct Pixels(std::os::unix::net::UnixStream);

#[cfg(unix)]
impl io::Read for Pixels {
    /// Waits until the buffer is full or the program has ended: one call of the system for a frame instead of twenty.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use nix::sys::socket::{MsgFlags, recv};
        use std::os::fd::AsRawFd;
        Ok(recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_WAITALL)?)
    }
}

/// Our end, and the one that becomes the program's standard output.
#[cfg(not(unix))]
pub(super) fn channel() -> io::Result<(Pixels, Stdio)> {
    let (ours, theirs) = io::pipe()?;
    Ok((ours, theirs.into()))
}

/// Our end.
#[cfg(not(unix))]
pub(super) type Pixels = io::PipeReader;
