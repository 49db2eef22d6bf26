//! `tal data prepare`: a publisher's files become annotations and arrays.

use anyhow::Result;
use tal_data::sbhar_text;

use crate::args::{PrepareArgs, PreparedDataset};
use crate::console::print;

pub(crate) fn run(args: &PrepareArgs) -> Result<()> {
    match args.dataset {
        PreparedDataset::Sbhar => {
            let corpus = sbhar_text::read(&args.from, &sbhar_text::TEST_USERS)?;
            corpus.write(&args.out)?;
            print(&format!(
                "{}: annotations.json, raw/ ({} recordings, {} Hz)",
                args.out.display(),
                corpus.truth.recordings.len(),
                sbhar_text::SAMPLE_RATE
            ))
        }
    }
}
