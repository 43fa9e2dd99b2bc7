//! The runtime of a mount, which may be dropped anywhere.

use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError};

use engine::turn;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::options::MountOptions;
use crate::panics;

/// A runtime that goes down in the background: dropping tokio's own would wait, and panic in async
/// code.
#[derive(Debug)]
pub(super) struct OwnRuntime {
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
}

impl OwnRuntime {
    pub(super) fn start(options: &MountOptions) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads)
            .max_blocking_threads(options.blocking_threads_max)
            .thread_name("rushgate-mount")
            .on_thread_start(|| {
                panics::contain_thread();
                // Pages come later where it is refused, and nothing else.
                drop(turn::request(turn::MOUNT));
            })
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Mutex::new(Some(runtime)) })
    }

    pub(super) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(work)
    }

    /// Where work can be spawned.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends all work at its next pause, and waits for none.
    pub(super) fn shut_down(&self) {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        self.shut_down();
    }
}
