//! How the ranks of a run find each other, whatever earlier attempts have left behind.

use std::time::{Duration, Instant, SystemTime};

use tal_torch::group::{GroupError, Store};

use super::error::RanksError;
use super::launcher::Place;
use crate::error::EngineError;

/// This machine.
const HERE: &str = "localhost";
/// Key at the root of a store that a rank serves: the job.
const JOB: &str = "tal/job";
/// Time in which whoever serves a store names its job.
const INTRODUCTION: Duration = Duration::from_secs(10);
/// Time between two looks for ranks that were started anew.
const LOOK: Duration = Duration::from_secs(1);
/// Pause before a rank knocks again where the store of an earlier attempt has gone.
const PAUSE: Duration = Duration::from_millis(200);

/// The place where the ranks of one machine meet, served by a process that is none of them.
#[derive(Debug)]
pub struct MeetingPoint(Store);

impl MeetingPoint {
    /// Opens a place at a free port of this machine. It is there for as long as the value lives.
    ///
    /// # Errors
    /// If the system gives no port.
    pub fn open() -> Result<Self, EngineError> {
        let store = Store::serve(0, Duration::from_secs(60));
        let fail = |source| RanksError::Open {
            rank: 0,
            size: 0,
            address: HERE.to_owned(),
            source,
        };
        Ok(Self(store.map_err(fail)?))
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
            job: String::new(),
            restarts: 0,
        }
    }
}

/// A store that all ranks of `place` share, and that no earlier attempt of theirs has written to.
pub(super) fn meet(place: &Place, timeout: Duration) -> Result<Store, RanksError> {
    let meeting = Meeting {
        place,
        timeout,
        end: Instant::now() + timeout,
    };
    let (store, session) = match place.rank {
        0 => {
            let store = meeting.enter()?;
            let session = meeting.call(&store)?;
            (store, session)
        }
        _ => meeting.answer_somewhere()?,
    };
    store.below(&session).map_err(|error| meeting.fail(error))
}

/// A name that no other process of this rank has, nor has had.
fn own_name() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.as_nanos());
    format!("{}-{nanos}", std::process::id())
}

struct Meeting<'a> {
    place: &'a Place,
    timeout: Duration,
    end: Instant,
}

