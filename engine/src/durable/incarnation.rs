//! Which journal this is: a random number that a data directory gets once and keeps.
//!
//! A node's name is the operator's choice, and a node that lost its disk comes back under it. What it had
//! acknowledged is lost with the disk, so among many nodes it is another than before.

use std::io;

use crate::disk::{self, Disk};

/// The file that has it.
const NAME: &str = "incarnation";
const BYTES: usize = 4;

/// That of a data directory, made durable before it is used if there is none yet.
pub(crate) fn of(disk: &dyn Disk) -> io::Result<u32> {
    let mut bytes = Vec::new();
    match disk::read_whole(disk, NAME, BYTES as u64, &mut bytes) {
        Ok(()) => {
            let bytes = bytes.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
            Ok(u32::from_le_bytes(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; BYTES];
            getrandom::fill(&mut bytes).map_err(io::Error::other)?;
            disk::write_atomically(disk, NAME, &bytes)?;
            Ok(u32::from_le_bytes(bytes))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::sim::{Crash, SimDisk};

    #[test]
    fn a_data_directory_keeps_its_number_and_another_has_another() {
        let (one, other) = (SimDisk::new(), SimDisk::new());
        let first = of(&one).unwrap();
        one.crash(Crash::Process);
        assert_eq!(of(&one.copy()).unwrap(), first);
        assert_ne!(of(&other).unwrap(), first);
    }
}
