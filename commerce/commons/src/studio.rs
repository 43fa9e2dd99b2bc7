//! Where pictures are drawn: beside the runtime, few at once.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::{
    limits::{DRAWING_AT_ONCE, DRAWING_WAITING_MAX},
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
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(DRAWING_AT_ONCE + DRAWING_WAITING_MAX)),
            working: Arc::new(Semaphore::new(DRAWING_AT_ONCE)),
        }
    }
}

impl Studio {
    /// Draws what a file shows. The place is kept until that is done, even if nobody waits for it.
    pub async fn draw(
        &self,
        file: Bytes,
        kind: PictureKind,
    ) -> Result<Result<Picture, PictureRefusal>, Busy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.working).acquire_owned().await;
        let work = move || {
            let drawn = picture::draw(&file, kind);
            drop((place, turn));
            drawn
        };
        // A decoder that panics has met a file that nobody else will read either.
        Ok(tokio::task::spawn_blocking(work).await.unwrap_or(Err(PictureRefusal::Damaged)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_when_it_is_full_is_told_so() {
        let studio = Studio::default();
        let all = DRAWING_AT_ONCE + DRAWING_WAITING_MAX;
        let full = Arc::clone(&studio.places).acquire_many_owned(u32::try_from(all).unwrap());
        let full = full.await.unwrap();
        let draw = || studio.draw(Bytes::from_static(b"x"), PictureKind::Png);
        assert_eq!(draw().await, Err(Busy));
        drop(full);
        assert_eq!(draw().await, Ok(Err(PictureRefusal::Mislabelled)));
        assert_eq!(studio.places.available_permits(), all);
    }
}
