//! The processes that train one network together.

pub(crate) mod error;
mod launcher;
mod meeting;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tal_core::{Share, Usage};
use tal_decoder::Processes;
use tal_torch::group::{GroupError, ProcessGroup, Store};
use tch::{Device, Kind, Tensor};

use crate::error::EngineError;

pub use error::RanksError;
pub use launcher::{LauncherError, Place};
pub use meeting::MeetingPoint;

/// Time that a rank waits for the words of another one that is gone.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Longest time that a rank serves the store after its own end.
const LAST_SERVICE: Duration = Duration::from_secs(60);
/// Time between two looks for words of other ranks, while this one waits for something else.
const LOOK: Duration = Duration::from_secs(1);
/// Key of the words of the first rank that failed.
const WORDS: &str = "words";
/// Key that is set when all ranks have left.
const ALL_LEFT: &str = "all_left";

/// The processes that train together, each on its share of every batch; by default one process alone.
///
/// Sums, and whatever else goes through the group, must be called by all ranks in the same order.
#[derive(Clone, Default)]
pub struct Ranks(Option<Arc<Together>>);

struct Together {
    /// `None` after [`Ranks::leave`].
    group: Mutex<Option<ProcessGroup>>,
    share: Share,
    /// Whether this rank serves the store.
    serves: bool,
    /// Whether rank 0 does.
    first_serves: bool,
    timeout: Duration,
    /// The first failure of the group; nothing is sent after it.
    failure: Mutex<Option<RanksError>>,
    /// Time of exchanges since the latest look at it.
    spent: Mutex<Duration>,
}

/// What a rank that fails tells the others.
#[derive(Serialize, Deserialize)]
struct Words {
    rank: usize,
    message: String,
    is_usage: bool,
}

