//! Work done ahead in background threads, handed out in order.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::DataError;

type Outcome<T> = Result<T, DataError>;

/// An iterator over the results of jobs, in the order of the jobs whatever the threads do.
///
/// At most `prefetch` jobs are begun or done ahead of the last one that was handed out, so memory is bounded. The first error in the
/// order of the jobs is handed out and ends the iteration; a panic of a job is such an error. Dropping the iterator ends its
/// threads and waits for them.
pub struct Pipeline<J, T> {
    jobs: Box<dyn Iterator<Item = J> + Send>,
    worker: Arc<Worker<J, T>>,
    threads: Option<Threads<J, T>>,
    prefetch: u64,
    /// Number of jobs sent to the threads, and of results handed out.
    num_sent: u64,
    num_delivered: u64,
    /// Results that came before their turn.
    early: BTreeMap<u64, Outcome<T>>,
    finished: bool,
}

struct Worker<J, T> {
    name: Box<dyn Fn(&J) -> String + Send + Sync>,
    work: Box<dyn Fn(J) -> Outcome<T> + Send + Sync>,
    stop: AtomicBool,
}

struct Threads<J, T> {
    jobs: Sender<(u64, J)>,
    results: Receiver<(u64, Outcome<T>)>,
    handles: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static, T: Send + 'static> Pipeline<J, T> {
    /// Starts `num_threads` threads on `jobs`; with none, each job is done when its result is asked for.
    ///
    /// `name` describes a job in errors. `prefetch` counts from one.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(
        jobs: impl Iterator<Item = J> + Send + 'static,
        name: impl Fn(&J) -> String + Send + Sync + 'static,
        work: impl Fn(J) -> Result<T, DataError> + Send + Sync + 'static,
        num_threads: usize,
        prefetch: usize,
    ) -> Result<Self, DataError> {
        let worker = Arc::new(Worker {
            name: Box::new(name),
            work: Box::new(work),
            stop: AtomicBool::new(false),
        });
        let mut pipeline = Self {
            jobs: Box::new(jobs.fuse()),
            worker,
            threads: None,
            prefetch: prefetch.max(1) as u64,
            num_sent: 0,
            num_delivered: 0,
            early: BTreeMap::new(),
            finished: false,
        };
        if num_threads > 0 {
            pipeline.start(num_threads)?;
            pipeline.send_jobs();
        }
        Ok(pipeline)
    }

    fn start(&mut self, num_threads: usize) -> Result<(), DataError> {
        let capacity = self.prefetch as usize;
        let (job_sender, job_receiver) = bounded::<(u64, J)>(capacity);
        let (result_sender, result_receiver) = bounded(capacity);
        // Before the first thread starts, so that a failure ends those that did.
        let threads = self.threads.insert(Threads {
            jobs: job_sender,
            results: result_receiver,
            handles: Vec::with_capacity(num_threads),
        });
        for index in 0..num_threads {
            let (jobs, results) = (job_receiver.clone(), result_sender.clone());
            let worker = Arc::clone(&self.worker);
            let handle = std::thread::Builder::new()
                .name(format!("tal-data-{index}"))
                .spawn(move || {
                    for (number, job) in jobs {
                        if worker.stop.load(Ordering::Relaxed) {
                            break;
                        }
                        if results.send((number, worker.run(job))).is_err() {
                            break;
                        }
                    }
                })
                .map_err(DataError::Thread)?;
            threads.handles.push(handle);
        }
        Ok(())
    }

    /// Keeps the threads busy, `prefetch` jobs ahead at most. Never waits: the queue has room for that many.
    fn send_jobs(&mut self) {
        let Some(threads) = &self.threads else { return };
        while self.num_sent < self.num_delivered + self.prefetch {
            let Some(job) = self.jobs.next() else { break };
            if threads.jobs.send((self.num_sent, job)).is_err() {
                break;
            }
            self.num_sent += 1;
        }
    }

    fn next_outcome(&mut self) -> Option<Outcome<T>> {
        let Some(threads) = &self.threads else {
            return self.jobs.next().map(|job| self.worker.run(job));
        };
        if self.num_delivered == self.num_sent {
            return None;
        }
        let outcome = loop {
            if let Some(outcome) = self.early.remove(&self.num_delivered) {
                break outcome;
            }
            match threads.results.recv() {
                Ok((number, outcome)) => self.early.insert(number, outcome),
                // Panics of jobs are caught, so no thread ends while jobs are left.
                Err(_) => unreachable!("loading threads ended early"),
            };
        };
        self.num_delivered += 1;
        self.send_jobs();
        Some(outcome)
    }
}

