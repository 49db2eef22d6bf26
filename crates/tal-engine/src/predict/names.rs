//! Names of inputs: of the command line, of lists, from standard input, and of patterns.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use tal_core::FileError;

use super::PredictError;

/// Names of files, folders and patterns, in the order in which they are given.
#[derive(Debug, Clone, Default)]
pub struct InputNames {
    /// Names; `@FILE` stands for the lines of a file, `-` for those of the standard input. A file whose name begins like
    /// this is written `./@FILE`.
    pub names: Vec<PathBuf>,
    /// A file with a name per line, after the others; `-` is the standard input.
    pub list: Option<PathBuf>,
}

impl InputNames {
    /// Calls `take` with every name, and whether it comes from a list. Patterns are replaced by the files that fit, in the
    /// order of their names, if there is no file of that very name. Lists are read line by line.
    ///
    /// # Errors
    /// A list that cannot be read; a pattern that no file fits, or that is wrong; those of `take`.
    pub fn each(
        &self,
        stdin: &mut dyn BufRead,
        take: &mut dyn FnMut(PathBuf, bool) -> Result<(), PredictError>,
    ) -> Result<(), PredictError> {
        for name in &self.names {
            match name.to_str() {
                Some("-") => lines(stdin, Path::new("standard input"), take)?,
                Some(text) if text.starts_with('@') => read(Path::new(&text[1..]), take)?,
                _ => expand(name.clone(), false, take)?,
            }
        }
        match &self.list {
            Some(list) if list.as_os_str() == "-" => {
                lines(stdin, Path::new("standard input"), take)
            }
            Some(list) => read(list, take),
            None => Ok(()),
        }
    }
}

type Take<'a> = &'a mut dyn FnMut(PathBuf, bool) -> Result<(), PredictError>;

fn read(list: &Path, take: Take<'_>) -> Result<(), PredictError> {
    let file = File::open(list).map_err(FileError::at("read the list", list))?;
    lines(&mut BufReader::new(file), list, take)
}

fn lines(reader: &mut dyn BufRead, list: &Path, take: Take<'_>) -> Result<(), PredictError> {
    let mut line = String::new();
    loop {
        line.clear();
        let read = reader.read_line(&mut line);
        if read.map_err(FileError::at("read the list", list))? == 0 {
            return Ok(());
        }
        let name = line.trim_start_matches('\u{feff}').trim();
        if !name.is_empty() {
            expand(PathBuf::from(name), true, take)?;
        }
    }
}

/// Whether a name is a pattern of names.
pub fn is_pattern(name: &Path) -> bool {
    name.to_string_lossy().contains(['*', '?', '['])
}

fn expand(name: PathBuf, listed: bool, take: Take<'_>) -> Result<(), PredictError> {
    if !is_pattern(&name) || name.exists() {
        return take(name, listed);
    }
    let refuse = |reason: String| PredictError::Input {
        path: name.clone(),
        reason,
    };
    let found = glob::glob(&name.to_string_lossy())
        .map_err(|error| refuse(format!("is not a pattern: {}", error.msg)))?;
    let mut num_found = 0;
    for path in found {
        let path =
            path.map_err(|error| refuse(format!("cannot be searched: {}", error.error())))?;
        num_found += 1;
        take(path, listed)?;
    }
    match num_found {
        0 => Err(refuse("no file has a name like this".to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn all(names: &[&str], list: Option<&str>, stdin: &str, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let place = |name: &&str| match name.starts_with('@') {
            true => PathBuf::from(format!("@{}", folder.join(&name[1..]).display())),
            false if *name == "-" => PathBuf::from("-"),
            false => folder.join(name),
        };
        let names = InputNames {
            names: names.iter().map(place).collect(),
            list: list.map(|list| folder.join(list)),
        };
        names
            .each(&mut stdin.as_bytes(), &mut |path, listed| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push(format!("{name}{}", if listed { "*" } else { "" }));
                Ok(())
            })
            .unwrap();
        found
    }

    #[test]
    fn names_come_in_their_order_from_everywhere() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        for name in ["b.npy", "a.npy", "c.txt", "odd[1].npy"] {
            fs::write(folder.join(name), "").unwrap();
        }
        fs::write(folder.join("list"), "x.npy\n\n  y.npy\r\n").unwrap();
        assert_eq!(
            all(&["[ab].npy", "c.txt", "-"], Some("list"), "s.npy\n", folder),
            ["a.npy", "b.npy", "c.txt", "s.npy*", "x.npy*", "y.npy*"]
        );
        assert_eq!(all(&["@list"], None, "", folder), ["x.npy*", "y.npy*"]);
        // A file whose name looks like a pattern is meant itself.
        assert_eq!(all(&["odd[1].npy"], None, "", folder), ["odd[1].npy"]);
        let none = InputNames {
            names: vec![folder.join("*.mp4")],
            list: None,
        };
        let message = none.each(&mut "".as_bytes(), &mut |_, _| Ok(()));
        assert!(
            message
                .unwrap_err()
                .to_string()
                .contains("no file has a name")
        );
    }
}
