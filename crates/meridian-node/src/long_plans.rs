//! `LongPlans`: work that computes for seconds, such as making an RSA key. It is
//! done apart from other requests, and no more of it at once than the machine has
//! cores: the rest of it waits without holding a thread.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// The long work of one process.
#[derive(Clone)]
pub struct LongPlans(Arc<Semaphore>);

/// The process ends, or the work has panicked.
#[derive(Debug)]
pub struct NotPlanned;

impl LongPlans {
    /// As much at once as the machine has cores.
    pub fn new() -> LongPlans {
        LongPlans::at_once(available_parallelism().map_or(1, usize::from))
    }

    fn at_once(limit: usize) -> LongPlans {
        LongPlans(Arc::new(Semaphore::new(limit)))
    }

    /// Does it once there is room. Work that has begun goes on to its end, also
    /// when nobody waits for it any more, and takes its room until then.
    ///
    /// # Errors
    /// There is no result.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotPlanned> {
        let room = self.0.clone().acquire_owned().await;
        let room = room.map_err(|_| NotPlanned)?;
        let working = tokio::task::spawn_blocking(move || {
            let _room = room;
            work()
        });
        working.await.map_err(|_| NotPlanned)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LIMIT: usize = 2;

    #[test]
    fn long_work_waits_its_turn_and_leaves_threads_to_others() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(LIMIT + 1)
            .build()
            .unwrap();
        let plans = LongPlans::at_once(LIMIT);
        let (begun, beginnings) = mpsc::channel();
        let (finish, finishes): (Vec<_>, Vec<_>) = (0..10).map(|_| mpsc::channel::<()>()).unzip();
        let works: Vec<_> = (0..)
            .zip(finishes)
            .map(|(number, finish)| {
                let (plans, begun) = (plans.clone(), begun.clone());
                runtime.spawn(async move {
                    let work = move || {
                        begun.send(number).unwrap();
                        finish.recv().unwrap();
                    };
                    plans.run(work).await.unwrap();
                })
            })
            .collect();
        let mut running: Vec<usize> = (0..LIMIT).map(|_| beginnings.recv().unwrap()).collect();
        // A thread is free while eight works wait.
        let other = runtime.spawn_blocking(|| "answered");
        assert_eq!(runtime.block_on(other).unwrap(), "answered");
        // Each that ends makes room for one.
        let mut left = 10 - LIMIT;
        while let Some(number) = running.pop() {
            assert!(beginnings.try_recv().is_err(), "more than {LIMIT} at once");
            finish[number].send(()).unwrap();
            if left > 0 {
                left -= 1;
                running.push(beginnings.recv().unwrap());
            }
        }
        for work in works {
            runtime.block_on(work).unwrap();
        }
    }
}