impl<J: Send + 'static, T: Send + 'static> Iterator for Pipeline<J, T> {
    type Item = Result<T, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let outcome = self.next_outcome();
        if !matches!(outcome, Some(Ok(_))) {
            self.finished = true;
            self.shut_down();
        }
        outcome
    }
}

impl<J, T> Pipeline<J, T> {
    fn shut_down(&mut self) {
        self.worker.stop.store(true, Ordering::Relaxed);
        self.early.clear();
        if let Some(Threads {
            jobs,
            results,
            handles,
        }) = self.threads.take()
        {
            // Without the other ends, neither waiting for a job nor handing in a result can block.
            drop((jobs, results));
            for handle in handles {
                let _ = handle.join();
            }
        }
    }
}

impl<J, T> Drop for Pipeline<J, T> {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl<J, T> Worker<J, T> {
    fn run(&self, job: J) -> Outcome<T> {
        let name = (self.name)(&job);
        catch_unwind(AssertUnwindSafe(|| (self.work)(job))).unwrap_or_else(|payload| {
            Err(DataError::Panicked {
                job: name,
                message: panic_message(payload.as_ref()),
            })
        })
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    fn name(job: &usize) -> String {
        format!("job {job}")
    }

    #[test]
    fn results_come_in_order_for_any_number_of_threads() {
        for (num_threads, prefetch) in [(0, 1), (1, 1), (4, 1), (4, 3), (4, 100)] {
            let work = |job: usize| {
                // Later jobs of each group of four finish first.
                std::thread::sleep(Duration::from_micros(300 * (3 - job as u64 % 4)));
                Ok(job * 10)
            };
            let pipeline = Pipeline::new(0..40, name, work, num_threads, prefetch).unwrap();
            let results: Vec<usize> = pipeline.map(Result::unwrap).collect();
            assert_eq!(results, (0..40).map(|job| job * 10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_more_than_prefetch_jobs_run_ahead() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&begun);
        let work = move |job: usize| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(job)
        };
        let mut pipeline = Pipeline::new(0..1000, name, work, 4, 5).unwrap();
        for delivered in 1..=20 {
            pipeline.next().unwrap().unwrap();
            std::thread::sleep(Duration::from_millis(2));
            assert!(begun.load(Ordering::SeqCst) <= delivered + 5);
        }
    }

    #[test]
    fn the_first_error_in_order_ends_the_iteration() {
        for num_threads in [0, 1, 4] {
            let work = |job: usize| {
                if job == 6 {
                    return Err(DataError::MissingFps("six".into()));
                }
                if job == 5 {
                    std::thread::sleep(Duration::from_millis(20));
                    return Err(DataError::MissingFps("five".into()));
                }
                Ok(job)
            };
            let mut pipeline = Pipeline::new(0..40, name, work, num_threads, 8).unwrap();
            for expected in 0..5 {
                assert_eq!(pipeline.next().unwrap().unwrap(), expected);
            }
            let error = pipeline.next().unwrap().unwrap_err();
            assert!(error.to_string().contains("five"), "{error}");
            assert!(pipeline.next().is_none());
        }
    }

    #[test]
    fn panics_become_errors() {
        for num_threads in [0, 2] {
            let work = |job: usize| {
                assert!(job != 2, "job {job} is bad");
                Ok(job)
            };
            let mut pipeline = Pipeline::new(0..10, name, work, num_threads, 3).unwrap();
            let error = pipeline.by_ref().find_map(Result::err).unwrap();
            assert_eq!(error.to_string(), "loading job 2 panicked: job 2 is bad");
        }
    }

    #[test]
    fn dropping_ends_the_threads_at_once() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let work = move |job: usize| {
            let _held = &held;
            std::thread::sleep(Duration::from_millis(1));
            Ok(job)
        };
        let mut pipeline = Pipeline::new(0.., name, work, 4, 64).unwrap();
        pipeline.next().unwrap().unwrap();
        drop(pipeline);
        // All threads have ended, so nobody else holds the closure.
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
