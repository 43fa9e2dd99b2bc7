//! A like is once; its number is exact; nobody is left out of a list.

use std::collections::{BTreeMap, BTreeSet};

use base::cursor::{Page, Wanted};
use commons::{
    ids::{Person, SubjectId},
    like::{self, LikeRefusal, Liked},
    limits::{LIKES_MAX, STEP_MAX},
    subject::Subject,
};
use store::{Db, Failure, on_both};

use crate::support::{DEAL, deal, open, person};

async fn add(db: &Db, person: Person, subject: &Subject) -> Result<bool, Failure<LikeRefusal>> {
    db.write(async |tx| like::add(tx, person, subject).await).await
}

async fn remove(db: &Db, person: Person, subject: &Subject) -> bool {
    db.write(async |tx| like::remove(tx, person, subject).await).await.unwrap()
}

async fn count(db: &Db, subject: &Subject) -> u64 {
    like::count(&db.read(), subject).await.unwrap()
}

async fn wishes(db: &Db, person: Person) -> Vec<SubjectId> {
    let page = like::of_person(&db.read(), person, &DEAL, Wanted::default()).await.unwrap();
    page.items.into_iter().map(|liked| liked.subject.id).collect()
}

/// All of a list, by pages of so many.
async fn paged(limit: u16, page: impl AsyncFn(Wanted) -> Page<Liked>) -> Vec<Liked> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let one = page(Wanted::new(limit, after).unwrap()).await;
        assert!(one.items.len() <= usize::from(limit));
        all.extend(one.items);
        match one.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

