//! The files of `config/` for several nodes, as far as they can be held to something without a cluster:
//! schemas of Kubernetes and Compose, the program's own `check`, and what must agree between files.
//!
//! No container is built or started here; `docs/operations.md` says so. The balancers are run for real,
//! by the tests in `api/tests/balancer`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![expect(clippy::panic, reason = "what is wrong with a file is said in the file's words")]

mod compose;
mod files;
mod image;
mod kubernetes;
mod program;
mod schema;
