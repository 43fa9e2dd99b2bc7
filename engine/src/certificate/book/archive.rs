//! What the books say of a sale that was archived: nobody moves in it any more, and its file tells of the
//! same places.

use super::{
    super::proof::{ArchiveCertificate, Archived, Carried},
    Book, HoldState,
};
use crate::{
    id::{Epoch, Number, SaleName, ShopperKey},
    record::{Change, Record},
    sale::Sale,
};

impl Book {
    /// Its archiving, if it is archived.
    pub(in crate::certificate) fn archive(&self) -> Option<ArchiveCertificate> {
        self.archive
    }

    pub(in crate::certificate) fn name(&self) -> &SaleName {
        &self.spec.name
    }

    pub(in crate::certificate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Compares the file of the sale with the places that the journal told of.
    pub(in crate::certificate) fn compare(&mut self, file: &Sale) -> Option<String> {
        let archive = self.archive.as_mut()?;
        let all = (1..=file.issued().0).map(|number| file.shopper(Number(number)));
        let owners = hash(all.map(|owner| owner.unwrap_or(ShopperKey(0))));
        archive.is_proven = file.issued().0 == archive.entered && owners == archive.owners;
        let name = &self.spec.name;
        (!archive.is_proven)
            .then(|| format!("sale {name}: its file tells of other places than the journal"))
    }

    /// What a snapshot of the sale does not know.
    pub(in crate::certificate) fn carried(&self) -> Carried {
        let archived = self.archive.map(|archive| {
            let ArchiveCertificate { digest, entered, owners, .. } = archive;
            Archived { digest, entered, owners }
        });
        let (called, departed, claimed) = (self.called, self.departed, self.claimed);
        Carried { called, departed, claimed, holds: self.holds_made, archived }
    }

    /// Puts that back.
    pub(in crate::certificate) fn carry(&mut self, known: &Carried) {
        (self.called, self.departed, self.claimed) = (known.called, known.departed, known.claimed);
        self.holds_made = known.holds;
        self.archive = known.archived.map(|Archived { digest, entered, owners }| {
            ArchiveCertificate { digest, entered, owners, is_proven: false }
        });
    }

    /// Puts back what is known of an earlier state, where the facts between are lost.
    pub(in crate::certificate) fn carry_on(&mut self, known: &Carried) {
        let (called, departed) = (self.called.max(known.called), self.departed.max(known.departed));
        let holds = self.holds_made.max(known.holds);
        self.carry(&Carried { called, departed, holds, ..*known });
    }

    /// Keeps what is known of the archiving of a sale that was taken over since as it was archived then.
    pub(in crate::certificate) fn keep_archive(&mut self, before: &Self, taken_over: &Sale) {
        let digest = taken_over.archive().map(|archive| archive.digest);
        let known = before.archive.filter(|archive| Some(archive.digest) == digest);
        self.archive = known.filter(|_| before.epoch == self.epoch);
    }

    /// Closes the books of the line.
    pub(super) fn close(&mut self, digest: [u8; 32], faults: &mut Vec<String>) {
        let is_open = |state| matches!(state, HoldState::Held | HoldState::Paying);
        let open = self.holds.values().filter(|hold| is_open(hold.state)).count();
        if open > 0 {
            faults.push(format!("archived with {open} open holds"));
        }
        let places = std::mem::take(&mut self.places);
        let owners = hash(places.iter().map(|(shopper, _)| *shopper));
        let entered = places.len() as u64;
        self.archive = Some(ArchiveCertificate { digest, entered, owners, is_proven: false });
    }

    /// In an archived sale people neither come nor go, nothing is bought, and operators change nothing: it can
    /// be deleted. A node that was missing may say what it had promised.
    pub(super) fn check_archived(&self, record: &Record, faults: &mut Vec<String>) {
        let moves = matches!(
            record,
            Record::Entered { .. }
                | Record::Departed { .. }
                | Record::Called { .. }
                | Record::Claimed { .. }
                | Record::SessionEnded { .. }
                | Record::Held { .. }
        );
        let returns = |change: &Change| matches!(change, Change::Delete | Change::Returned { .. });
        let changes = matches!(record, Record::Changed { change, .. } if !returns(change));
        let is_archived = self.archive.is_some() || self.is_handed_over_archived;
        if moves && is_archived {
            faults.push("somebody moves in an archived sale".to_owned());
        }
        if changes && is_archived {
            faults.push("an archived sale was changed".to_owned());
        }
    }
}

fn hash(owners: impl Iterator<Item = ShopperKey>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for owner in owners {
        hasher.update(&owner.0.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}
