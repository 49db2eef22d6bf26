//! A folder of numbered images as a film.

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageReader};
use tal_core::FileError;

use super::source::MAX_SIDE;
use super::timeline::Times;
use super::{
    Damage, Decoder, Frame, FrameFormat, FrameRate, FrameSource, FrameStamp, Report, VideoError,
};

/// Endings of the names of images.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// The images of a folder in the order of their numbers, at a given rate: image i has the time i / rate.
///
/// PNG and JPEG are read; other files are passed over. Numbers need not begin at 0 or have no gaps. An image with an
/// orientation in its EXIF data is turned upright. 16-bit channels are rounded to 8 bits, and transparency is dropped.
pub struct ImageFolder {
    images: Vec<PathBuf>,
    next: usize,
    format: FrameFormat,
    times: Times,
}

impl ImageFolder {
    /// Lists the images of `folder` and reads the size of the first one.
    ///
    /// # Errors
    ///
    /// If the folder cannot be listed, holds no image, holds two images with one number, or its first image is damaged.
    pub fn open(folder: &Path, rate: FrameRate) -> Result<Self, VideoError> {
        let images = sorted_images(folder)?;
        let Some(first) = images.first() else {
            return Err(VideoError::NoFrames {
                path: folder.to_path_buf(),
                said: "there is no png or jpeg in the folder".to_owned(),
            });
        };
        let image = decoded(first)?;
        let (width, height) = (image.width(), image.height());
        if u64::from(width.max(height)) > MAX_SIDE {
            return Err(VideoError::TooLarge {
                path: first.clone(),
                width: width.into(),
                height: height.into(),
                limit: MAX_SIDE,
            });
        }
        let format = FrameFormat {
            width: width as usize,
            height: height as usize,
            time_base: rate.time_base(),
            nominal_rate: Some(rate),
        };
        Ok(Self {
            images,
            next: 0,
            format,
            times: Times::new(format.time_base, Some(rate)),
        })
    }

    /// The images, in order.
    pub fn images(&self) -> &[PathBuf] {
        &self.images
    }
}

impl FrameSource for ImageFolder {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Option<FrameStamp>, VideoError> {
        let Some(path) = self.images.get(self.next) else {
            return Ok(None);
        };
        let image = decoded(path)?.into_rgb8();
        let size = (self.format.width, self.format.height);
        if (image.width() as usize, image.height() as usize) != size {
            return Err(VideoError::SizeChanged {
                path: path.clone(),
                found: format!("{} x {}", image.width(), image.height()),
                first: format!("{} x {}", size.0, size.1),
            });
        }
        frame
            .rgb_mut(size.0, size.1)
            .copy_from_slice(image.as_raw());
        let pts = self.next as i64;
        self.next += 1;
        Ok(Some(FrameStamp {
            index: self.times.push(pts),
            pts,
        }))
    }

    fn report(&self) -> Report {
        Report {
            timeline: self.times.timeline(),
            decoder: Decoder {
                name: "images".to_owned(),
                version: None,
                threads: None,
            },
            damage: Damage::default(),
        }
    }
}

fn decoded(path: &Path) -> Result<DynamicImage, VideoError> {
    let fault = |source| VideoError::Image {
        path: path.to_path_buf(),
        source,
    };
    let mut decoder = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(FileError::at("read", path))?
        .into_decoder()
        .map_err(fault)?;
    let orientation = decoder.orientation().map_err(fault)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(fault)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn sorted_images(folder: &Path) -> Result<Vec<PathBuf>, VideoError> {
    let unlisted = FileError::at("list", folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(&unlisted)? {
        let path = entry.map_err(&unlisted)?.path();
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        let is_image = ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if is_image && !stem.starts_with('.') && path.is_file() {
            found.push((order(&stem), path));
        }
    }
    found.sort();
    let same = found.windows(2).find(|pair| pair[0].0 == pair[1].0);
    if let Some([(key, first), (_, second)]) = same {
        return Err(VideoError::SameNumber {
            first: first.clone(),
            second: second.clone(),
            number: key.iter().map(Part::text).collect(),
        });
    }
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// A piece of a name. Numbers are compared by their number of digits first, without leading zeros: they may be long.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(usize, String),
    Text(String),
}

impl Part {
    fn text(&self) -> &str {
        match self {
            Part::Number(_, digits) => digits,
            Part::Text(text) => text,
        }
    }
}

/// The place of a name in the order of the numbers in it.
fn order(name: &str) -> Vec<Part> {
    name.as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|piece| {
            let text = String::from_utf8_lossy(piece);
            if piece[0].is_ascii_digit() {
                let digits = text.trim_start_matches('0');
                let digits = if digits.is_empty() { "0" } else { digits };
                Part::Number(digits.len(), digits.to_owned())
            } else {
                Part::Text(text.into_owned())
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    fn save(folder: &Path, name: &str, size: (u32, u32), value: u8) {
        let image = RgbImage::from_pixel(size.0, size.1, Rgb([value, 1, 2]));
        image.save(folder.join(name)).unwrap();
    }

    fn rate() -> FrameRate {
        "29.97".parse().unwrap()
    }

    #[test]
    fn images_come_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in [("f10.png", 10), ("f9.png", 9), ("f0100.png", 100)] {
            save(folder.path(), name, (4, 3), value);
        }
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        std::fs::write(folder.path().join(".f1.png"), "x").unwrap();
        let mut film = ImageFolder::open(folder.path(), rate()).unwrap();
        let mut frame = Frame::new();
        let mut seen = Vec::new();
        while let Some(stamp) = film.read(&mut frame).unwrap() {
            assert_eq!(stamp.index as i64, stamp.pts);
            seen.push(frame.rgb()[0]);
        }
        assert_eq!(seen, [9, 10, 100]);
        assert!(film.read(&mut frame).unwrap().is_none());
        let report = film.report();
        assert_eq!(report.timeline.rate, Some(rate()));
        assert!((report.timeline.duration() - 3.0 / 29.97).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_a_film_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let open = || ImageFolder::open(folder.path(), rate());
        assert!(matches!(open(), Err(VideoError::NoFrames { .. })));
        save(folder.path(), "1.png", (4, 3), 0);
        save(folder.path(), "2.png", (3, 4), 0);
        let mut film = open().unwrap();
        let mut frame = Frame::new();
        film.read(&mut frame).unwrap();
        let text = film.read(&mut frame).unwrap_err().to_string();
        assert!(text.ends_with("2.png: 3 x 4 pixels, but the first image of the folder has 4 x 3: all must have one size"));
        save(folder.path(), "02.jpg", (4, 3), 0);
        let text = open().err().unwrap().to_string();
        assert!(
            text.ends_with("are both image 2: their order is open"),
            "{text}"
        );
        std::fs::write(folder.path().join("0.png"), "no image").unwrap();
        std::fs::remove_file(folder.path().join("02.jpg")).unwrap();
        let text = open().err().unwrap().to_string();
        assert!(text.contains("0.png: cannot decode the image"), "{text}");
    }

    #[test]
    fn long_numbers_have_an_order_too() {
        let long = "9".repeat(60);
        assert!(order(&format!("a{long}")) < order(&format!("a1{long}")));
        assert!(order("a2b10") > order("a2b9"));
        assert_eq!(order("a007"), order("a7"));
    }
}
