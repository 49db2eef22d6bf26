//! Process groups: several processes, each with a rank, that sum tensors over all of them.
//!
//! A [`Store`] over TCP brings the processes together and carries short messages; a [`ProcessGroup`] on top of it moves tensors,
//! with Gloo on the host and NCCL on CUDA. The path through NCCL is compiled; it has never run on a GPU.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::time::Duration;

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

/// Size of the pieces in which gradients are summed, in bytes. Other sizes round sums of more than two ranks differently.
const BUCKET_BYTES: i64 = 25 << 20;

#[repr(C)]
struct RawGroup {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn tal_group_free(text: *mut c_char);
    fn tal_group_open(
        host: *const c_char,
        port: *mut u16,
        serves: c_int,
        prefix: *const c_char,
        timeout_ms: i64,
        out: *mut *mut RawGroup,
    ) -> *mut c_char;
    fn tal_group_connect(
        group: *mut RawGroup,
        rank: c_int,
        size: c_int,
        timeout_ms: i64,
        on_cuda: c_int,
    ) -> *mut c_char;
    fn tal_group_set(
        group: *mut RawGroup,
        key: *const c_char,
        bytes: *const u8,
        count: usize,
    ) -> *mut c_char;
    fn tal_group_check(group: *mut RawGroup, key: *const c_char, found: *mut c_int) -> *mut c_char;
    fn tal_group_get(
        group: *mut RawGroup,
        key: *const c_char,
        bytes: *mut *mut u8,
        count: *mut usize,
    ) -> *mut c_char;
    fn tal_group_add(
        group: *mut RawGroup,
        key: *const c_char,
        amount: i64,
        sum: *mut i64,
    ) -> *mut c_char;
    fn tal_group_all_reduce(
        group: *mut RawGroup,
        tensors: *const *mut C_tensor,
        count: usize,
        bucket_bytes: i64,
    ) -> *mut c_char;
    fn tal_group_broadcast(group: *mut RawGroup, tensor: *mut C_tensor, root: c_int)
    -> *mut c_char;
    fn tal_group_all_gather(
        group: *mut RawGroup,
        input: *mut C_tensor,
        outputs: *const *mut C_tensor,
        count: usize,
    ) -> *mut c_char;
    fn tal_group_zero_gradient(variable: *mut C_tensor) -> *mut c_char;
    fn tal_group_disconnect(group: *mut RawGroup) -> *mut c_char;
    fn tal_group_close(group: *mut RawGroup);
}

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

/// A table of short values that all processes of a group read and write, served by one process over TCP.
#[derive(Debug)]
pub struct Store {
    raw: *mut RawGroup,
    port: u16,
}

// SAFETY: c10d's stores and backends lock their own state.
unsafe impl Send for Store {}
// SAFETY: as above.
unsafe impl Sync for Store {}

impl Store {
    /// Serves a store at `port` of this machine; 0 lets the system choose a free port.
    ///
    /// # Errors
    /// If the port is in use.
    pub fn serve(port: u16, prefix: &str, timeout: Duration) -> Result<Self, GroupError> {
        Self::open("localhost", port, true, prefix, timeout)
    }

    /// Joins the store that another process serves at `host` and `port`.
    ///
    /// # Errors
    /// If nobody serves one there before the time is over.
    pub fn join(
        host: &str,
        port: u16,
        prefix: &str,
        timeout: Duration,
    ) -> Result<Self, GroupError> {
        Self::open(host, port, false, prefix, timeout)
    }

    fn open(
        host: &str,
        mut port: u16,
        serves: bool,
        prefix: &str,
        timeout: Duration,
    ) -> Result<Self, GroupError> {
        let (host, prefix) = (text(host)?, text(prefix)?);
        let mut raw = std::ptr::null_mut();
        // SAFETY: strings and places live through the call.
        outcome(unsafe {
            tal_group_open(
                host.as_ptr(),
                &raw mut port,
                serves.into(),
                prefix.as_ptr(),
                millis(timeout),
                &raw mut raw,
            )
        })?;
        Ok(Self { raw, port })
    }

