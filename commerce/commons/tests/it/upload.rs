//! From a grant to pictures that are shown, and nothing left behind.

use std::{
    io::Cursor,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use commons::{
    files::{Files, FilesError, Key, Signed, Upload},
    housekeeping,
    ids::{MediaId, Person},
    limits::{DRAWING_OF_ONE_MAX, MEDIA_FREE_MAX, PICTURES_MAX},
    media::{self, Asked, GrantRefusal, Media, ShowRefusal, Stage, Visibility},
    picture::PictureKind,
    subject::Subject,
    upload::{CompleteError, UploadRefusal, Uploads},
};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};
use store::{
    Db, Failure, Moment, on_both, sea_orm::prelude::async_trait::async_trait, trial::Trial,
    worker::Workers,
};
use tokio::task::JoinSet;

use crate::{
    place::{Place, Side},
    support::{DAY_MS, deal, open, person},
};
use store::trial::{Running, until};

/// A PNG of a colour.
fn png(red: u8) -> Bytes {
    let image: DynamicImage = RgbImage::from_pixel(600, 300, Rgb([red, 10, 10])).into();
    encoded(&image)
}

fn encoded(image: &DynamicImage) -> Bytes {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes.into()
}

/// Files that are read slowly.
#[derive(Debug)]
struct Slow {
    inner: Arc<dyn Files>,
    /// How many are being read, and the most there were.
    reading: Mutex<(usize, usize)>,
}

#[async_trait]
impl Files for Slow {
    fn sign(&self, upload: &Upload<'_>, now: Moment) -> Signed {
        self.inner.sign(upload, now)
    }

    fn link(&self, key: &Key, now: Moment) -> String {
        self.inner.link(key, now)
    }

    async fn get(
        &self,
        key: &Key,
        bytes_max: u64,
        now: Moment,
    ) -> Result<Option<Bytes>, FilesError> {
        {
            let mut reading = self.reading.lock().unwrap();
            reading.0 += 1;
            reading.1 = reading.1.max(reading.0);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let file = self.inner.get(key, bytes_max, now).await;
        self.reading.lock().unwrap().0 -= 1;
        file
    }

    async fn put(
        &self,
        key: &Key,
        media_type: &str,
        bytes: Bytes,
        now: Moment,
    ) -> Result<(), FilesError> {
        self.inner.put(key, media_type, bytes, now).await
    }

    async fn remove(&self, key: &Key, now: Moment) -> Result<(), FilesError> {
        self.inner.remove(key, now).await
    }
}

struct Scene {
    db: Db,
    place: Place,
    uploads: Uploads,
}

impl Scene {
    async fn both(trial: &Trial) -> Vec<Self> {
        let db = open(trial).await;
        let places = Place::both(trial).await.into_iter();
        places.map(|place| Self::at(&db, place)).collect()
    }

    fn at(db: &Db, place: Place) -> Self {
        let uploads = Uploads::new(Arc::clone(&place.files));
        Self { db: db.clone(), place, uploads }
    }

    async fn grant(&self, person: Person, file: &Bytes) -> Result<Media, Failure<GrantRefusal>> {
        let bytes = u64::try_from(file.len()).unwrap();
        let (kind, visibility) = (PictureKind::Png, Visibility::Public);
        let asked = Asked { person, kind, bytes, visibility };
        self.db.write(async |tx| media::grant(tx, &asked).await).await
    }

    /// Grants an upload and puts a file.
    async fn put(&self, person: Person, file: &Bytes) -> Media {
        let media = self.grant(person, file).await.unwrap();
        let signed = self.uploads.sign(&media, &self.db);
        assert!(self.place.put(&signed, "image/png", file.clone(), self.db.now()).await);
        media
    }

    async fn complete(&self, media: &Media) -> Result<Media, CompleteError> {
        self.uploads.complete(&self.db, media.person, media.id).await
    }

    async fn picture(&self, person: Person, red: u8) -> Media {
        let media = self.put(person, &png(red)).await;
        self.complete(&media).await.unwrap()
    }

    async fn refusal(&self, media: &Media) -> UploadRefusal {
        match self.complete(media).await {
            Err(CompleteError::Refused(refusal)) => refusal,
            other => unreachable!("{other:?}"),
        }
    }

    async fn show(
        &self,
        person: Person,
        subject: &Subject,
        pictures: &[MediaId],
    ) -> Result<(), Failure<ShowRefusal>> {
        self.db.write(async |tx| media::show(tx, person, subject, pictures).await).await
    }

