//! What a sale is made of, each part by itself. Knows nothing of what was decided.

pub mod gate;
pub mod hold;
pub mod line;
pub mod session;
pub mod spec;
pub mod stock;
