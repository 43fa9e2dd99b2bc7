//! Tickets, passes and the hashes that identify shoppers, all derived from one secret.
//!
//! Owns every secret-keyed computation of the HTTP front. A ticket, a pass and a bearer key can
//! never stand in for one another: each has its own derived key, its own shape and its own type
//! after verification. Knows no HTTP and reads no clock; the present time is an argument.
//!
//! ```text
//! secret ──HKDF-SHA256──┬─ "ticket-mac"  → BLAKE3 keyed MAC    ticket.rs
//!                       ├─ "pass-ed25519" → Ed25519 seed        pass.rs
//!                       ├─ "invite-mac"  → BLAKE3 keyed MAC     invite.rs
//!                       ├─ "form-mac"    → BLAKE3 keyed MAC     form.rs
//!                       └─ "identity"    → BLAKE3 keyed hash    engine::shopper
//! ```

mod derived;
mod form;
mod identity;
mod invite;
mod keyring;
mod pass;
mod role;
mod ticket;
mod verified;

pub use form::{is_visitor, visitor_at_random};
pub use identity::{Principal, body_hash, scope_hash};
pub use invite::{CreatedSale, Invite, InviteError};
pub use keyring::{Keyring, KeyringSecrets, SECRET_BYTES_MAX, SECRET_BYTES_MIN, SecretError};
pub use pass::{ISSUER, PASS_BYTES_MAX, Pass, PassError, VerifiedPass, format_jti, parse_jti};
pub use role::Role;
pub use ticket::{TICKET_TEXT_BYTES, Ticket, TicketError, TicketText};
pub use verified::Verified;
