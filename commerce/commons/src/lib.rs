//! What any module does to a subject.
//!
//! Owns likes, notices and their delivery, pictures, the index for search, and the audit. Each is of a
//! [`subject::Subject`], a kind and an id, and by or for a [`ids::Person`]. Refuses to know what a subject
//! is, who a person is, and whether somebody may: the modules above know that. Always true: a number that
//! is shown of rows is kept beside them and changes with them; what leaves the process follows from a row
//! that is committed.
//!
//! Before it does something for a person, the caller locks the person's account.

#![forbid(unsafe_code)]

pub mod ids;
pub mod label;
pub mod limits;
pub mod subject;

pub mod like;

pub mod notice;
pub mod push;

pub mod delivery;

pub mod files;
pub mod picture;
pub mod studio;

pub mod media;

pub mod upload;

pub mod search;

pub mod audit;

pub mod housekeeping;

use store::Step;

/// The schema of this crate.
pub const SCHEMA: &[Step] = &[
    Step { number: 100, name: "likes", text: include_str!("../schema/0100_likes.sql") },
    Step { number: 110, name: "notices", text: include_str!("../schema/0110_notices.sql") },
    Step { number: 120, name: "media", text: include_str!("../schema/0120_media.sql") },
    Step { number: 130, name: "search", text: include_str!("../schema/0130_search.sql") },
    Step { number: 140, name: "audit", text: include_str!("../schema/0140_audit.sql") },
];
