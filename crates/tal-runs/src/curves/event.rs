//! Records of TensorBoard's event files.
//!
//! # Source
//! TensorFlow's `tsl/lib/io/record_writer.h` and `tensorflow/core/util/event.proto`: a record is its length (u64), a masked
//! CRC-32C of that, the data, and a masked CRC-32C of the data, all little-endian.

use super::scalars::Scalars;

/// Fields of the messages, with their wire types.
mod field {
    pub(super) const WALL_TIME: u8 = (1 << 3) | 1;
    pub(super) const STEP: u8 = 2 << 3;
    pub(super) const FILE_VERSION: u8 = (3 << 3) | 2;
    pub(super) const SUMMARY: u8 = (5 << 3) | 2;
    pub(super) const VALUE: u8 = (1 << 3) | 2;
    pub(super) const TAG: u8 = (1 << 3) | 2;
    pub(super) const SIMPLE_VALUE: u8 = (2 << 3) | 5;
}

/// Content of the first record.
const VERSION: &[u8] = b"brain.Event:2";
/// Bytes around the data of a record: before it and after it.
const AROUND: (usize, usize) = (12, 4);

/// The first record of a file.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    let mut event = timed(wall_time);
    bytes(&mut event, field::FILE_VERSION, VERSION);
    record(&event)
}

/// The record of scalars; values are rounded to single precision, as the format wants them.
pub(super) fn scalars(wall_time: f64, scalars: &Scalars) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, number) in &scalars.values {
        let mut value = Vec::new();
        bytes(&mut value, field::TAG, tag.as_bytes());
        value.push(field::SIMPLE_VALUE);
        let number = number.as_f64().unwrap_or(f64::NAN) as f32;
        value.extend(number.to_le_bytes());
        bytes(&mut summary, field::VALUE, &value);
    }
    let mut event = timed(wall_time);
    event.push(field::STEP);
    varint(&mut event, scalars.step as u64);
    bytes(&mut event, field::SUMMARY, &summary);
    record(&event)
}

fn timed(wall_time: f64) -> Vec<u8> {
    let mut event = vec![field::WALL_TIME];
    event.extend(wall_time.to_le_bytes());
    event
}

fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field);
    varint(out, content.len() as u64);
    out.extend(content);
}

/// Seven bits a byte, the lowest first.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn record(data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + AROUND.0 + AROUND.1);
    record.extend(len);
    record.extend(masked_checksum(&len).to_le_bytes());
    record.extend(data);
    record.extend(masked_checksum(data).to_le_bytes());
    record
}

fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// A record that was written by this module.
pub(super) struct Record<'a> {
    /// Seconds since 1970.
    pub(super) wall_time: f64,
    /// The step; 0 in the first record.
    pub(super) step: i64,
    /// Its data.
    #[cfg_attr(not(test), expect(dead_code))]
    pub(super) bytes: &'a [u8],
}

/// The records of a file up to the first that is damaged or was not written by this module.
pub(super) fn records(mut file: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let (len, rest) = file.split_first_chunk::<8>()?;
        let (checksum, rest) = rest.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*checksum) != masked_checksum(len) {
            return None;
        }
        let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
        let (data, rest) = rest.split_at_checked(len)?;
        let (checksum, rest) = rest.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*checksum) != masked_checksum(data) {
            return None;
        }
        file = rest;
        let (&first, content) = data.split_first()?;
        let (wall_time, content) = content.split_first_chunk::<8>()?;
        if first != field::WALL_TIME {
            return None;
        }
        Some(Record {
            wall_time: f64::from_le_bytes(*wall_time),
            step: match content.split_first() {
                Some((&field::STEP, content)) => read_varint(content)?,
                _ => 0,
            },
            bytes: data,
        })
    })
}

fn read_varint(bytes: &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(value as i64);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(step: i64) -> Scalars {
        Scalars {
            step,
            is_rare: false,
            values: vec![(
                "train/loss".to_owned(),
                serde_json::Number::from_f64(0.5).unwrap(),
            )],
        }
    }

    #[test]
    fn a_record_has_the_bytes_that_tensorboard_writes() {
        // `tensorboard.summary.writer.record_writer.RecordWriter` and `event_pb2.Event(wall_time=1.5, step=300, …)`.
        let data = [
            &[0x09][..],
            &1.5_f64.to_le_bytes(),
            &[0x10, 0xac, 0x02, 0x2a, 0x13, 0x0a, 0x11, 0x0a, 0x0a],
            b"train/loss",
            &[0x15, 0, 0, 0, 0x3f],
        ]
        .concat();
        let written = scalars(1.5, &one(300));
        assert_eq!(written[12..written.len() - 4], data);
        // The check value of CRC-32C for "123456789" is e3069283.
        let masked = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_checksum(b"123456789"), masked);
    }

    #[test]
    fn damage_ends_the_reading() {
        let mut file = [version(1.0), scalars(2.0, &one(1)), scalars(3.0, &one(2))].concat();
        let steps = |file: &[u8]| records(file).map(|record| record.step).collect::<Vec<_>>();
        assert_eq!(steps(&file), [0, 1, 2]);
        assert_eq!(steps(&file[..file.len() - 1]), [0, 1]);
        let middle = version(1.0).len() + 20;
        file[middle] ^= 1;
        assert_eq!(steps(&file), [0]);
        assert_eq!(steps(&[0xff; 40]), [] as [i64; 0]);
    }
}
