#![no_main]

use libfuzzer_sys::fuzz_target;
use tal_corpus::source::SourceFormat;

mod source;

fuzz_target!(|bytes: &[u8]| source::check(SourceFormat::EpicVerbs, "EPIC_100_train.csv", bytes));
