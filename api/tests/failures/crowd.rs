//! Shoppers at once: each thread has a connection and shoppers of its own.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{Dice, client::Client, shopper::Shopper, site::Door};

/// Threads at work: enough to keep requests waiting for every sync.
const WORKERS: usize = 24;

/// All shoppers of a test, over all restarts of its server.
#[derive(Debug)]
pub(crate) struct Crowd {
    seed: u64,
    pub(crate) workers: Vec<Worker>,
}

/// One thread's shoppers.
#[derive(Debug)]
pub(crate) struct Worker {
    name: String,
    dice: Dice,
    pub(crate) shoppers: Vec<Shopper>,
}

impl Crowd {
    pub(crate) fn new(seed: u64) -> Self {
        let worker = |at: usize| Worker {
            name: format!("{seed:016x}-{at}"),
            dice: Dice(seed ^ ((at as u64 + 1) << 32)),
            shoppers: Vec::new(),
        };
        Self { seed, workers: (0..WORKERS).map(worker).collect() }
    }

    /// Shops while `meanwhile` runs. A thread ends early when its connection does: what it asked
    /// last is in doubt then.
    pub(crate) fn shop<T>(&mut self, door: &Door, meanwhile: impl FnOnce() -> T) -> T {
        let (stop, backend, addr) = (AtomicBool::new(false), &door.backend, door.public);
        thread::scope(|scope| {
            let stop = &stop;
            let started = self.workers.iter_mut().map(|worker| {
                scope.spawn(move || {
                    let mut client = Client::new(addr);
                    while !stop.load(Ordering::Relaxed) && worker.step(&mut client, backend).is_ok()
                    {
                    }
                })
            });
            let threads: Vec<_> = started.collect();
            let outcome = meanwhile();
            stop.store(true, Ordering::Relaxed);
            for thread in threads {
                thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause));
            }
            outcome
        })
    }

    pub(crate) fn shoppers(&mut self) -> impl Iterator<Item = &mut Shopper> {
        self.workers.iter_mut().flat_map(|worker| &mut worker.shoppers)
    }

    pub(crate) fn len(&self) -> usize {
        self.workers.iter().map(|worker| worker.shoppers.len()).sum()
    }

    /// What to print beside a finding.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }
}

impl Worker {
    fn step(&mut self, client: &mut Client, backend: &str) -> std::io::Result<()> {
        let count = self.shoppers.len() as u64;
        if count == 0 || self.dice.below(4) == 0 {
            self.shoppers.push(Shopper::new(format!("{}-{count}", self.name)));
            return self.shoppers.last_mut().unwrap().enter(client).map(drop);
        }
        // Mostly those who came lately: the others have done what there is to do.
        let back = self.dice.below(count.min(40));
        let chosen = usize::try_from(count - 1 - back).unwrap();
        self.shoppers[chosen].advance(client, backend, &mut self.dice)
    }
}
