//! A person is told once; what they were told stays until they read it, and longer.

use base::cursor::Wanted;
use commons::{
    housekeeping,
    ids::{NoticeId, Person},
    label::Label,
    limits::STEP_MAX,
    notice::{self, Channels, New, Notice, Values},
    subject::Subject,
};
use store::{Db, on_both, sea_orm::DbErr, worker::Workers};

use crate::support::{DAY_MS, deal, open, person};
use store::trial::{Running, until};

const OPENS: Label = Label::new("deal.opens");

async fn tell(db: &Db, person: Person, subject: &Subject, detail: &str) -> Option<NoticeId> {
    let values = Values::from([("title".to_owned(), "미스트".to_owned())]);
    let new = New { person, kind: OPENS, subject, detail, values: &values, until: None };
    db.write(async |tx| notice::add(tx, &new).await).await.unwrap()
}

async fn inbox(db: &Db, person: Person) -> Vec<Notice> {
    notice::inbox(&db.read(), person, Wanted::default()).await.unwrap().items
}

async fn unread(db: &Db, person: Person) -> u64 {
    notice::unread(&db.read(), person).await.unwrap()
}

on_both! {
    /// Defects 22 and 23.
    async fn defect_22_defect_23_a_fan_out_that_is_repeated_tells_nobody_twice(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee, mist, soap) = (person(&db), person(&db), deal(&db), deal(&db));
        for _ in 0..3 {
            for (who, what, detail) in
                [(kim, &mist, "24h"), (kim, &mist, "1h"), (kim, &soap, "1h"), (lee, &mist, "1h")]
            {
                trial.advance(1);
                tell(&db, who, what, detail).await;
            }
        }
        let told: Vec<_> = inbox(&db, kim).await;
        let of = |notice: &Notice| (notice.subject.clone(), notice.detail.clone());
        let expected = [(&soap, "1h"), (&mist, "1h"), (&mist, "24h")];
        let expected = expected.map(|(subject, detail)| (subject.clone(), detail.to_owned()));
        assert_eq!(told.iter().map(of).collect::<Vec<_>>(), expected);
        assert_eq!(told[0].values["title"], "미스트");
        assert_eq!((told[0].kind.clone(), told[0].read_at), (OPENS, None));
        assert_eq!((unread(&db, kim).await, unread(&db, lee).await), (3, 1));
    }

    async fn of_many_who_tell_at_once_one_does(trial: Trial) {
        let db = open(&trial).await;
        let (kim, mist) = (person(&db), deal(&db));
        let many: Vec<_> = (0..8).map(|_| {
            let (db, mist) = (db.clone(), mist.clone());
            tokio::spawn(async move { tell(&db, kim, &mist, "").await })
        }).collect();
        let mut told = Vec::new();
        for one in many {
            told.extend(one.await.unwrap());
        }
        assert_eq!(told.len(), 1);
        assert_eq!(inbox(&db, kim).await[0].id, told[0]);
    }

    /// Defect 26.
    async fn defect_26_what_is_read_is_the_readers_own_and_was_shown(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee) = (person(&db), person(&db));
        let mut told = Vec::new();
        for _ in 0..4 {
            trial.advance(1);
            told.extend(tell(&db, kim, &deal(&db), "").await);
        }
        let others = tell(&db, lee, &deal(&db), "").await.unwrap();
        let read = async |who, which| {
            db.write(async |tx| notice::read(tx, who, which).await).await.unwrap()
        };
        assert!(!read(lee, told[0]).await, "another's");
        assert!(read(kim, told[0]).await);
        let first_read = inbox(&db, kim).await[3].read_at;
        trial.advance(1);
        assert!(read(kim, told[0]).await, "again");
        assert_eq!(inbox(&db, kim).await[3].read_at, first_read);
        assert_eq!(unread(&db, kim).await, 3);

        // The last came after the inbox was shown.
        let read_all = db.write(async |tx| notice::read_all(tx, kim, told[2]).await);
        assert_eq!(read_all.await.unwrap(), 2);
        let now_unread: Vec<_> =
            inbox(&db, kim).await.iter().filter(|one| one.read_at.is_none()).map(|one| one.id).collect();
        assert_eq!(now_unread, [told[3]]);
        assert!(notice::find(&db.read(), others).await.unwrap().unwrap().read_at.is_none());
    }

    /// Defect 26.
    async fn defect_26_an_inbox_is_read_in_pages(trial: Trial) {
        let db = open(&trial).await;
        let kim = person(&db);
        let mut told = Vec::new();
        for _ in 0..5 {
            trial.advance(1);
            told.insert(0, tell(&db, kim, &deal(&db), "").await.unwrap());
        }
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let wanted = Wanted::new(2, after).unwrap();
            let page = notice::inbox(&db.read(), kim, wanted).await.unwrap();
            all.extend(page.items.iter().map(|notice| notice.id));
            // What comes meanwhile is no part of what is read.
            trial.advance(1);
            tell(&db, kim, &deal(&db), "").await;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(all, told);
    }

    async fn a_choice_is_of_one_topic(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee) = (person(&db), person(&db));
        let (deal, order) = (Label::new("deal"), Label::new("order"));
        let wanted = Channels { push: false, mail: true };
        for chosen in [Channels::default(), wanted] {
            let choose = db.write(async |tx| notice::choose(tx, kim, &deal, chosen).await);
            choose.await.unwrap();
        }
        let channels = async |who, topic: &Label| {
            notice::channels(&db.read(), who, topic).await.unwrap()
        };
        assert_eq!(channels(kim, &deal).await, wanted);
        assert_eq!(channels(kim, &order).await, Channels::default());
        assert_eq!(channels(lee, &deal).await, Channels::default());
        let all = notice::choices(&db.read(), kim).await.unwrap();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [(deal, wanted)]);
    }

    /// Defect 27.
    async fn defect_27_who_is_forgotten_has_no_inbox(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee, mist) = (person(&db), person(&db), deal(&db));
        let told = db.write(async |tx| {
            for number in 0..=STEP_MAX {
                let (detail, values) = (number.to_string(), Values::new());
                let (subject, detail) = (&mist, detail.as_str());
                let new =
                    New { person: kim, kind: OPENS, subject, detail, values: &values, until: None };
                notice::add(tx, &new).await?;
            }
            Ok::<_, DbErr>(())
        });
        told.await.unwrap();
        tell(&db, lee, &mist, "").await;
        let forget = async || db.write(async |tx| notice::forget_some(tx, kim).await).await;
        assert_eq!(forget().await.unwrap(), STEP_MAX);
        assert_eq!(forget().await.unwrap(), 1);
        assert_eq!(inbox(&db, kim).await, []);
        assert_eq!(inbox(&db, lee).await.len(), 1);
    }

    async fn an_old_notice_is_removed(trial: Trial) {
        let workers = housekeeping::on(Workers::default());
        let db = open(&trial).await;
        let (kim, mist) = (person(&db), deal(&db));
        tell(&db, kim, &mist, "old").await;
        trial.advance(2 * DAY_MS);
        let young = tell(&db, kim, &mist, "young").await.unwrap();
        let running = Running::start(workers, &db);
        // Its first look only notes when the next sweep is.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(inbox(&db, kim).await.len(), 2);
        trial.advance(89 * DAY_MS);
        until("the old one is removed", async || inbox(&db, kim).await.len() == 1).await;
        assert_eq!(inbox(&db, kim).await[0].id, young);
        running.stop().await;
    }
}