    /// The port at which the store is served.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets a value.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), GroupError> {
        let key = text(key)?;
        // SAFETY: key and value live through the call.
        outcome(unsafe { tal_group_set(self.raw, key.as_ptr(), value.as_ptr(), value.len()) })
    }

    /// The value of a key; `None` if nobody has set it.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, GroupError> {
        let key = text(key)?;
        let mut found = 0;
        // SAFETY: key and place live through the call.
        outcome(unsafe { tal_group_check(self.raw, key.as_ptr(), &raw mut found) })?;
        if found == 0 {
            return Ok(None);
        }
        let (mut bytes, mut count) = (std::ptr::null_mut(), 0);
        // SAFETY: as above.
        outcome(unsafe { tal_group_get(self.raw, key.as_ptr(), &raw mut bytes, &raw mut count) })?;
        // SAFETY: on success `bytes` holds `count` bytes, which belong to us.
        let value = unsafe { std::slice::from_raw_parts(bytes, count) }.to_vec();
        // SAFETY: not used again.
        unsafe { tal_group_free(bytes.cast()) };
        Ok(Some(value))
    }

    /// Adds to a number, which is 0 at first, and gives the sum.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn add(&self, key: &str, amount: i64) -> Result<i64, GroupError> {
        let key = text(key)?;
        let mut sum = 0;
        // SAFETY: key and place live through the call.
        outcome(unsafe { tal_group_add(self.raw, key.as_ptr(), amount, &raw mut sum) })?;
        Ok(sum)
    }

    /// Connects the `size` processes that share the store, of which this one is `rank`. Every collective then ends within
    /// `timeout`. `on_cuda` moves tensors on CUDA with NCCL, out of a libtorch_cuda.so that is already loaded.
    ///
    /// # Errors
    /// If another rank does not come, or cannot be reached.
    pub fn connect(
        self,
        rank: usize,
        size: usize,
        timeout: Duration,
        on_cuda: bool,
    ) -> Result<ProcessGroup, (Self, GroupError)> {
        let number = |value: usize| c_int::try_from(value).unwrap_or(c_int::MAX);
        // SAFETY: takes numbers alone.
        let connected = outcome(unsafe {
            tal_group_connect(
                self.raw,
                number(rank),
                number(size),
                millis(timeout),
                on_cuda.into(),
            )
        });
        match connected {
            Ok(()) => Ok(ProcessGroup {
                store: self,
                rank,
                size,
            }),
            Err(error) => Err((self, error)),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the only owner, and not used again.
        unsafe { tal_group_close(self.raw) };
    }
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
            tal_group_all_reduce(self.store.raw, raw.as_ptr(), raw.len(), BUCKET_BYTES)
        })
    }

    /// Puts the values of rank `root` into the tensor of every rank.
    ///
    /// # Errors
    /// If another rank is gone or late.
    pub fn broadcast(&self, tensor: &Tensor, root: usize) -> Result<(), GroupError> {
        let root = c_int::try_from(root).unwrap_or(c_int::MAX);
        // SAFETY: the handle lives through the call.
        outcome(unsafe { tal_group_broadcast(self.store.raw, tensor.as_ptr().cast_mut(), root) })
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
                self.store.raw,
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
        let _closing_cannot_help = outcome(unsafe { tal_group_disconnect(self.store.raw) });
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
        let server = Store::serve(0, "test", TIMEOUT).unwrap();
        let port = server.port();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..size)
                .map(|rank| {
                    let work = &work;
                    scope.spawn(move || {
                        let store = Store::join("localhost", port, "test", TIMEOUT).unwrap();
                        let group = store.connect(rank, size, TIMEOUT, false);
                        work(group.map_err(|(_, error)| error).unwrap())
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
        let server = Store::serve(0, "a", TIMEOUT).unwrap();
        let other = Store::join("localhost", server.port(), "a", TIMEOUT).unwrap();
        assert_eq!(other.get("key").unwrap(), None);
        server.set("key", b"value").unwrap();
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
