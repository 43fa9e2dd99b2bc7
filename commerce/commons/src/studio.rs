//! Where pictures are drawn: beside the runtime, few at once.
//!
//! Whoever wants a picture drawn takes a place first, and then reads the file: so no more files are in memory
//! than there are places, and nobody has all of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    ids::Person,
    limits::{DRAWING_AT_ONCE, DRAWING_OF_ONE_MAX, DRAWING_WAITING_MAX},
    picture::{self, Picture, PictureKind, PictureRefusal},
};

/// Too many pictures are being drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// What draws pictures. Clones share its bounds.
#[derive(Clone, Debug)]
pub struct Studio {
    /// Places to wait in and to be worked on.
    places: Arc<Semaphore>,
    working: Arc<Semaphore>,
    people: Arc<People>,
}

/// How many places each person has.
#[derive(Debug, Default)]
struct People(Mutex<BTreeMap<Person, usize>>);

/// A place in the studio, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    people: Arc<People>,
    person: Person,
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(DRAWING_AT_ONCE + DRAWING_WAITING_MAX)),
            working: Arc::new(Semaphore::new(DRAWING_AT_ONCE)),
            people: Arc::default(),
        }
    }
}

impl Studio {
    /// A place for a picture of a person, if there is one left and they do not have too many.
    pub fn enter(&self, person: Person) -> Result<Place, Busy> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        self.people.add(person)?;
        Ok(Place { _permit: permit, people: Arc::clone(&self.people), person })
    }

    /// Draws what a file shows. The place is kept until that is done, even if nobody waits for it.
    pub async fn draw(
        &self,
        place: Place,
        file: Bytes,
        kind: PictureKind,
    ) -> Result<Picture, PictureRefusal> {
        let turn = Arc::clone(&self.working).acquire_owned().await;
        let work = move || {
            let drawn = picture::draw(&file, kind);
            drop((place, turn));
            drawn
        };
        // A decoder that panics has met a file that nobody else will read either.
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(PictureRefusal::Damaged))
    }
}

impl People {
    fn add(&self, person: Person) -> Result<(), Busy> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(person).or_default();
        if *count >= DRAWING_OF_ONE_MAX {
            return Err(Busy);
        }
        *count += 1;
        Ok(())
    }

    fn remove(&self, person: Person) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&person) {
            *count -= 1;
            if *count == 0 {
                all.remove(&person);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.people.remove(self.person);
    }
}

#[cfg(test)]
mod tests {
    use store::{Id, Moment};

    use super::*;

    fn person(number: u128) -> Person {
        Person(Id::of_parts(Moment(0), number))
    }

    #[tokio::test]
    async fn who_comes_when_it_is_full_is_told_so() {
        let studio = Studio::default();
        let all = DRAWING_AT_ONCE + DRAWING_WAITING_MAX;
        let people = (0..all).map(|number| person(number.try_into().unwrap()));
        let mut places: Vec<_> = people.map(|person| studio.enter(person).unwrap()).collect();
        assert!(studio.enter(person(99)).is_err());
        let place = places.pop().unwrap();
        let drawn = studio.draw(place, Bytes::from_static(b"x"), PictureKind::Png).await;
        assert_eq!(drawn, Err(PictureRefusal::Mislabelled));
        assert!(studio.enter(person(99)).is_ok());
        drop(places);
        assert_eq!(studio.places.available_permits(), all);
        assert!(studio.people.0.lock().unwrap().is_empty());
    }

    #[test]
    fn one_person_does_not_have_all_places() {
        let studio = Studio::default();
        let mut places: Vec<_> = std::iter::from_fn(|| studio.enter(person(1)).ok()).collect();
        assert_eq!(places.len(), DRAWING_OF_ONE_MAX);
        assert!(studio.enter(person(2)).is_ok());
        places.pop();
        assert!(studio.enter(person(1)).is_ok());
    }
}
