//! Process groups: several processes, each with a rank, that sum tensors over all of them.
//!
//! A [`Store`] over TCP brings the processes together and carries short messages; a [`ProcessGroup`] on top of it moves tensors,
//! with Gloo on the host and NCCL on CUDA. The path through NCCL is compiled; it has never run on a GPU.

mod raw;
mod store;

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::time::Duration;

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

use raw::{
    tal_group_all_gather, tal_group_all_reduce, tal_group_broadcast, tal_group_disconnect,
    tal_group_free, tal_group_zero_gradient,
};
pub use store::Store;

/// Size of the pieces in which gradients are summed, in bytes. Other sizes round sums of more than two ranks differently.
const BUCKET_BYTES: i64 = 25 << 20;

/// An error of LibTorch's process groups, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupError(String);

impl GroupError {
    /// The error of a message that did not come within `timeout`.
    pub fn late(timeout: Duration) -> Self {
        Self(format!("nothing came within {} s", timeout.as_secs()))
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GroupError {}

/// Takes the message of a failed call over; only its first line concerns users.
fn outcome(message: *mut c_char) -> Result<(), GroupError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a message is a string of C that belongs to us.
    let text = unsafe { CStr::from_ptr(message) }
        .to_string_lossy()
        .into_owned();
    // SAFETY: as above, and it is not used again.
    unsafe { tal_group_free(message) };
    let first = text.lines().next().unwrap_or_default();
    Err(GroupError(first.to_owned()))
}

fn text(text: &str) -> Result<CString, GroupError> {
    CString::new(text).map_err(|_| GroupError(format!("{text:?} holds a zero byte")))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Processes that are connected. All of them must call the same collectives in the same order, with tensors of the same sizes
/// and kinds: another size ends the process, another kind gives wrong numbers.
#[derive(Debug)]
pub struct ProcessGroup {
    store: Store,
    rank: usize,
    size: usize,
}

impl ProcessGroup {
    /// Number of this process, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Number of processes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The store that brought the processes together.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Puts into each tensor its sum over all ranks. All tensors have one kind and one device.
    ///
    /// # Errors
    /// If another rank is gone or late.
    pub fn all_reduce(&self, tensors: &[Tensor]) -> Result<(), GroupError> {
        let raw: Vec<*mut C_tensor> = tensors.iter().map(|t| t.as_ptr().cast_mut()).collect();
        // SAFETY: the handles live through the call.
        outcome(unsafe {
            tal_group_all_reduce(self.store.handle.0, raw.as_ptr(), raw.len(), BUCKET_BYTES)
        })
    }

    /// Puts the values of rank `root` into the tensor of every rank.
    ///
    /// # Errors
    /// If another rank is gone or late.
    pub fn broadcast(&self, tensor: &Tensor, root: usize) -> Result<(), GroupError> {
        let root = c_int::try_from(root).unwrap_or(c_int::MAX);
        // SAFETY: the handle lives through the call.
        outcome(unsafe {
            tal_group_broadcast(self.store.handle.0, tensor.as_ptr().cast_mut(), root)
        })
    }

    /// The bytes that each rank gives, by rank.
    ///
    /// # Errors
    /// If another rank is gone or late.
    pub fn all_gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GroupError> {
        let lens = self.all_gather_tensor(&Tensor::from_slice(&[bytes.len() as i64]))?;
        let lens: Vec<usize> = lens
            .iter()
            .map(|len| len.int64_value(&[0]) as usize)
            .collect();
        let longest = lens.iter().copied().max().unwrap_or(0).max(1);
        let mut padded = bytes.to_vec();
        padded.resize(longest, 0);
        let rows = self.all_gather_tensor(&Tensor::from_slice(&padded))?;
        let row = |(tensor, len): (&Tensor, usize)| {
            let mut row = vec![0u8; longest];
            tensor.copy_data(&mut row, longest);
            row.truncate(len);
            row
        };
        Ok(rows.iter().zip(lens).map(row).collect())
    }

    fn all_gather_tensor(&self, input: &Tensor) -> Result<Vec<Tensor>, GroupError> {
        let rows: Vec<Tensor> = (0..self.size).map(|_| input.zeros_like()).collect();
        let raw: Vec<*mut C_tensor> = rows.iter().map(|row| row.as_ptr().cast_mut()).collect();
        // SAFETY: the handles live through the call.
        outcome(unsafe {
            tal_group_all_gather(
                self.store.handle.0,
                input.as_ptr().cast_mut(),
                raw.as_ptr(),
                raw.len(),
            )
        })?;
        Ok(rows)
    }

    /// Returns after all ranks have called it.
    ///
    /// # Errors
    /// If another rank is gone or late.
    pub fn barrier(&self) -> Result<(), GroupError> {
        self.all_reduce(&[Tensor::zeros([1], (Kind::Double, tch::Device::Cpu))])
    }

    /// Closes the connections and gives back the store, so that others can still read it.
    pub fn leave(self) -> Store {
        // SAFETY: no collective runs: each has ended when its call returned.
        let _closing_cannot_help = outcome(unsafe { tal_group_disconnect(self.store.handle.0) });
        self.store
    }
}

/// Gives a variable that has no gradient one of zeros.
///
/// # Panics
/// If LibTorch refuses: the tensor is no variable.
pub fn ensure_gradient(variable: &Tensor) {
    // SAFETY: the handle lives through the call, and no other thread uses its gradient.
    let outcome = outcome(unsafe { tal_group_zero_gradient(variable.as_ptr().cast_mut()) });
    assert_eq!(outcome, Ok(()), "the tensor takes no gradient");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    /// Runs `work` as each of `size` ranks, in threads that stand for processes.
    fn ranks<T: Send>(size: usize, work: impl Fn(ProcessGroup) -> T + Sync) -> Vec<T> {
        let server = Store::serve(0, TIMEOUT).unwrap();
        let port = server.port();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..size)
                .map(|rank| {
                    let work = &work;
                    scope.spawn(move || {
                        let store = Store::join("localhost", port, TIMEOUT).unwrap();
                        work(store.connect(rank, size, TIMEOUT, false).unwrap())
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        })
    }

    #[test]
    fn sums_bytes_and_values_travel() {
        let sums = ranks(3, |group| {
            let rank = group.rank() as f32;
            let tensors = [
                Tensor::from_slice(&[rank, 1.0]),
                Tensor::full(
                    [2, 3],
                    f64::from(rank) + 1.0,
                    (Kind::Float, tch::Device::Cpu),
                ),
            ];
            group.all_reduce(&tensors).unwrap();
            let bytes = group.all_gather(&vec![7u8; group.rank() * 2]).unwrap();
            let value = Tensor::from_slice(&[rank]);
            group.broadcast(&value, 2).unwrap();
            group.barrier().unwrap();
            let first = Vec::<f32>::try_from(&tensors[0]).unwrap();
            drop(group.leave());
            (
                first,
                tensors[1].double_value(&[1, 2]),
                bytes,
                value.double_value(&[0]),
            )
        });
        for (first, second, bytes, value) in sums {
            assert_eq!((first, second, value), (vec![3.0, 3.0], 6.0, 2.0));
            assert_eq!(bytes, [vec![], vec![7; 2], vec![7; 4]]);
        }
    }

    #[test]
    fn a_rank_that_is_gone_is_an_error() {
        let outcomes = ranks(2, |group| {
            let first = group.rank() == 0;
            match first {
                true => group.barrier().and_then(|()| group.barrier()).is_err(),
                false => group.barrier().is_ok(),
            }
        });
        assert_eq!(outcomes, [true, true]);
    }

    #[test]
    fn stores_hold_values() {
        let server = Store::serve(0, TIMEOUT).unwrap();
        let join = || Store::join("localhost", server.port(), TIMEOUT).unwrap();
        let other = join();
        assert_eq!(other.get("key").unwrap(), None);
        let keys = ["key".to_owned(), "other".to_owned()];
        assert!(!other.wait(&keys, Duration::from_millis(5)).unwrap());
        server.set("key", b"value").unwrap();
        assert_eq!(other.get("key").unwrap().unwrap(), b"value");
        assert!(other.wait(&keys[..1], TIMEOUT).unwrap());
        assert!(!other.wait(&keys, Duration::from_millis(5)).unwrap());
        let below = join().below("a").unwrap();
        assert_eq!(below.get("key").unwrap(), None);
        below.set("key", b"below").unwrap();
        assert_eq!(other.get("a/key").unwrap().unwrap(), b"below");
        assert_eq!(other.get("key").unwrap().unwrap(), b"value");
        other.add("count", 2).unwrap();
        assert_eq!(server.add("count", 3).unwrap(), 5);
    }

    #[test]
    fn a_variable_without_gradient_gets_zeros() {
        let variable = Tensor::ones([2], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        assert!(!variable.grad().defined());
        ensure_gradient(&variable);
        assert_eq!(Vec::<f32>::try_from(variable.grad()).unwrap(), [0.0, 0.0]);
    }
}