on_both! {
    /// Scenario 6.
    async fn scenario_6_a_like_counts_once_however_often_it_is_repeated(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee, mist) = (person(&db), person(&db), deal(&db));
        assert!(add(&db, kim, &mist).await.unwrap());
        assert!(!add(&db, kim, &mist).await.unwrap(), "again");
        assert_eq!(count(&db, &mist).await, 1);
        assert!(add(&db, lee, &mist).await.unwrap());
        assert_eq!(count(&db, &mist).await, 2);
        assert_eq!(wishes(&db, kim).await, [mist.id]);
        assert!(remove(&db, kim, &mist).await);
        assert!(!remove(&db, kim, &mist).await, "again");
        assert_eq!(count(&db, &mist).await, 1);
        assert_eq!(wishes(&db, kim).await, []);
        assert!(like::is_liked(&db.read(), lee, &mist).await.unwrap());
        assert!(!like::is_liked(&db.read(), kim, &mist).await.unwrap());
    }

    /// Defect 29: the number is kept, and exact.
    async fn defect_29_the_number_is_exact_among_many_at_once(trial: Trial) {
        let db = open(&trial).await;
        let mist = deal(&db);
        let people: Vec<Person> = (0..6).map(|_| person(&db)).collect();
        let clicking = people.iter().flat_map(|&one| [(one, 0), (one, 1), (one, 2)]);
        let clicking: Vec<_> = clicking.map(|(one, turn)| {
            let (db, mist) = (db.clone(), mist.clone());
            tokio::spawn(async move {
                for step in 0..6 {
                    if (step + turn) % 3 == 0 {
                        remove(&db, one, &mist).await;
                    } else {
                        add(&db, one, &mist).await.unwrap();
                    }
                }
            })
        }).collect();
        for one in clicking {
            one.await.unwrap();
        }
        let rows = like::of_subject(&db.read(), &mist, Wanted::default()).await.unwrap();
        assert_eq!(count(&db, &mist).await, u64::try_from(rows.items.len()).unwrap());
        for one in people {
            add(&db, one, &mist).await.unwrap();
        }
        assert_eq!(count(&db, &mist).await, 6);
    }

    async fn who_likes_a_subject_is_read_in_pages_without_a_gap(trial: Trial) {
        let db = open(&trial).await;
        let (mist, other) = (deal(&db), deal(&db));
        let mut people = Vec::new();
        for _ in 0..7 {
            trial.advance(1);
            let one = person(&db);
            add(&db, one, &mist).await.unwrap();
            add(&db, person(&db), &other).await.unwrap();
            people.push(one);
        }
        let reader = db.read();
        let all = paged(3, async |wanted| like::of_subject(&reader, &mist, wanted).await.unwrap());
        assert_eq!(all.await.iter().map(|liked| liked.person).collect::<Vec<_>>(), people);

        // Somebody who comes while it is read is on the last page.
        let wanted = Wanted::new(5, None).unwrap();
        let first = like::of_subject(&db.read(), &mist, wanted).await.unwrap();
        trial.advance(1);
        let late = person(&db);
        add(&db, late, &mist).await.unwrap();
        remove(&db, people[6], &mist).await;
        let rest = Wanted::new(5, first.next).unwrap();
        let rest = like::of_subject(&db.read(), &mist, rest).await.unwrap();
        let rest: Vec<_> = rest.items.iter().map(|liked| liked.person).collect();
        assert_eq!(rest, [people[5], late]);
    }

    /// Scenario 6; defect 29: what is liked among those of a page is one read.
    async fn scenario_6_defect_29_a_wish_list_has_the_latest_first(trial: Trial) {
        let db = open(&trial).await;
        let kim = person(&db);
        let mut deals = Vec::new();
        for _ in 0..7 {
            trial.advance(1);
            let one = deal(&db);
            add(&db, kim, &one).await.unwrap();
            deals.insert(0, one.id);
        }
        let reader = db.read();
        let all = paged(2, async |wanted| {
            like::of_person(&reader, kim, &DEAL, wanted).await.unwrap()
        });
        assert_eq!(all.await.iter().map(|liked| liked.subject.id).collect::<Vec<_>>(), deals);
        let shown = [deals[1], deals[4], deal(&db).id];
        let among = like::liked_among(&db.read(), kim, &DEAL, &shown).await.unwrap();
        assert_eq!(among, BTreeSet::from([deals[1], deals[4]]));
        let counts = like::counts(&db.read(), &DEAL, &shown).await.unwrap();
        assert_eq!(counts, BTreeMap::from([(deals[1], 1), (deals[4], 1)]));
    }

    async fn a_person_who_is_forgotten_is_in_no_number(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee) = (person(&db), person(&db));
        let deals: Vec<_> = (0..=STEP_MAX).map(|_| deal(&db)).collect();
        let liked = db.write(async |tx| {
            for one in &deals {
                like::add(tx, kim, one).await?;
            }
            like::add(tx, lee, &deals[0]).await
        });
        liked.await.unwrap();
        let forget = async || db.write(async |tx| like::forget_some(tx, kim).await).await.unwrap();
        assert_eq!(forget().await, STEP_MAX);
        assert_eq!(forget().await, 1);
        assert_eq!(forget().await, 0);
        assert_eq!(wishes(&db, kim).await, []);
        assert_eq!(count(&db, &deals[0]).await, 1, "Lee still likes it");
        let ids: Vec<_> = deals.iter().map(|one| one.id).collect();
        assert_eq!(like::counts(&db.read(), &DEAL, &ids).await.unwrap().len(), 1);
        let gone = db.write(async |tx| like::forget_subject(tx, &deals[0]).await);
        assert_eq!(gone.await.unwrap(), 1);
        assert_eq!(count(&db, &deals[0]).await, 0);
    }

    async fn nobody_likes_without_bound(trial: Trial) {
        let db = open(&trial).await;
        let kim = person(&db);
        for _ in 0..LIKES_MAX / 200 {
            let deals: Vec<_> = (0..200).map(|_| deal(&db)).collect();
            let liked = db.write(async |tx| {
                for one in &deals {
                    like::add(tx, kim, one).await?;
                }
                Ok::<_, Failure<LikeRefusal>>(())
            });
            liked.await.unwrap();
        }
        let one_more = add(&db, kim, &deal(&db)).await;
        assert!(matches!(one_more, Err(Failure::Refused(LikeRefusal::TooMany))), "{one_more:?}");
        let known = Subject { kind: DEAL, id: wishes(&db, kim).await[0] };
        assert!(!add(&db, kim, &known).await.unwrap(), "a repetition is no refusal");
        assert!(remove(&db, kim, &known).await);
        assert!(add(&db, kim, &deal(&db)).await.unwrap());
    }
}