    async fn shown(&self, subject: &Subject) -> Vec<MediaId> {
        let shown = media::of_subject(&self.db.read(), subject).await.unwrap();
        shown.into_iter().map(|media| media.id).collect()
    }

    async fn stage(&self, media: MediaId) -> Option<Stage> {
        media::find(&self.db.read(), media).await.unwrap().map(|media| media.stage)
    }

    fn work(&self) -> Running {
        let workers = housekeeping::on(Workers::default());
        Running::start(self.uploads.on(workers), &self.db)
    }
}

on_both! {
    async fn a_granted_upload_becomes_a_picture(trial: Trial) {
        for stage in Scene::both(&trial).await {
            let kim = person(&stage.db);
            let media = stage.put(kim, &png(200)).await;
            assert_eq!(media.stage, Stage::Granted);
            let ready = stage.complete(&media).await.unwrap();
            let shape = ready.shape.clone().unwrap();
            assert_eq!((ready.stage, shape.width, shape.height), (Stage::Ready, 600, 300));
            assert_eq!(shape.colour.to_string(), "#c80a0a");
            assert_eq!(shape.files.iter().map(|one| one.width).collect::<Vec<_>>(), [480, 600]);
            assert_eq!(shape.at_least(481).unwrap().width, 600);
            for file in &shape.files {
                let key = format!("public/{}/{}", media.id, file.name);
                assert!(stage.place.keys().contains(&key), "{key}");
                let link = stage.uploads.link(&ready, file, &stage.db);
                assert!(link.ends_with(&key), "{link}");
                let key = Key::parse(&key).unwrap();
                let bytes = stage.place.files.get(&key, 1 << 20, stage.db.now()).await.unwrap();
                let image = image::load_from_memory(&bytes.unwrap()).unwrap();
                assert_eq!((image.width(), image.height()), (file.width, file.height));
            }
            assert_eq!(stage.complete(&media).await.unwrap(), ready, "again");
        }
    }

    /// Defect 30: the type is what the file shows.
    async fn defect_30_what_is_no_picture_is_refused_and_not_kept(trial: Trial) {
        for stage in Scene::both(&trial).await {
            let kim = person(&stage.db);
            let bomb = encoded(&DynamicImage::from(GrayImage::new(10_000, 5_000)));
            let cases = [
                (bomb, UploadRefusal::TooManyPixels),
                (Bytes::from_static(b"<svg><script>alert(1)</script></svg>"), UploadRefusal::Mislabelled),
                (png(1).slice(..60), UploadRefusal::Damaged),
            ];
            for (file, expected) in cases {
                let media = stage.put(kim, &file).await;
                assert_eq!(stage.refusal(&media).await, expected);
                assert_eq!(stage.stage(media.id).await, Some(Stage::Refused));
                assert_eq!(stage.refusal(&media).await, UploadRefusal::Over, "again");
            }
            assert!(stage.place.keys().iter().all(|key| key.starts_with("incoming/")));
            let running = stage.work();
            trial.advance(61 * 60_000);
            until("nothing is left", async || stage.place.keys().is_empty()).await;
            running.stop().await;
        }
    }

    /// Defect 30: grants end.
    async fn defect_30_only_who_was_granted_it_completes_it_and_in_time(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::folder());
        let (kim, lee) = (person(&db), person(&db));
        let media = stage.put(kim, &png(1)).await;
        let theirs = stage.uploads.complete(&db, lee, media.id).await;
        assert!(matches!(theirs, Err(CompleteError::Refused(UploadRefusal::Unknown))));
        let empty = stage.grant(kim, &png(1)).await.unwrap();
        assert_eq!(stage.refusal(&empty).await, UploadRefusal::Absent);
        assert_eq!(stage.stage(empty.id).await, Some(Stage::Granted), "it may still be put");
        trial.advance(31 * 60_000);
        assert_eq!(stage.refusal(&media).await, UploadRefusal::Over);
        let running = stage.work();
        trial.advance(30 * 60_000);
        until("the rows are gone", async || {
            stage.stage(media.id).await.is_none() && stage.stage(empty.id).await.is_none()
        }).await;
        assert_eq!(stage.place.keys(), Vec::<String>::new());
        running.stop().await;
    }