impl Meeting<'_> {
    fn address(&self) -> String {
        format!("{}:{}", self.place.host, self.place.port)
    }

    fn fail(&self, source: GroupError) -> RanksError {
        RanksError::Open {
            rank: self.place.rank,
            size: self.place.size,
            address: self.address(),
            source,
        }
    }

    fn late(&self) -> RanksError {
        self.fail(GroupError::late(self.timeout))
    }

    fn absent(&self, ranks: Vec<usize>) -> RanksError {
        RanksError::Absent {
            ranks,
            size: self.place.size,
            address: self.address(),
            seconds: self.timeout.as_secs(),
        }
    }

    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// The store of this job.
    fn enter(&self) -> Result<Store, RanksError> {
        let Place {
            rank,
            size,
            host,
            port,
            job,
            ..
        } = self.place;
        let store = if self.place.serves_store() {
            let refuse = |source| RanksError::Serve {
                size: *size,
                port: *port,
                source,
            };
            let store = Store::serve(*port, self.timeout).map_err(refuse)?;
            store.set(JOB, job.as_bytes()).map_err(refuse)?;
            store
        } else {
            let time = self.left().max(PAUSE);
            let store = Store::join(host, *port, time).map_err(|error| self.fail(error))?;
            if !self.place.launcher_serves {
                let time = self.left().min(INTRODUCTION);
                let named = store.wait(&[JOB.to_owned()], time);
                let is_ours = match named.map_err(|error| self.fail(error))? {
                    true => text(&store, JOB).map_err(|error| self.fail(error))? == *job,
                    false => false,
                };
                if !is_ours {
                    return Err(RanksError::OtherJob {
                        rank: *rank,
                        size: *size,
                        address: self.address(),
                    });
                }
            }
            store
        };
        let prefix = format!("tal/{job}/{}", self.place.restarts);
        store.below(&prefix).map_err(|error| self.fail(error))
    }

    /// Calls all other ranks to a session of their own, and gives its name. Ranks that an earlier attempt has announced do not
    /// answer; those that take their places are called as soon as they are there.
    fn call(&self, store: &Store) -> Result<String, RanksError> {
        let others = 1..self.place.size;
        let fail = |error| self.fail(error);
        let here: Vec<String> = others.clone().map(here).collect();
        let is_set = |key: &String| store.get(key).map(|value| value.is_some());
        let absent = |keys: &[String]| -> Result<Vec<usize>, GroupError> {
            let there = keys.iter().map(is_set).collect::<Result<Vec<_>, _>>()?;
            let pairs = others.clone().zip(there);
            Ok(pairs
                .filter_map(|(rank, there)| (!there).then_some(rank))
                .collect())
        };
        let name = own_name();
        let mut called = vec![(String::new(), 0_usize); here.len()];
        for attempt in 0.. {
            if !store.wait(&here, self.left()).map_err(fail)? {
                return Err(self.absent(absent(&here).map_err(fail)?));
            }
            let session = format!("{name}.{attempt}");
            for (key, (other, calls)) in here.iter().zip(&mut called) {
                let now = text(store, key).map_err(fail)?;
                if *other != now {
                    (*other, *calls) = (now, 0);
                }
                let call = call_key(other, *calls);
                store.set(&call, session.as_bytes()).map_err(fail)?;
                *calls += 1;
            }
            let answers: Vec<String> = others.clone().map(|r| answer_key(&session, r)).collect();
            loop {
                if store.wait(&answers, self.left().min(LOOK)).map_err(fail)? {
                    store.set(&go_key(&session), GO).map_err(fail)?;
                    return Ok(session);
                }
                if self.left().is_zero() {
                    return Err(self.absent(absent(&answers).map_err(fail)?));
                }
                let mut pairs = here.iter().zip(&called);
                let changed = pairs.try_fold(false, |changed, (key, (other, _))| {
                    text(store, key).map(|now| changed || now != *other)
                });
                if changed.map_err(fail)? {
                    store.set(&go_key(&session), AGAIN).map_err(fail)?;
                    break;
                }
            }
        }
        unreachable!("attempts have no end")
    }

    /// Answers the call of rank 0, if need be in the store of a later attempt: one of an earlier attempt ends with its rank 0.
    fn answer_somewhere(&self) -> Result<(Store, String), RanksError> {
        loop {
            let outcome = self.enter().and_then(|store| {
                let session = self.answer(&store)?;
                Ok((store, session))
            });
            match outcome {
                Err(RanksError::Open { .. }) if self.left() > PAUSE => std::thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
    }

    fn answer(&self, store: &Store) -> Result<String, RanksError> {
        let rank = self.place.rank;
        let fail = |error| self.fail(error);
        let wait = |key: String| match store.wait(std::slice::from_ref(&key), self.left()) {
            Ok(true) => text(store, &key).map_err(fail),
            Ok(false) => Err(self.late()),
            Err(error) => Err(fail(error)),
        };
        let name = own_name();
        store.set(&here(rank), name.as_bytes()).map_err(fail)?;
        for call in 0.. {
            let session = wait(call_key(&name, call))?;
            store.set(&answer_key(&session, rank), b"").map_err(fail)?;
            if wait(go_key(&session))?.as_bytes() == GO {
                return Ok(session);
            }
        }
        unreachable!("calls have no end")
    }
}

/// All answered.
const GO: &[u8] = b"go";
/// A rank was started anew; another call follows.
const AGAIN: &[u8] = b"again";

/// Key under which a rank says its name.
fn here(rank: usize) -> String {
    format!("here/{rank}")
}

/// Key of the `number`-th call to the process `name`: a session.
fn call_key(name: &str, number: usize) -> String {
    format!("call/{name}/{number}")
}

fn answer_key(session: &str, rank: usize) -> String {
    format!("answer/{session}/{rank}")
}

/// Key of what follows when all have answered.
fn go_key(session: &str) -> String {
    format!("go/{session}")
}

fn text(store: &Store, key: &str) -> Result<String, GroupError> {
    let value = store.get(key)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn store(place: &Place) -> Store {
        let meeting = Meeting {
            place,
            timeout: TIMEOUT,
            end: Instant::now() + TIMEOUT,
        };
        meeting.enter().unwrap()
    }

    #[test]
    fn ranks_meet_whatever_earlier_attempts_have_left() {
        let meeting = MeetingPoint::open().unwrap();
        let place = |rank| meeting.place(rank, 3);
        // Earlier processes have announced themselves as ranks 1 and 2, and will not answer.
        let earlier = store(&place(1));
        earlier.set(&here(1), b"earlier 1").unwrap();
        earlier.set(&here(2), b"earlier 2").unwrap();
        let sessions = std::thread::scope(|scope| {
            let start = |rank| {
                let place = place(rank);
                scope.spawn(move || meet(&place, TIMEOUT).map(|store| store.set("key", b"value")))
            };
            let first = start(0);
            let called = [call_key("earlier 2", 0)];
            assert!(earlier.wait(&called, TIMEOUT).unwrap());
            // Rank 1 is there again, and called a second time when rank 2 is, too.
            let second = start(1);
            while text(&earlier, &here(1)).unwrap() == "earlier 1" {}
            let name = text(&earlier, &here(1)).unwrap();
            assert!(earlier.wait(&[call_key(&name, 0)], TIMEOUT).unwrap());
            let third = start(2);
            let outcomes = [first, second, third].map(|thread| thread.join().unwrap());
            assert!(earlier.get(&call_key(&name, 1)).unwrap().is_some());
            outcomes
        });
        assert!(
            sessions.iter().all(|session| matches!(session, Ok(Ok(())))),
            "{sessions:?}"
        );
    }

    #[test]
    fn a_rank_that_does_not_come_is_named() {
        let meeting = MeetingPoint::open().unwrap();
        let there = store(&meeting.place(2, 4));
        there.set(&here(2), b"somebody").unwrap();
        let error = meet(&meeting.place(0, 4), Duration::from_millis(50)).unwrap_err();
        assert!(
            matches!(&error, RanksError::Absent { ranks, .. } if ranks[..] == [1, 3]),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .starts_with("ranks 1, 3 of 4 did not come to localhost:"),
            "{error}"
        );
    }

    #[test]
    fn another_job_is_refused() {
        let of = |rank, port, job: &str| Place {
            launcher: "srun",
            port,
            launcher_serves: false,
            job: job.to_owned(),
            ..MeetingPoint::open().unwrap().place(rank, 2)
        };
        let own = |place: &Place| meet(place, Duration::from_millis(500)).unwrap_err();
        let free = MeetingPoint::open().unwrap().0.port();
        let first = of(0, free, "one");
        let _served = store(&first);
        for (place, part) in [
            (
                of(1, free, "other"),
                "rank 1 of 2 met another job at localhost:",
            ),
            (of(0, free, "other"), "rank 0 of 2 cannot listen at port"),
        ] {
            let error = own(&place);
            assert!(error.to_string().starts_with(part), "{error}");
            assert!(error.to_string().contains("set MASTER_PORT"), "{error}");
        }
    }
}
