//! Asks for short turns on the processor.
//!
//! Owns one request to the Linux scheduler. With it, a thread that wakes with less to do than the
//! running one goes first. Without it, the thread waits for the next tick, up to 4 ms at 250 ticks a
//! second, behind one that has more to do. The scribe works for some tens of microseconds, and all
//! answers wait until then.
//!
//! It does not change a thread's share of the processor. The program works without it: a kernel before
//! 6.12 ignores the request, a sandbox may refuse the call, and other systems are not asked.
//! Always true: policy, niceness and whatever else the operator has set stay as they were.

use std::{io, time::Duration};

/// The turn of the thread that decides: the shortest that Linux grants.
pub const DECIDE: Duration = Duration::from_micros(100);
/// The turn of threads that serve shoppers: some ten requests. Longer than [`DECIDE`], so that a batch is
/// decided before the next requests are read.
pub const SERVE: Duration = Duration::from_micros(300);
/// The turn of threads that run mounted services. Longer than the system's own, up to 3 ms on two
/// processors, so that whatever wakes of the rest goes first.
pub const MOUNT: Duration = Duration::from_millis(5);

/// Asks for turns of this length for the calling thread, and for threads that it starts.
///
/// # Errors
/// The system's error if it refused; the thread goes on as before.
#[cfg(target_os = "linux")]
pub fn request(turn: Duration) -> io::Result<()> {
    let mut attributes = linux::get()?;
    if attributes.policy != linux::POLICY_OTHER {
        // The operator decides about a real-time thread's turns.
        return Ok(());
    }
    attributes.runtime = u64::try_from(turn.as_nanos()).unwrap_or(u64::MAX);
    linux::set(&attributes)
}

/// Does nothing: only Linux is asked.
#[cfg(not(target_os = "linux"))]
pub fn request(_: Duration) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    #![expect(
        unsafe_code,
        reason = "no crate offers these two calls, and the C library lacks them"
    )]

    use std::io;

    /// `SCHED_OTHER`: neither real time nor background.
    pub(super) const POLICY_OTHER: u32 = 0;

    /// `struct sched_attr` of `sched_setattr(2)`, in its first and shortest form.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub(super) struct Attributes {
        pub(super) size: u32,
        pub(super) policy: u32,
        pub(super) flags: u64,
        pub(super) nice: i32,
        pub(super) priority: u32,
        /// Nanoseconds of a turn; 0 from a kernel that does not report them.
        pub(super) runtime: u64,
        pub(super) deadline: u64,
        pub(super) period: u64,
    }

    const SIZE: u32 = 48;
    const _: () = assert!(size_of::<Attributes>() == 48);
    /// The calling thread.
    const SELF: libc::pid_t = 0;
    const NO_FLAGS: libc::c_uint = 0;

    pub(super) fn get() -> io::Result<Attributes> {
        let mut attributes = Attributes::default();
        // SAFETY: the kernel writes at most `SIZE` bytes to `attributes`, which has as many, may be
        // written, and holds plain numbers of which every pattern of bits is valid.
        let done = unsafe {
            libc::syscall(libc::SYS_sched_getattr, SELF, &raw mut attributes, SIZE, NO_FLAGS)
        };
        if done == 0 { Ok(attributes) } else { Err(io::Error::last_os_error()) }
    }

    pub(super) fn set(attributes: &Attributes) -> io::Result<()> {
        let attributes = Attributes { size: SIZE, ..*attributes };
        // SAFETY: the kernel reads as many bytes of `attributes` as its `size` says, which are
        // there, and changes nothing of this process but how the thread is scheduled.
        let done = unsafe {
            libc::syscall(libc::SYS_sched_setattr, SELF, &raw const attributes, NO_FLAGS)
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_request_changes_the_turn_and_nothing_else_and_ends_with_its_thread() {
        let outside = linux::get().unwrap();
        let (before, after) = std::thread::spawn(|| {
            let before = linux::get().unwrap();
            request(SERVE).unwrap();
            (before, linux::get().unwrap())
        })
        .join()
        .unwrap();
        // Kernels before 6.12 report no turn and ignore it.
        let expected = if before.runtime == 0 { 0 } else { 300_000 };
        assert_eq!(after, linux::Attributes { runtime: expected, ..before });
        assert_eq!(linux::get().unwrap(), outside);
    }
}