impl Words {
    fn new(rank: usize, error: &EngineError) -> Self {
        let message = match error {
            // These name the rank.
            EngineError::Ranks(error) => error.to_string(),
            error => format!("rank {rank} failed: {error}"),
        };
        let is_usage = error.is_usage();
        Self {
            rank,
            message,
            is_usage,
        }
    }
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
        let store = meeting::meet(place, timeout)?;
        let group = store.connect(rank, size, timeout, device.is_cuda());
        Ok(Self(Some(Arc::new(Together {
            group: Mutex::new(Some(group.map_err(fail)?)),
            share: Share {
                index: rank,
                count: size,
            },
            serves: place.serves_store(),
            first_serves: !place.launcher_serves,
            timeout,
            failure: Mutex::default(),
            spent: Mutex::default(),
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

    /// Whether all ranks give the same number.
    pub(crate) fn have_same(&self, number: u64) -> Result<bool, EngineError> {
        let all = self.gather(&number.to_le_bytes())?;
        Ok(all.windows(2).all(|pair| pair[0] == pair[1]))
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
            self.post(&facts_key(0), facts.as_bytes())?;
            together.await_facts((1..self.size()).collect())?;
            return self.post(AGREED, b"");
        }
        together.await_facts(vec![0])?;
        let first = self.exchange(None, |group| group.store().get(&facts_key(0)))?;
        let first = first.unwrap_or_default();
        if let Some(what) = difference(&String::from_utf8_lossy(&first)) {
            return Err(RanksError::Differs { rank, what }.into());
        }
        self.post(&facts_key(rank), b"")?;
        together.await_keys(&[AGREED.to_owned()], || Ok(vec![0]))
    }

    fn post(&self, key: &str, value: &[u8]) -> Result<(), EngineError> {
        self.exchange((), |group| group.store().set(key, value))
    }

    /// The time that exchanges have taken since the last call, waiting included.
    pub(crate) fn take_spent(&self) -> Duration {
        let spent = self.0.as_ref().map(|together| &together.spent);
        spent.map_or(Duration::ZERO, |spent| std::mem::take(&mut *locked(spent)))
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
        together.exchange(work).unwrap_or(Ok(alone))
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
        group.store().hurry(LAST_SERVICE);
        let told = match error {
            None | Some(EngineError::Interrupted { .. }) => true,
            // What another rank said first is the cause.
            Some(EngineError::Ranks(RanksError::Failed { .. } | RanksError::Lost { .. })) => true,
            Some(error) => tell(group.store(), &Words::new(self.rank(), error)).is_ok(),
        };
        let store = group.leave();
        let left = store.add("left", 1);
        if left.as_ref().is_ok_and(|left| *left == self.size() as i64) {
            // Whoever serves the store ends by itself if it does not hear of it.
            let _ = store.set(ALL_LEFT, b"");
        }
        if together.serves && told {
            let patience = match error {
                Some(_) => 2 * LAST_WORDS,
                None => together.timeout.min(LAST_SERVICE),
            };
            // The run is over, whoever is late.
            let _ = store.wait(&[ALL_LEFT.to_owned()], patience);
        }
    }
}

impl Processes for Ranks {
    fn index(&self) -> usize {
        self.rank()
    }

    fn sum(&self, numbers: &mut [f64]) {
        self.sum_or_remember(numbers);
    }

    fn gather(&self, numbers: &[f64]) -> Vec<Vec<f64>> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let number = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes);
        let numbers_of = |bytes: Vec<u8>| bytes.as_chunks::<8>().0.iter().map(number).collect();
        match Ranks::gather(self, &bytes) {
            Ok(all) => all.into_iter().map(numbers_of).collect(),
            // The next exchange returns the error.
            Err(_) => vec![numbers.to_vec()],
        }
    }
}

impl Together {
    /// Does something with the group; `None` after [`Ranks::leave`].
    fn exchange<T>(
        &self,
        work: impl FnOnce(&ProcessGroup) -> Result<T, GroupError>,
    ) -> Option<Result<T, EngineError>> {
        if let Some(failure) = &*locked(&self.failure) {
            return Some(Err(failure.clone().into()));
        }
        let group = locked(&self.group);
        let group = group.as_ref()?;
        let start = Instant::now();
        let outcome = work(group);
        *locked(&self.spent) += start.elapsed();
        Some(outcome.map_err(|error| self.failed(self.cause(group.store(), error))))
    }

    /// Remembers a failure.
    fn failed(&self, error: RanksError) -> EngineError {
        *locked(&self.failure) = Some(error.clone());
        error.into()
    }

    /// Waits for the facts of ranks.
    fn await_facts(&self, ranks: Vec<usize>) -> Result<(), EngineError> {
        let keys: Vec<String> = ranks.iter().copied().map(facts_key).collect();
        self.await_keys(&keys, || {
            let is_silent = |rank: &usize| {
                let found = self.exchange(|group| group.store().get(&facts_key(*rank)));
                matches!(found, Some(Ok(None)))
            };
            Ok(ranks.iter().copied().filter(is_silent).collect())
        })
    }

    /// Waits for keys of the store, or for the words of a rank that fails; `late` are the ranks that they should come from.
    fn await_keys(
        &self,
        keys: &[String],
        late: impl FnOnce() -> Result<Vec<usize>, EngineError>,
    ) -> Result<(), EngineError> {
        let end = Instant::now() + self.timeout;
        loop {
            let wait = |group: &ProcessGroup| {
                let store = group.store();
                match store.wait(keys, LOOK)? {
                    true => Ok((true, None)),
                    false => Ok((false, words(store)?)),
                }
            };
            match self.exchange(wait) {
                None => return Ok(()),
                Some(Err(error)) => return Err(error),
                Some(Ok((true, _))) => return Ok(()),
                Some(Ok((false, Some(error)))) => return Err(self.failed(error)),
                Some(Ok((false, None))) if Instant::now() > end => {
                    let source = GroupError::late(self.timeout);
                    let ranks = late()?;
                    return Err(self.failed(RanksError::Lost { ranks, source }));
                }
                Some(Ok((false, None))) => {}
            }
        }
    }

    /// Why an exchange failed: the words of the rank that failed, if it says any soon, or else the ranks that are silent.
    fn cause(&self, store: &Store, source: GroupError) -> RanksError {
        store.hurry(LAST_WORDS);
        let Share { index, count } = self.share;
        let key = |rank| format!("alive/{rank}");
        let is_there = store
            .set(&key(index), b"")
            .and_then(|()| store.wait(&[WORDS.to_owned()], LAST_WORDS));
        let ranks = match is_there {
            // Whoever serves the store is gone.
            Err(_) if self.first_serves => vec![0],
            Err(_) => Vec::new(),
            Ok(true) => match words(store) {
                Ok(Some(error)) => return error,
                _ => Vec::new(),
            },
            Ok(false) => {
                let silent = |rank: &usize| matches!(store.get(&key(*rank)), Ok(None));
                (0..count).filter(silent).collect()
            }
        };
        RanksError::Lost { ranks, source }
    }
}

/// Key that is set when the facts of all ranks agree.
const AGREED: &str = "facts/agreed";

fn facts_key(rank: usize) -> String {
    format!("facts/{rank}")
}

/// Leaves words for the others, unless a rank has done so before.
fn tell(store: &Store, words: &Words) -> Result<(), GroupError> {
    if store.add("failed", 1)? == 1 {
        let text = serde_json::to_vec(words).expect("words are plain data");
        store.set(WORDS, &text)?;
    }
    Ok(())
}

/// The words of the first rank that failed.
fn words(store: &Store) -> Result<Option<RanksError>, GroupError> {
    let Some(bytes) = store.get(WORDS)? else {
        return Ok(None);
    };
    let words = serde_json::from_slice::<Words>(&bytes).ok();
    Ok(words.map(|words| RanksError::Failed {
        rank: words.rank,
        message: words.message,
        is_usage: words.is_usage,
    }))
}
