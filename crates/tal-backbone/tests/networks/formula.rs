//! Weights, clips and frames by the formula that the recorded networks were run with.
//!
//! Integers wrap at 64 bits; real numbers are float64, rounded once to float32.

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of numbers that a key determines.
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(key: &str) -> Self {
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(hash))
    }

    /// The number at a place, in [0, 1).
    pub(crate) fn unit(&self, place: u64) -> f64 {
        let word = mix(self.0.wrapping_add((place + 1).wrapping_mul(GAMMA)));
        (word >> 40) as f64 / f64::from(1 << 24)
    }
}

/// Values of a parameter, row by row; `key` ends in its name.
pub(crate) fn parameter(key: &str, shape: &[i64], gain: f64) -> Vec<f32> {
    let last = key.rsplit('.').next().unwrap_or(key);
    let (low, high) = match (last, shape.len()) {
        ("weight", 2..) => {
            let fan_in: i64 = shape[1..].iter().product();
            let limit = gain * (3.0 / fan_in as f64).sqrt();
            (-limit, limit)
        }
        ("weight" | "running_var", _) => (0.5, 1.5),
        ("bias" | "q_bias" | "v_bias" | "running_mean", _) => (-0.2, 0.2),
        _ => panic!("the formula knows no parameter {key}"),
    };
    let stream = Stream::new(key);
    let number = shape.iter().product::<i64>() as u64;
    let values = (0..number).map(|place| (low + (high - low) * stream.unit(place)) as f32);
    values.collect()
}

/// Mean and amplitudes of a clip.
pub(crate) struct Levels {
    pub(crate) mid: f64,
    pub(crate) coarse: f64,
    pub(crate) fine: f64,
}

/// Values of a clip (C, T, H, W), made of blocks and noise.
pub(crate) fn clip(key: &str, shape: [u64; 4], block: [u64; 3], levels: &Levels) -> Vec<f32> {
    let coarse = Stream::new(&format!("{key}/coarse"));
    let fine = Stream::new(&format!("{key}/fine"));
    let [_, frames, height, width] = shape;
    let [nt, nh, nw] = [0, 1, 2].map(|axis| shape[axis + 1].div_ceil(block[axis]));
    let value = |place: u64| {
        let (x, rest) = (place % width, place / width);
        let (y, rest) = (rest % height, rest / height);
        let (t, c) = (rest % frames, rest / frames);
        let part = ((c * nt + t / block[0]) * nh + y / block[1]) * nw + x / block[2];
        let [coarse, fine] = [coarse.unit(part), fine.unit(place)].map(|unit| 2.0 * unit - 1.0);
        ((levels.mid + levels.coarse * coarse) + levels.fine * fine) as f32
    };
    (0..shape.iter().product()).map(value).collect()
}

#[test]
fn values_are_those_of_the_description() {
    let bits =
        |values: Vec<f32>| -> Vec<u32> { values.into_iter().take(3).map(f32::to_bits).collect() };
    let weight = parameter("g1/r2plus1d_18/stem.0.weight", &[45, 3, 1, 7, 7], 1.2);
    assert_eq!(bits(weight), [0x3dba_4383, 0x3da3_495b, 0xbd67_6535]);
    let variance = parameter("g1/i3d_rgb/Mixed_3b.b0.bn.running_var", &[64], 1.4);
    assert_eq!(bits(variance), [0x3f50_355d, 0x3f77_3f97, 0x3f1f_0786]);
    let bias = parameter("g1/vit_small/blocks.0.attn.q_bias", &[384], 1.4);
    assert_eq!(bits(bias), [0xbdff_ee5a, 0x3e13_40f0, 0x3deb_93c6]);
    let levels = Levels {
        mid: 0.0,
        coarse: 1.5,
        fine: 0.5,
    };
    let clip = clip(
        "g1/r2plus1d_18/clip0",
        [3, 16, 112, 112],
        [4, 28, 28],
        &levels,
    );
    assert_eq!(clip.last().copied(), Some(-0.639_314_23));
    assert_eq!(bits(clip), [0x3f99_566d, 0x3fc7_6fd0, 0x3fb9_161c]);
}
