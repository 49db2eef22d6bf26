//! The processes that train one network together.

pub(crate) mod error;
mod launcher;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tal_core::Share;
use tal_torch::group::{GroupError, ProcessGroup, Store};
use tch::{Device, Kind, Tensor};

use crate::error::EngineError;

pub use error::RanksError;
pub use launcher::{LauncherError, Place};

/// The place where the ranks of one machine meet, served by a process that is none of them.
#[derive(Debug)]
pub struct MeetingPoint(Store);

impl MeetingPoint {
    /// Opens a place at a free port of this machine. It is there for as long as the value lives.
    ///
    /// # Errors
    /// If the system gives no port.
    pub fn open() -> Result<Self, EngineError> {
        let store = Store::serve(0, "tal/0", Duration::from_secs(60));
        let open = |source| RanksError::Open {
            rank: 0,
            size: 0,
            address: HERE.to_owned(),
            source,
        };
        Ok(Self(store.map_err(open)?))
    }

    /// The place of rank `rank` of `size`.
    pub fn place(&self, rank: usize, size: usize) -> Place {
        Place {
            launcher: "tal train --ranks",
            rank,
            size,
            local_rank: rank,
            host: HERE.to_owned(),
            port: self.0.port(),
            launcher_serves: true,
            restarts: 0,
        }
    }
}

/// This machine.
const HERE: &str = "localhost";
/// Time that a rank waits for the words of another one that is gone.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Longest time that a rank serves the store after its own end.
const LAST_SERVICE: Duration = Duration::from_secs(60);
/// Pause between two looks at the store.
const PAUSE: Duration = Duration::from_millis(10);

/// The processes that train together, each on its share of every batch; by default one process alone.
///
/// Sums, and whatever else goes through the group, must be called by all ranks in the same order.
#[derive(Clone, Default)]
pub struct Ranks(Option<Arc<Together>>);

struct Together {
    /// `None` after [`Ranks::leave`].
    group: Mutex<Option<ProcessGroup>>,
    share: Share,
    serves: bool,
    timeout: Duration,
    /// The first failure of the group; nothing is sent after it.
    failure: Mutex<Option<RanksError>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ranks({} of {})", self.rank(), self.size())
    }
}

impl Ranks {
    /// This process alone.
    pub fn alone() -> Self {
        Self(None)
    }

    /// Meets the other ranks at `place`. Every exchange with them then ends within `timeout`. A rank on CUDA moves tensors with
    /// NCCL.
    ///
    /// # Errors
    /// If the other ranks do not come in time.
    pub fn open(place: &Place, timeout: Duration, device: Device) -> Result<Self, EngineError> {
        let (rank, size) = (place.rank, place.size);
        if size == 1 {
            return Ok(Self::alone());
        }
        let fail = |source| RanksError::Open {
            rank,
            size,
            address: format!("{}:{}", place.host, place.port),
            source,
        };
        let serves = place.serves_store();
        let prefix = format!("tal/{}", place.restarts);
        let store = match serves {
            true => Store::serve(place.port, &prefix, timeout),
            false => Store::join(&place.host, place.port, &prefix, timeout),
        };
        let store = store.map_err(fail)?;
        let group = store.connect(rank, size, timeout, device.is_cuda());
        let group = group.map_err(|(_, error)| fail(error))?;
        Ok(Self(Some(Arc::new(Together {
            group: Mutex::new(Some(group)),
            share: Share {
                index: rank,
                count: size,
            },
            serves,
            timeout,
            failure: Mutex::default(),
        }))))
    }

    /// The part of every batch that this rank trains on.
    pub fn share(&self) -> Share {
        self.0.as_ref().map_or(Share::WHOLE, |group| group.share)
    }

