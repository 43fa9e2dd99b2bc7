//! What was done is noted with it, or not at all.

use base::cursor::Wanted;
use commons::{
    audit::{self, Actor, Detail, New},
    ids::Person,
    label::Label,
    like,
    subject::Subject,
};
use store::{Db, on_both, sea_orm::DbErr};

use crate::support::{deal, open, person};

const PAUSED: Label = Label::new("deal.paused");
const OPERATOR: Label = Label::new("operator");

async fn note(db: &Db, person: Option<Person>, subject: &Subject, reason: &str) {
    let actor = Actor { person, role: OPERATOR };
    let detail = Detail::from([("reason".to_owned(), reason.to_owned())]);
    let new = New { actor: &actor, action: PAUSED, subject, detail: &detail };
    db.write(async |tx| audit::note(tx, &new).await).await.unwrap();
}

on_both! {
    async fn entries_are_listed_by_subject_and_by_actor(trial: Trial) {
        let db = open(&trial).await;
        let (kim, lee, mist, soap) = (person(&db), person(&db), deal(&db), deal(&db));
        for (who, what, reason) in
            [(Some(kim), &mist, "1"), (Some(lee), &mist, "2"), (Some(kim), &soap, "3"), (None, &mist, "4")]
        {
            trial.advance(1);
            note(&db, who, what, reason).await;
        }
        let reasons = |page: base::cursor::Page<audit::Entry>| {
            page.items.iter().map(|entry| entry.detail["reason"].clone()).collect::<Vec<_>>()
        };
        let all = Wanted::default();
        let of_mist = audit::of_subject(&db.read(), &mist, all).await.unwrap();
        assert_eq!(of_mist.items[1].actor, Actor { person: Some(lee), role: OPERATOR });
        assert_eq!((of_mist.items[0].action.clone(), of_mist.items[0].at()), (PAUSED, db.now()));
        assert_eq!(reasons(of_mist), ["4", "2", "1"]);
        assert_eq!(reasons(audit::of_person(&db.read(), kim, all).await.unwrap()), ["3", "1"]);
        let first = audit::all(&db.read(), Wanted::new(3, None).unwrap()).await.unwrap();
        let rest = Wanted::new(3, first.next).unwrap();
        assert_eq!(reasons(first), ["4", "3", "2"]);
        assert_eq!(reasons(audit::all(&db.read(), rest).await.unwrap()), ["1"]);
    }

    async fn an_entry_is_there_if_what_it_says_was_done(trial: Trial) {
        let db = open(&trial).await;
        let (kim, mist) = (person(&db), deal(&db));
        let failed = db.write(async |tx| {
            let actor = Actor { person: Some(kim), role: OPERATOR };
            let new = New { actor: &actor, action: PAUSED, subject: &mist, detail: &Detail::new() };
            audit::note(tx, &new).await?;
            like::remove(tx, kim, &mist).await?;
            Err::<(), _>(DbErr::Custom("the rest failed".to_owned()))
        });
        assert!(failed.await.is_err());
        let entries = audit::all(&db.read(), Wanted::default()).await.unwrap().items;
        assert_eq!(entries, []);
    }
}