    async fn a_file_that_came_by_the_shop_is_judged_alike(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::s3(&trial).await);
        let kim = person(&db);
        let media = stage.grant(kim, &png(3)).await.unwrap();
        let longer = [&png(3)[..], b"x"].concat();
        let refused = stage.uploads.take(&db, &media, longer.into()).await;
        assert!(matches!(refused, Err(CompleteError::Refused(UploadRefusal::Mislabelled))));
        let taken = stage.uploads.take(&db, &media, png(3)).await.unwrap();
        assert_eq!(taken.stage, Stage::Ready);
    }

    async fn a_store_that_fails_leaves_an_upload_to_be_completed_again(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::s3(&trial).await);
        let Side::Store(store) = &stage.place.side else { unreachable!() };
        let media = stage.put(person(&db), &png(4)).await;
        for (operation, fault) in [
            ("get", doubles::Fault::Refused),
            ("put", doubles::Fault::Refused),
            ("put", doubles::Fault::LostAfter),
        ] {
            store.faults().next(operation, Some(fault));
            let failed = stage.complete(&media).await;
            assert!(matches!(failed, Err(CompleteError::Files(_))), "{operation}: {failed:?}");
        }
        assert_eq!(stage.stage(media.id).await, Some(Stage::Storing));
        assert_eq!(stage.complete(&media).await.unwrap().stage, Stage::Ready);
    }

    async fn another_file_after_the_first_was_stored_in_part_is_refused(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::s3(&trial).await);
        let Side::Store(store) = &stage.place.side else { unreachable!() };
        let (one, two) = (png(5), png(6));
        assert_eq!(one.len(), two.len(), "the same grant fits both");
        let media = stage.put(person(&db), &one).await;
        store.faults().next("put", None);
        store.faults().next("put", Some(doubles::Fault::Refused));
        assert!(stage.complete(&media).await.is_err());
        let signed = stage.uploads.sign(&media, &db);
        assert!(stage.place.put(&signed, "image/png", two, db.now()).await);
        assert_eq!(stage.refusal(&media).await, UploadRefusal::Over);
        let running = stage.work();
        trial.advance(61 * 60_000);
        until("the files of the first are gone too", async || stage.place.keys().is_empty()).await;
        running.stop().await;
    }

    async fn a_subject_shows_pictures_in_its_order(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::folder());
        let (kim, lee, mist, soap) = (person(&db), person(&db), deal(&db), deal(&db));
        let mut pictures = Vec::new();
        for red in 0..3 {
            pictures.push(stage.picture(kim, red).await.id);
        }
        let theirs = stage.picture(lee, 9).await.id;
        let granted = stage.grant(kim, &png(1)).await.unwrap().id;
        let [a, b, c] = pictures[..] else { unreachable!() };
        let many = vec![a; PICTURES_MAX + 1];
        for (wanted, refusal) in [
            (&[a, theirs][..], ShowRefusal::Unknown),
            (&[MediaId::new(db.now())], ShowRefusal::Unknown),
            (&[granted], ShowRefusal::NotReady),
            (&[a, b, a], ShowRefusal::Twice),
            (&many, ShowRefusal::TooMany),
        ] {
            let refused = stage.show(kim, &mist, wanted).await;
            assert!(matches!(refused, Err(Failure::Refused(why)) if why == refusal), "{refused:?}");
        }
        assert_eq!(stage.shown(&mist).await, []);
        stage.show(kim, &mist, &[c, a]).await.unwrap();
        stage.show(kim, &soap, &[a]).await.unwrap();
        assert_eq!(stage.shown(&mist).await, [c, a]);
        stage.show(kim, &mist, &[b, c]).await.unwrap();
        assert_eq!(stage.shown(&mist).await, [b, c]);
        let all = media::of_subjects(&db.read(), &mist.kind, &[mist.id, soap.id]).await.unwrap();
        assert_eq!(all[&soap.id].iter().map(|one| one.id).collect::<Vec<_>>(), [a]);
        // Somebody else of the same business goes on with what is shown.
        stage.show(lee, &mist, &[c, theirs]).await.unwrap();
        assert_eq!(stage.shown(&mist).await, [c, theirs]);
    }

    /// Defect 30: nothing is left behind.
    async fn defect_30_what_no_subject_shows_for_a_day_is_removed(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::folder());
        let (kim, mist, soap) = (person(&db), deal(&db), deal(&db));
        let free = stage.picture(kim, 1).await.id;
        let shown = stage.picture(kim, 2).await.id;
        let left = stage.picture(kim, 3).await.id;
        stage.show(kim, &mist, &[shown, left]).await.unwrap();
        stage.show(kim, &soap, &[left]).await.unwrap();
        let running = stage.work();
        tokio::time::sleep(Duration::from_millis(300)).await;
        trial.advance(DAY_MS + 1);
        until("what was never shown is gone", async || stage.stage(free).await.is_none()).await;
        assert_eq!(stage.stage(shown).await, Some(Stage::Ready));
        // Another subject shows it still; and then none.
        stage.show(kim, &mist, &[shown]).await.unwrap();
        trial.advance(2 * DAY_MS);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(stage.stage(left).await, Some(Stage::Ready));
        let gone = db.write(async |tx| media::forget_subject(tx, &soap).await);
        gone.await.unwrap();
        trial.advance(DAY_MS + 1);
        until("what was left is gone", async || stage.stage(left).await.is_none()).await;
        let keys = stage.place.keys();
        assert!(keys.iter().all(|key| key.contains(&shown.to_string())), "{keys:?}");
        assert_eq!(keys.len(), 2);
        running.stop().await;
    }

    async fn who_is_forgotten_leaves_what_subjects_show(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::folder());
        let (kim, mist) = (person(&db), deal(&db));
        let (free, shown) = (stage.picture(kim, 1).await.id, stage.picture(kim, 2).await.id);
        stage.show(kim, &mist, &[shown]).await.unwrap();
        db.write(async |tx| media::forget(tx, kim).await).await.unwrap();
        let running = stage.work();
        tokio::time::sleep(Duration::from_millis(300)).await;
        trial.advance(11 * 60_000);
        until("it is gone at the next sweep", async || stage.stage(free).await.is_none()).await;
        assert_eq!(stage.shown(&mist).await, [shown]);
        running.stop().await;
    }

    /// Defect 30: length and number have bounds.
    async fn defect_30_nobody_uploads_without_bound(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::folder());
        let kim = person(&db);
        let refusal = |granted: Result<Media, Failure<GrantRefusal>>| match granted {
            Err(Failure::Refused(refusal)) => refusal,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(refusal(stage.grant(kim, &Bytes::new()).await), GrantRefusal::TooLong);
        let long = Bytes::from(vec![0; 10 * 1_024 * 1_024 + 1]);
        assert_eq!(refusal(stage.grant(kim, &long).await), GrantRefusal::TooLong);
        for _ in 0..MEDIA_FREE_MAX {
            stage.grant(kim, &png(1)).await.unwrap();
        }
        assert_eq!(refusal(stage.grant(kim, &png(1)).await), GrantRefusal::TooMany);
        stage.grant(person(&db), &png(1)).await.unwrap();
    }

    async fn what_a_store_that_was_away_for_long_has_is_removed_when_it_is_back(trial: Trial) {
        let db = open(&trial).await;
        let stage = Scene::at(&db, Place::s3(&trial).await);
        let Side::Store(store) = &stage.place.side else { unreachable!() };
        let kim = person(&db);
        let left = stage.put(kim, &png(1)).await.id;
        let free = stage.picture(kim, 2).await.id;
        // More often than most tasks are tried.
        for _ in 0..40 {
            store.faults().next("delete", Some(doubles::Fault::Refused));
        }
        let running = stage.work();
        let later = async || {
            trial.advance(3_600_000);
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        until("nothing is left", async || {
            later().await;
            stage.place.keys().is_empty()
        })
        .await;
        for media in [left, free] {
            until("its row is gone", async || {
                later().await;
                stage.stage(media).await.is_none()
            })
            .await;
        }
        assert_eq!(db.read().dead_tasks(10).await.unwrap(), []);
        running.stop().await;
    }

    async fn no_more_files_are_in_memory_than_are_drawn_or_wait_for_it(trial: Trial) {
        let db = open(&trial).await;
        let place = Place::folder();
        let slow = Arc::new(Slow { inner: Arc::clone(&place.files), reading: Mutex::new((0, 0)) });
        let stage = Scene { uploads: Uploads::new(Arc::<Slow>::clone(&slow)), db, place };
        let kim = person(&stage.db);
        let mut uploads = JoinSet::new();
        for red in 0..12 {
            let media = stage.put(kim, &png(red)).await;
            let (uploads_of, db) = (stage.uploads.clone(), stage.db.clone());
            uploads.spawn(async move { uploads_of.complete(&db, kim, media.id).await });
        }
        let done = uploads.join_all().await;
        let busy = done.iter().filter(|done| matches!(done, Err(CompleteError::Busy))).count();
        let (_, most) = *slow.reading.lock().unwrap();
        assert!((1..=DRAWING_OF_ONE_MAX).contains(&most), "{most} files at once");
        assert!(busy > 0 && busy + most <= 12, "{busy} were told to come later");
    }
}
