//! Time of preprocessing a 720p frame by the recipes in a folder, on one core, the fastest of 400 runs:
//!
//! ```sh
//! cargo run --release -p tal-video --example preprocessing -- configs/features
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use tal_video::{Preprocessor, Recipe};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder of recipes?")?;
    let mut files = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(|file| file.path());
    let (width, height) = (1280, 720);
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let rgb: Vec<u8> = (0..width * height * 3).map(|_| byte()).collect();
    for file in files {
        let recipe: Recipe = serde_yaml::from_str(&std::fs::read_to_string(file.path())?)?;
        let mut preprocessor = Preprocessor::new(&recipe.pixels)?;
        let mut output = vec![0.0; preprocessor.num_values()];
        let mut fastest = Duration::MAX;
        for _ in 0..400 {
            let start = Instant::now();
            preprocessor.run(&rgb, width, height, &mut output)?;
            fastest = fastest.min(start.elapsed());
        }
        println!("{}: {fastest:?}", file.path().display());
    }
    Ok(())
}
