//! The click files of THUMOS14's annotators.
//!
//! ```text
//! URLID,URL,TagID,Tag,Start,End,Time,State
//! video_validation_0000051,video_validation_0000051.mp4,20,background_background,21.5,21.5,1,1
//! ```
//!
//! The files of the three annotators (`data/THUMOS14/human_anns` of github.com/VividLe/BackTAL) come from a tool that marks
//! stretches of videos in the browser. Its columns:
//!
//! | column | meaning | read as |
//! |---|---|---|
//! | URLID | the tool's name of the video | not used: other exports number the videos |
//! | URL | file of the video | the recording's id: the file's name without folder and extension |
//! | TagID | number of the tag; 20 = number of classes in these files | not used: the Tag says the same |
//! | Tag | name of the tag | a background click where `background` is one of its words; other rows are left out |
//! | Start, End | ends of the marked stretch in seconds | the click, at Start; a warning names rows whose End is another moment |
//! | Time | how often the video was saved | not used |
//! | State | 0 not worked on, 1 done, 2 thrown away | rows with 2 are left out |

use std::path::Path;

use crate::table::Table;
use crate::text::finite;

use super::{ClickError, Clicks};

const COLUMNS: [&str; 8] = [
    "URLID", "URL", "TagID", "Tag", "Start", "End", "Time", "State",
];
/// Most clicks with a length that a warning names.
const MAX_NAMED: usize = 5;
/// State of a video that the annotator threw away.
const THROWN_AWAY: &str = "2";

/// Reads the content of a table, see the [module](self); errors name `path`.
///
/// # Units
/// Seconds.
///
/// # Errors
/// A column that is missing; a row with more or fewer cells, without a file name, or whose Start or End is not a number of
/// seconds from 0 (with the line); no background click at all.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Clicks, ClickError> {
    let mut table = Table::new(bytes, path)?;
    let [_, url, _, tag, start, end, _, state] = {
        let mut columns = [0; COLUMNS.len()];
        for (column, name) in columns.iter_mut().zip(COLUMNS) {
            *column = table.column(name, &COLUMNS)?;
        }
        columns
    };
    let mut clicks = Clicks::default();
    let mut num_left_out = 0;
    let (mut num_long, mut long) = (0, Vec::new());
    while table.next_row()? {
        if !is_background(table.cell(tag)) || table.cell(state) == THROWN_AWAY {
            num_left_out += 1;
            continue;
        }
        let recording = table.parse(url, "the name of a video file", recording_id)?;
        let seconds = |text: &str| finite(text).filter(|seconds| *seconds >= 0.0);
        let from = table.parse(start, "seconds from 0", seconds)?;
        let to = table.parse(end, "seconds from 0", seconds)?;
        // The tool lets annotators drag; what they saw first is where they clicked.
        if from != to {
            num_long += 1;
            if long.len() < MAX_NAMED {
                long.push(format!("line {} ({from} to {to} s)", table.line()));
            }
        }
        // Negative zero would sort before zero.
        clicks.add(&recording, from + 0.0);
    }
    if clicks.is_empty() {
        return Err(ClickError::NoBackground(path.to_owned()));
    }
    if num_long > 0 {
        let more = match num_long - long.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        tracing::warn!(
            "{}: {num_long} clicks have an End that is not their Start, and count at Start: {}{more}",
            path.display(),
            long.join(", ")
        );
    }
    if num_left_out > 0 {
        tracing::info!(
            "{}: {num_left_out} rows left out that are not background clicks",
            path.display()
        );
    }
    Ok(clicks)
}

fn is_background(tag: &str) -> bool {
    let mut words = tag.split(|c: char| !c.is_alphanumeric());
    words.any(|word| word.eq_ignore_ascii_case("background"))
}

/// The file's name without folder (of any system) and extension.
fn recording_id(url: &str) -> Option<String> {
    let name = url.rsplit(['/', '\\']).next()?;
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    (!stem.is_empty()).then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "URLID,URL,TagID,Tag,Start,End,Time,State\n";

    fn read(rows: &str) -> Result<Clicks, String> {
        parse(format!("{HEAD}{rows}").as_bytes(), Path::new("A1.txt"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn rows_become_clicks() {
        let clicks = read(
            "v_51,v_51.mp4,20,background_background,21.5,21.5,1,1\n\
             v_51,v_51.mp4,20,background_background,0,0,1,1\n\
             7,https://host/videos/v_52.v2.mp4,20,Background,152.5,152.50,3,1\n\
             8,videos\\v_53.mp4,3,Diving,1,4,1,1\n\
             9,v_54.mp4,20,background_background,9,9,1,2\n",
        )
        .unwrap();
        let all: Vec<_> = clicks.iter().collect();
        assert_eq!(all, [("v_51", &[0.0, 21.5][..]), ("v_52.v2", &[152.5][..])]);
    }

    #[test]
    fn a_click_that_was_dragged_is_where_it_began() {
        let clicks = read(
            "v,v.mp4,20,background_background,2,3,1,1\n\
             w,w.mp4,20,background_background,9.5,9,1,1\n",
        )
        .unwrap();
        assert_eq!((clicks.of("v"), clicks.of("w")), (&[2.0][..], &[9.5][..]));
    }

    #[test]
    fn exports_with_a_byte_order_mark_and_windows_lines_are_read() {
        let text = format!("\u{feff}{HEAD}v,v.mp4,20,background_background,2,2,1,1\n");
        let text = text.replace('\n', "\r\n");
        let clicks = parse(text.as_bytes(), Path::new("a.csv")).unwrap();
        assert_eq!(clicks.of("v"), [2.0]);
    }

    #[test]
    fn errors_name_the_line() {
        let good = "v,v.mp4,20,background_background,2,2,1,1\n";
        for (row, expected) in [
            ("v,v.mp4,20,background_background,2,x,1,1", "line 3"),
            ("v,v.mp4,20,background_background,-2,-2,1,1", "line 3"),
            ("v,v.mp4,20,background_background,inf,inf,1,1", "line 3"),
            ("v,v.mp4,20,background_background,x,2,1,1", "\"x\""),
            ("v,,20,background_background,2,2,1,1", "URL"),
            ("v,v.mp4,20,background_background,2,2", "line 3"),
        ] {
            let error = read(&format!("{good}{row}\n")).unwrap_err();
            assert!(
                error.contains("A1.txt") && error.contains(expected),
                "{error}"
            );
        }
        let error = parse(b"URLID,URL,TagID,Tag,Start\n", Path::new("A1.txt")).unwrap_err();
        assert!(error.to_string().contains("End"), "{error}");
        let error = read("v,v.mp4,3,Diving,2,2,1,1\n").unwrap_err();
        assert!(error.contains("no row is a background click"), "{error}");
        let error = read("v,v.mp4,3,foreground,2,2,1,1\n").unwrap_err();
        assert!(error.contains("no row is a background click"), "{error}");
    }
}
