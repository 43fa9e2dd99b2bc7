//! The one crate of the shop that knows databases.
//!
//! Owns the two doors to the database, the schema's migrations, tasks, schedules, facts and kept
//! answers. Refuses every word of selling. Always true: nothing changes but in [`Db::write`], which
//! commits all of a change or nothing of it; a task and the effect that finishes it commit together.
//!
//! Modules in reading order: the doors, what stands in the database, then the mechanisms on top.

#![forbid(unsafe_code)]

mod at;
mod db;
mod failure;
mod id;
mod kind;
mod migrate;
mod open;
mod setting;
mod sql;
mod tx;

pub mod fact;
pub mod kept;
pub mod schedule;
pub mod task;
pub mod worker;

#[cfg(feature = "trial")]
pub mod trial;

pub use base::{
    id::{Id, NoId},
    moment::Moment,
};
pub use {sea_orm, serde};

pub use self::{
    at::At,
    db::{Db, Reader, WRITE_SECONDS},
    failure::{Failure, Refusing, WriteError, is_away, refused},
    migrate::Step,
    open::{OpenError, Options, is_url},
    sql::{delete_some, insert_if_absent, sum_i64},
    tx::Tx,
};