    /// Number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.share().index
    }

    /// Number of ranks.
    pub fn size(&self) -> usize {
        self.share().count
    }

    /// Whether this rank writes the files: rank 0, or a process alone.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Whether this process is alone.
    pub fn is_alone(&self) -> bool {
        self.0.is_none()
    }

    /// Puts into each number its sum over all ranks.
    ///
    /// # Errors
    /// If a rank is gone or failed, now or before.
    pub fn sum(&self, numbers: &mut [f64]) -> Result<(), EngineError> {
        self.exchange((), |group| {
            let tensor = [Tensor::from_slice(numbers)];
            group.all_reduce(&tensor)?;
            let len = numbers.len();
            tensor[0].copy_data(numbers, len);
            Ok(())
        })
    }

    /// [`Ranks::sum`] for places that cannot fail: the next exchange returns the error.
    pub(crate) fn sum_or_remember(&self, numbers: &mut [f64]) {
        // The failure is remembered.
        let _returned_by_the_next_exchange = self.sum(numbers);
    }

    /// The bytes of all ranks, by rank.
    ///
    /// # Errors
    /// As [`Ranks::sum`].
    pub(crate) fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, EngineError> {
        self.exchange(vec![bytes.to_vec()], |group| group.all_gather(bytes))
    }

    /// The union of the sets of all ranks.
    pub(crate) fn union(&self, set: BTreeSet<u32>) -> Result<BTreeSet<u32>, EngineError> {
        let bytes: Vec<u8> = set.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = self.gather(&bytes)?;
        let values = all.iter().flat_map(|bytes| bytes.as_chunks::<4>().0);
        Ok(values.map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    /// The bytes of rank 0; those of other ranks are not looked at.
    pub(crate) fn of_first(&self, bytes: Vec<u8>) -> Result<Vec<u8>, EngineError> {
        if self.is_alone() {
            return Ok(bytes);
        }
        let mut len = [if self.is_first() {
            bytes.len() as f64
        } else {
            0.0
        }];
        self.sum(&mut len)?;
        let len = len[0] as usize;
        if len == 0 {
            return Ok(Vec::new());
        }
        self.exchange(Vec::new(), |group| {
            let tensor = match self.is_first() {
                true => Tensor::from_slice(&bytes),
                false => Tensor::zeros([len as i64], (Kind::Uint8, Device::Cpu)),
            };
            group.broadcast(&tensor, 0)?;
            let mut received = vec![0u8; len];
            tensor.copy_data(&mut received, len);
            Ok(received)
        })
    }

    /// Gives the tensors of all ranks the values of rank 0.
    pub(crate) fn copy_first<'a>(
        &self,
        mut tensors: impl Iterator<Item = &'a Tensor>,
    ) -> Result<(), EngineError> {
        self.exchange((), |group| {
            tensors.try_for_each(|tensor| group.broadcast(&tensor.detach(), 0))
        })
    }

    /// Sums the gradients of variables that have one on any rank; a variable without one anywhere stays without.
    pub(crate) fn sum_gradients<'a>(
        &self,
        variables: impl Iterator<Item = &'a Tensor>,
    ) -> Result<(), EngineError> {
        if self.is_alone() {
            return Ok(());
        }
        let variables: Vec<&Tensor> = variables.collect();
        let defined = |tensor: &&Tensor| f64::from(u8::from(tensor.grad().defined()));
        let mut count: Vec<f64> = variables.iter().map(defined).collect();
        self.sum(&mut count)?;
        let used = variables.into_iter().zip(count);
        let used = used.filter_map(|(variable, count)| (count > 0.0).then_some(variable));
        let gradients: Vec<Tensor> = used
            .map(|variable| {
                tal_torch::group::ensure_gradient(variable);
                variable.grad()
            })
            .collect();
        self.exchange((), |group| group.all_reduce(&gradients))
    }

    /// Makes sure that the facts of all ranks agree with those of rank 0, which `difference` compares with those of this rank.
    /// Goes through the store, before the first collective: tensors of other sizes would end the process.
    pub(crate) fn agree(
        &self,
        facts: &str,
        difference: impl Fn(&str) -> Option<String>,
    ) -> Result<(), EngineError> {
        let Some(together) = &self.0 else {
            return Ok(());
        };
        let rank = self.rank();
        if self.is_first() {
            self.post("facts/0", facts.as_bytes())?;
            for other in 1..self.size() {
                self.await_key(together, &format!("facts/{other}"))?;
            }
            return self.post("facts/agreed", b"");
        }
        let first = self.await_key(together, "facts/0")?;
        if let Some(what) = difference(&String::from_utf8_lossy(&first)) {
            return Err(RanksError::Differs { rank, what }.into());
        }
        self.post(&format!("facts/{rank}"), b"")?;
        self.await_key(together, "facts/agreed")?;
        Ok(())
    }

    fn post(&self, key: &str, value: &[u8]) -> Result<(), EngineError> {
        self.exchange((), |group| group.store().set(key, value))
    }

    /// The value of a key of the store, as soon as it is there.
    fn await_key(&self, together: &Together, key: &str) -> Result<Vec<u8>, EngineError> {
        let end = Instant::now() + together.timeout;
        loop {
            if let Some(value) = self.exchange(None, |group| group.store().get(key))? {
                return Ok(value);
            }
            let group = locked(&together.group);
            let failed = group.as_ref().and_then(|group| failed(group, self.share()));
            if let Some(error) = failed {
                *locked(&together.failure) = Some(error.clone());
                return Err(error.into());
            }
            if Instant::now() > end {
                let rank = key
                    .strip_prefix("facts/")
                    .and_then(|rank| rank.parse::<usize>().ok());
                let source = GroupError::late(together.timeout);
                let ranks = rank.into_iter().collect();
                return Err(RanksError::Lost { ranks, source }.into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Does something with the group; alone, the outcome is `alone`.
    fn exchange<T>(
        &self,
        alone: T,
        work: impl FnOnce(&ProcessGroup) -> Result<T, GroupError>,
    ) -> Result<T, EngineError> {
        let Some(together) = &self.0 else {
            return Ok(alone);
        };
        if let Some(failure) = &*locked(&together.failure) {
            return Err(failure.clone().into());
        }
        let group = locked(&together.group);
        let Some(group) = &*group else {
            return Ok(alone);
        };
        work(group).map_err(|error| {
            let cause = cause(group, self.share(), error);
            *locked(&together.failure) = Some(cause.clone());
            cause.into()
        })
    }

    /// Leaves the group after the last exchange; `error` is why this rank ends early, for the others to tell. A rank that
    /// serves the store waits until the others have left, but not for long.
    pub(crate) fn leave(&self, error: Option<&EngineError>) {
        let Some(together) = &self.0 else {
            return;
        };
        let Some(group) = locked(&together.group).take() else {
            return;
        };
        let told = match error {
            None | Some(EngineError::Interrupted { .. }) => true,
            // What another rank said first is the cause.
            Some(EngineError::Ranks(RanksError::Failed { .. } | RanksError::Lost { .. })) => true,
            Some(error) => {
                let key = format!("error/{}", self.rank());
                group
                    .store()
                    .set(&key, error.to_string().as_bytes())
                    .is_ok()
            }
        };
        let store = group.leave();
        let left = store.add("left", 1);
        if !(together.serves && told) {
            return;
        }
        let patience = if error.is_some() {
            2 * LAST_WORDS
        } else {
            together.timeout.min(LAST_SERVICE)
        };
        let end = Instant::now() + patience;
        let mut left = left.unwrap_or(i64::MAX);
        while left < self.size() as i64 && Instant::now() < end {
            std::thread::sleep(PAUSE);
            left = store.add("left", 0).unwrap_or(i64::MAX);
        }
    }
}

/// The error that another rank has left in the store.
fn failed(group: &ProcessGroup, share: Share) -> Option<RanksError> {
    (0..share.count).find_map(|rank| {
        let message = group.store().get(&format!("error/{rank}")).ok()??;
        let message = String::from_utf8_lossy(&message).into_owned();
        Some(RanksError::Failed { rank, message })
    })
}

/// Why an exchange failed: the words of the rank that failed, if it says any soon, or else the ranks that are silent.
fn cause(group: &ProcessGroup, share: Share, source: GroupError) -> RanksError {
    let store = group.store();
    let key = |rank| format!("alive/{rank}");
    if store.set(&key(share.index), b"").is_err() {
        // Whoever serves the store is gone: rank 0, or the launcher.
        let ranks = Vec::new();
        return RanksError::Lost { ranks, source };
    }
    let end = Instant::now() + LAST_WORDS;
    while Instant::now() < end {
        if let Some(error) = failed(group, share) {
            return error;
        }
        std::thread::sleep(PAUSE);
    }
    let silent = |rank: &usize| matches!(store.get(&key(*rank)), Ok(None));
    let ranks = (0..share.count).filter(silent).collect();
    RanksError::Lost { ranks, source }
}
