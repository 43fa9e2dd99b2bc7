//! A session is on until it ends, and a refresh token that is used twice ends it.

use base::cursor::Wanted;
use identity::{
    account,
    ids::SessionId,
    limits::SESSIONS_MAX,
    session::{self, OwnRefusal, Refresh, RefreshRefusal, Refreshed, Role, SignInRefusal},
};
use store::{
    Db, Failure, on_both,
    sea_orm::{ConnectionTrait as _, DbErr},
};

use crate::support::{
    DAY_MS, appoint, everything, is_on, on_firefox, open_with_kim, sign_in, sign_up,
};

async fn refresh(db: &Db, shown: Refresh) -> Refreshed {
    db.write(async |tx| session::refresh(tx, shown).await).await.unwrap()
}

async fn refreshed(db: &Db, shown: Refresh) -> Refresh {
    match refresh(db, shown).await {
        Refreshed::Done(session) => session.refresh(),
        Refreshed::Refused(refusal) => unreachable!("{refusal}"),
    }
}

fn refused(refusal: RefreshRefusal) -> Refreshed {
    Refreshed::Refused(refusal)
}

on_both! {
    async fn each_refresh_gives_another_token_and_prolongs(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        let mut token = session.refresh();
        for _ in 0..3 {
            trial.advance(29 * DAY_MS);
            let next = refreshed(&db, token).await;
            assert_ne!(next, token);
            token = next;
        }
        trial.advance(30 * DAY_MS - 1);
        assert!(is_on(&db, session.id).await);
        trial.advance(1);
        assert!(!is_on(&db, session.id).await);
        assert_eq!(refresh(&db, token).await, refused(RefreshRefusal::Over));
    }

    async fn a_token_that_is_used_twice_ends_the_session(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let stolen = sign_in(&db, kim).await.refresh();
        let other = sign_in(&db, kim).await;
        let of_the_thief = refreshed(&db, stolen).await;
        trial.advance(10_000);
        assert_eq!(refresh(&db, stolen).await, refused(RefreshRefusal::Reused));
        assert_eq!(refresh(&db, of_the_thief).await, refused(RefreshRefusal::Over));
        assert!(is_on(&db, other.id).await, "other sessions go on");
        assert!(everything(&db).await.contains("test.ended"), "whoever trusts its tokens hears of it");
    }

    async fn a_refresh_whose_answer_was_lost_can_be_repeated_for_a_moment(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let first = sign_in(&db, kim).await.refresh();
        let many: Vec<_> = (0..6).map(|_| {
            let db = db.clone();
            tokio::spawn(async move { refreshed(&db, first).await })
        }).collect();
        let mut tokens = Vec::new();
        for one in many {
            tokens.push(one.await.unwrap());
        }
        assert!(tokens.iter().all(|token| *token == tokens[0] && *token != first));
        trial.advance(9_999);
        assert_eq!(refreshed(&db, first).await, tokens[0]);
    }

    async fn what_was_never_given_out_ends_no_other_session(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        let unknown = Refresh { session: SessionId::new(db.now()), generation: 1 };
        assert_eq!(refresh(&db, unknown).await, refused(RefreshRefusal::Unknown));
        assert!(is_on(&db, session.id).await);
    }

    async fn an_account_has_so_many_sessions_and_the_one_used_longest_ago_goes_first(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let first = sign_in(&db, kim).await;
        trial.advance(1);
        let second = sign_in(&db, kim).await;
        for _ in 2..SESSIONS_MAX {
            trial.advance(1);
            sign_in(&db, kim).await;
        }
        trial.advance(1);
        refreshed(&db, first.refresh()).await;
        trial.advance(1);
        sign_in(&db, kim).await;
        assert!(is_on(&db, first.id).await && !is_on(&db, second.id).await);
        let on = session::list(&db.read(), kim, db.now()).await.unwrap();
        assert_eq!(on.len(), SESSIONS_MAX);
        assert_eq!(on[0].device, "Firefox on Linux");
        assert!(on.is_sorted_by(|one, next| one.refreshed_at >= next.refreshed_at));
    }

    async fn a_session_ends_for_its_own_account_alone_and_once(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        let session = sign_in(&db, kim).await.id;
        let end_by = async |account| {
            let ended = db.write(async |tx| {
                let live = account::live(tx, account).await.unwrap();
                session::end_own(tx, &live, session).await
            });
            ended.await.map_err(|failure| matches!(failure, Failure::Refused(OwnRefusal::Unknown)))
        };
        assert_eq!(end_by(lee).await, Err(true));
        assert!(is_on(&db, session).await);
        assert_eq!(end_by(kim).await, Ok(()));
        assert!(!is_on(&db, session).await);
        assert_eq!(end_by(kim).await, Err(true));
    }

    async fn signing_out_elsewhere_spares_the_session_that_asks(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let (here, there) = (sign_in(&db, kim).await.id, sign_in(&db, kim).await.id);
        let ended = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            session::end_others(tx, &live, Some(here)).await
        });
        assert_eq!(ended.await.unwrap(), 1);
        assert!(is_on(&db, here).await && !is_on(&db, there).await);
        let again = db.write(async |tx| {
            Ok::<_, DbErr>([session::end(tx, here).await?, session::end(tx, here).await?])
        });
        assert_eq!(again.await.unwrap(), [true, false]);
        trial.advance(32 * DAY_MS);
        assert_eq!(db.write(async |tx| session::sweep(tx).await).await.unwrap(), 2);
    }

    async fn what_ended_lately_can_be_read_by_whoever_trusts_tokens(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let mut ended = Vec::new();
        for _ in 0..3 {
            let session = sign_in(&db, kim).await.id;
            trial.advance(1_000);
            db.write(async |tx| session::end(tx, session).await).await.unwrap();
            ended.push(session);
        }
        sign_in(&db, kim).await;
        let since = base::moment::Moment(db.now().0 - 1_000);
        let mut wanted = Wanted::new(1, None).unwrap();
        let mut read = Vec::new();
        loop {
            let page = session::ended_since(&db.read(), since, wanted).await.unwrap();
            read.extend(page.items);
            let Some(next) = page.next else { break };
            wanted = Wanted::new(1, Some(next)).unwrap();
        }
        assert_eq!(read, ended[1..]);
    }

    async fn a_session_that_was_ended_is_removed_a_day_later(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let (ended, on) = (sign_in(&db, kim).await.id, sign_in(&db, kim).await.id);
        db.write(async |tx| session::end(tx, ended).await).await.unwrap();
        let sweep = async || db.write(async |tx| session::sweep(tx).await).await.unwrap();
        trial.advance(DAY_MS - 1);
        assert_eq!(sweep().await, 0);
        trial.advance(1);
        assert_eq!(sweep().await, 1);
        assert!(is_on(&db, on).await);
    }

    async fn a_session_that_runs_out_is_ended_with_the_others(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        trial.advance(30 * DAY_MS);
        let ended = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            session::end_others(tx, &live, None).await
        });
        assert_eq!(ended.await.unwrap(), 1, "a node whose clock is behind may prolong it yet");
        trial.advance(-DAY_MS);
        assert_eq!(refresh(&db, session.refresh()).await, refused(RefreshRefusal::Over));
    }

    async fn no_session_goes_on_for_what_its_account_is_no_longer(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        appoint(&db, kim).await;
        let desk = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            session::open(tx, &live, &on_firefox(Role::Operator)).await
        });
        let desk = desk.await.unwrap();
        let shopping = sign_in(&db, kim).await;
        // As if the sessions had been ended by halves.
        let dismissed = db.write(async |tx| {
            tx.execute_unprepared("UPDATE account SET is_operator = FALSE").await.map(drop)
        });
        dismissed.await.unwrap();
        assert_eq!(refresh(&db, desk.refresh()).await, refused(RefreshRefusal::Over));
        refreshed(&db, shopping.refresh()).await;
    }

    async fn an_operator_signs_in_again_after_a_day_of_work(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        appoint(&db, kim).await;
        let desk = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            session::open(tx, &live, &on_firefox(Role::Operator)).await
        });
        let mut token = desk.await.unwrap().refresh();
        for _ in 0..11 {
            trial.advance(DAY_MS / 24);
            token = refreshed(&db, token).await;
        }
        trial.advance(DAY_MS / 24 - 1);
        token = refreshed(&db, token).await;
        assert!(is_on(&db, token.session).await);
        trial.advance(1);
        assert!(!is_on(&db, token.session).await);
        assert_eq!(refresh(&db, token).await, refused(RefreshRefusal::Over));
    }

    async fn only_who_runs_the_platform_is_signed_in_as_an_operator(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let as_operator = async || {
            let opened = db.write(async |tx| {
                let live = account::live(tx, kim).await.unwrap();
                session::open(tx, &live, &on_firefox(Role::Operator)).await
            });
            opened.await.map(|session| session.id)
        };
        let refused = as_operator().await;
        assert!(matches!(refused, Err(Failure::Refused(SignInRefusal::NotAnOperator))));
        appoint(&db, kim).await;
        let (desk, shopping) = (as_operator().await.unwrap(), sign_in(&db, kim).await.id);
        let dismissed = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            identity::membership::dismiss(tx, &live).await
        });
        dismissed.await.unwrap();
        assert!(!is_on(&db, desk).await && is_on(&db, shopping).await);
        assert!(as_operator().await.is_err());
    }
}
