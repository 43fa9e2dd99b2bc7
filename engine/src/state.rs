//! What is asked, what was decided, and the state that follows from that alone: no thread, no clock,
//! no file.

pub mod command;
pub mod outbox;
pub mod record;
pub mod sale;
pub mod sink;
pub mod world;
