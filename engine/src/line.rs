//! placeholder
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceState { Unissued = 0, Waiting = 1, Called = 2, Admitted = 3, Completed = 4, Over = 5, Left = 6, Idle = 7, Unclaimed = 8, Revoked = 9 }
impl PlaceState { pub fn from_byte(b:u8)->Option<Self>{ use PlaceState::*; [Unissued,Waiting,Called,Admitted,Completed,Over,Left,Idle,Unclaimed,Revoked].get(b as usize).copied() } }
