//! Errors of reading films.

use std::path::PathBuf;

use tal_core::FileError;

/// Why a film cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// No ffmpeg at any of the places where it is looked for.
    #[error(
        "there is no ffmpeg: run `cargo xtask setup --video`, install FFmpeg 5.1 or later, or set TAL_FFMPEG to the program"
    )]
    NoProgram,
    /// A program that was asked for by name does not start.
    #[error("{}, which {named_by} names as the ffmpeg program, cannot be started: {source}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// The setting that names it.
        named_by: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A program that is not ffmpeg.
    #[error("{} is not ffmpeg: asked for its version, it says {said:?}", path.display())]
    NotFfmpeg {
        /// The program.
        path: PathBuf,
        /// Start of its answer.
        said: String,
    },
    /// An ffmpeg before 5.1.
    #[error("{} is FFmpeg {version}: version 5.1 or later is needed", path.display())]
    OldProgram {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder, a device or a pipe in the place of a film.
    #[error("{}: not a regular file, but a film must be one", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file in which ffmpeg finds no film.
    #[error("{}: not a video file, or one without its index: ffmpeg says {said:?}", path.display())]
    NotAVideo {
        /// The file.
        path: PathBuf,
        /// Reason of ffmpeg.
        said: String,
    },
    /// A playlist in the place of a film.
    #[error(
        "{}: refused: a playlist ({kind}), which names other files or addresses, whatever its own name ends in: give the videos \
         themselves",
        path.display()
    )]
    Playlist {
        /// The file.
        path: PathBuf,
        /// Kind of the playlist.
        kind: &'static str,
    },
    /// A file that could make a decoder open further files.
    #[error(
        "{}: refused: no container of the kinds that are read (mp4, mov, mkv, webm, avi, mpeg, ts, flv, asf, ogg, mxf, nut, wtv, \
         gif): others could open further files or addresses",
        path.display()
    )]
    Refused {
        /// The file.
        path: PathBuf,
    },
    /// Sound or subtitles only; a cover picture does not count.
    #[error(
        "{}: no video stream, but {audio} of sound and {covers} cover pictures",
        path.display()
    )]
    NoVideoStream {
        /// The file.
        path: PathBuf,
        /// Number of sound streams.
        audio: usize,
        /// Number of pictures that belong to the sound.
        covers: usize,
    },
    /// A stream number that the file does not have.
    #[error("{}: no video stream {wanted}: the file has {streams}, counted from 0", path.display())]
    NoSuchStream {
        /// The file.
        path: PathBuf,
        /// The number.
        wanted: usize,
        /// Number of video streams.
        streams: usize,
    },
    /// A video stream without a frame that can be decoded.
    #[error("{}: no frame can be decoded: ffmpeg says {said:?}", path.display())]
    NoFrames {
        /// The file or folder.
        path: PathBuf,
        /// Reason of ffmpeg.
        said: String,
    },
    /// A frame without a time stamp.
    #[error("{}: frame {frame} has no time stamp: put the stream into a container that has them, such as mp4", path.display())]
    NoTime {
        /// The file.
        path: PathBuf,
        /// Number of the frame, counted from 0.
        frame: u64,
    },
    /// A film that cannot be encoded.
    #[error("{}: ffmpeg ended ({status}) while it wrote the film, and says {said:?}", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// End of the program.
        status: String,
        /// Its words.
        said: String,
    },
    /// Frames too large to be held.
    #[error("{}: frames of {width} x {height} pixels: the longer side may have {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The longest side that is read.
        limit: u64,
    },
    /// An image of another size than the first one.
    #[error("{}: {found} pixels, but the first image of the folder has {first}: all must have one size", path.display())]
    SizeChanged {
        /// The image.
        path: PathBuf,
        /// Its width and height.
        found: String,
        /// Width and height of the first image.
        first: String,
    },
    /// A damaged image.
    #[error("{}: cannot decode the image: {source}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// The decoder's error.
        source: image::ImageError,
    },
    /// Two images with one number.
    #[error("{} and {} are both image {number}: their order is open", first.display(), second.display())]
    SameNumber {
        /// An image.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
        /// Their number.
        number: String,
    },
    /// A decoder that ended before it was done.
    #[error("{}: ffmpeg ended early ({status}) after {frames} frames and says {said:?}", path.display())]
    Crashed {
        /// The file.
        path: PathBuf,
        /// Exit code or signal.
        status: String,
        /// Frames that arrived whole.
        frames: u64,
        /// Its last complaint.
        said: String,
    },
    /// Frames and time stamps that do not belong together.
    #[error("{}: ffmpeg announced {announced} frames, but {frames} arrived", path.display())]
    Uneven {
        /// The file.
        path: PathBuf,
        /// Number of time stamps.
        announced: u64,
        /// Number of frames.
        frames: u64,
    },
    /// A film that changes the unit of its time stamps.
    #[error("{}: the unit of time changes from {first} to {then} s in the middle of the film", path.display())]
    UnitChanged {
        /// The file.
        path: PathBuf,
        /// The unit at the beginning.
        first: String,
        /// The later one.
        then: String,
    },
    /// A sidecar that does not fit its description.
    #[error("{}: not the description of extracted features: {source}", path.display())]
    Sidecar {
        /// The file.
        path: PathBuf,
        /// Fault.
        source: serde_json::Error,
    },
}
