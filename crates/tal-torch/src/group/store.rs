//! A table of short values over TCP.

use std::ffi::{CString, c_char, c_int};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::raw::{
    Handle, RawGroup, tal_group_add, tal_group_check, tal_group_connect, tal_group_free,
    tal_group_get, tal_group_narrow, tal_group_open, tal_group_set, tal_group_wait,
};
use super::{GroupError, ProcessGroup, millis, outcome, text};

/// A table of short values that all processes of a group read and write, served by one process over TCP.
///
/// Every call ends: if the process that serves the table does not answer in time, the call and all later ones fail.
pub struct Store {
    pub(super) handle: Arc<Handle>,
    port: u16,
    patience: Mutex<Duration>,
    is_silent: AtomicBool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store(port {})", self.port)
    }
}

impl Store {
    /// Serves a store at `port` of this machine; 0 lets the system choose a free port.
    ///
    /// # Errors
    /// If the port is in use.
    pub fn serve(port: u16, timeout: Duration) -> Result<Self, GroupError> {
        Self::open("localhost", port, true, timeout)
    }

    /// Joins the store that another process serves at `host` and `port`.
    ///
    /// # Errors
    /// If nobody serves one there before the time is over.
    pub fn join(host: &str, port: u16, timeout: Duration) -> Result<Self, GroupError> {
        Self::open(host, port, false, timeout)
    }

    fn open(
        host: &str,
        mut port: u16,
        serves: bool,
        timeout: Duration,
    ) -> Result<Self, GroupError> {
        let host = text(host)?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: string and places live through the call.
        outcome(unsafe {
            tal_group_open(
                host.as_ptr(),
                &raw mut port,
                serves.into(),
                millis(timeout),
                &raw mut raw,
            )
        })?;
        Ok(Self {
            handle: Arc::new(Handle(raw)),
            port,
            patience: Mutex::new(timeout),
            is_silent: AtomicBool::new(false),
        })
    }

    /// The store with all further keys below `prefix`.
    ///
    /// # Errors
    /// If the prefix holds a zero byte.
    pub fn below(self, prefix: &str) -> Result<Self, GroupError> {
        let prefix = text(prefix)?;
        // SAFETY: the string lives through the call, and no other call runs: the store is ours.
        outcome(unsafe { tal_group_narrow(self.handle.0, prefix.as_ptr()) })?;
        Ok(self)
    }

    /// The port at which the store is served.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes all further calls give up after `patience`, if they would wait longer; at first they wait as long as the opening.
    pub fn hurry(&self, patience: Duration) {
        let mut now = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        *now = patience.min(*now);
    }

    /// Does something with the store in a thread of its own, which is left behind if nobody answers: c10d then waits without end.
    fn ask<T: Send + 'static>(
        &self,
        wait: Duration,
        work: impl FnOnce(*mut RawGroup) -> Result<T, GroupError> + Send + 'static,
    ) -> Result<T, GroupError> {
        let patience = *self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = wait.saturating_add(patience);
        if self.is_silent.load(Ordering::SeqCst) {
            return Err(GroupError::late(patience));
        }
        let (sender, receiver) = sync_channel(1);
        let handle = Arc::clone(&self.handle);
        std::thread::spawn(move || {
            let outcome = work(handle.0);
            drop(handle);
            // Nobody listens if it came too late.
            let _ = sender.send(outcome);
        });
        receiver.recv_timeout(longest).unwrap_or_else(|_| {
            self.is_silent.store(true, Ordering::SeqCst);
            Err(GroupError::late(longest))
        })
    }

    /// Sets a value.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), GroupError> {
        let (key, value) = (text(key)?, value.to_vec());
        self.ask(Duration::ZERO, move |raw| {
            // SAFETY: key and value live through the call.
            outcome(unsafe { tal_group_set(raw, key.as_ptr(), value.as_ptr(), value.len()) })
        })
    }

    /// The value of a key; `None` if nobody has set it.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, GroupError> {
        let key = text(key)?;
        self.ask(Duration::ZERO, move |raw| {
            let mut found = 0;
            // SAFETY: key and place live through the call.
            outcome(unsafe { tal_group_check(raw, key.as_ptr(), &raw mut found) })?;
            if found == 0 {
                return Ok(None);
            }
            let (mut bytes, mut count) = (std::ptr::null_mut(), 0);
            // SAFETY: as above.
            outcome(unsafe { tal_group_get(raw, key.as_ptr(), &raw mut bytes, &raw mut count) })?;
            // SAFETY: on success `bytes` holds `count` bytes, which belong to us.
            let value = unsafe { std::slice::from_raw_parts(bytes, count) }.to_vec();
            // SAFETY: not used again.
            unsafe { tal_group_free(bytes.cast()) };
            Ok(Some(value))
        })
    }

    /// Waits until all keys are set; `false` if `timeout` was over first.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn wait(&self, keys: &[String], timeout: Duration) -> Result<bool, GroupError> {
        let keys: Vec<CString> = keys.iter().map(|key| text(key)).collect::<Result<_, _>>()?;
        self.ask(timeout, move |raw| {
            let pointers: Vec<*const c_char> = keys.iter().map(|key| key.as_ptr()).collect();
            let mut found = 0;
            // SAFETY: keys and place live through the call.
            outcome(unsafe {
                tal_group_wait(
                    raw,
                    pointers.as_ptr(),
                    pointers.len(),
                    millis(timeout).max(1),
                    &raw mut found,
                )
            })?;
            Ok(found != 0)
        })
    }

    /// Adds to a number, which is 0 at first, and gives the sum.
    ///
    /// # Errors
    /// If the serving process is gone.
    pub fn add(&self, key: &str, amount: i64) -> Result<i64, GroupError> {
        let key = text(key)?;
        self.ask(Duration::ZERO, move |raw| {
            let mut sum = 0;
            // SAFETY: key and place live through the call.
            outcome(unsafe { tal_group_add(raw, key.as_ptr(), amount, &raw mut sum) })?;
            Ok(sum)
        })
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
    ) -> Result<ProcessGroup, GroupError> {
        let number = |value: usize| c_int::try_from(value).unwrap_or(c_int::MAX);
        let (own, all) = (number(rank), number(size));
        // Gloo waits for each of the others twice.
        self.ask(timeout.saturating_mul(2), move |raw| {
            // SAFETY: takes numbers alone.
            outcome(unsafe { tal_group_connect(raw, own, all, millis(timeout), on_cuda.into()) })
        })?;
        Ok(ProcessGroup {
            store: self,
            rank,
            size,
        })
    }
}
