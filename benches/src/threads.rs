//! The same work by several threads at once, timed together.

use std::{sync::Barrier, thread, time::Duration};

use crate::now;

/// Runs `work` once on each of `threads`, all starting together; from the start to the last end.
/// Each is told which it is, from 0.
pub fn at_once(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let start = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|which| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(which);
                })
            })
            .collect();
        start.wait();
        let started = now();
        for worker in workers {
            worker.join().expect("the work checks its answers");
        }
        started.elapsed()
    })
}
