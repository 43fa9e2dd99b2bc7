//! One address, one account; a proof proves once; a withdrawn account holds nothing personal.

use base::moment::Moment;
use identity::{
    account::{self, Account, EmailRefusal, Gone, ProofRefusal},
    ids::ProofId,
    membership::{self, SetEmailRefusal, Untied},
    password::PasswordHash,
    proof::{self, IssueRefusal, Purpose},
};
use store::{Db, Failure, Refusing as _, on_both, sea_orm::ConnectionTrait as _};

use crate::support::{DAY_MS, email, everything, open, prover, sign_in, sign_up};

async fn issue(
    db: &Db,
    account: &Account,
    purpose: Purpose,
) -> Result<ProofId, Failure<IssueRefusal>> {
    let id = account.id;
    db.write(async |tx| {
        let live = account::live(tx, id).await.refusing(|_| IssueRefusal::TooMany)?;
        account::send_proof(tx, &prover(), &live, purpose).await
    })
    .await
}

async fn verify(db: &Db, by: &Account, proof: ProofId) -> Result<(), Failure<ProofRefusal>> {
    let id = by.id;
    db.write(async |tx| {
        let live = account::live(tx, id).await.refusing(|_| ProofRefusal::Invalid)?;
        account::verify(tx, &live, proof).await
    })
    .await
}

async fn set_email(db: &Db, account: &Account, address: &str) {
    let (id, address) = (account.id, email(address));
    let set = db.write(async |tx| {
        let live = account::live(tx, id).await.unwrap();
        membership::set_email(tx, &live, &address).await
    });
    set.await.unwrap();
}

async fn recipient(db: &Db, proof: ProofId) -> Option<String> {
    account::recipient(&db.read(), proof, db.now()).await.unwrap()
}

async fn withdraw(db: &Db, account: &Account) -> Result<(), Failure<Gone>> {
    let id = account.id;
    db.write(async |tx| {
        let live = account::live(tx, id).await?;
        membership::withdraw(tx, &live, &Untied).await.refusing(|_| Gone::Gone)
    })
    .await
}

async fn read(db: &Db, account: &Account) -> Account {
    account::find(&db.read(), account.id).await.unwrap().unwrap()
}

fn is_taken<T: std::fmt::Debug>(done: &Result<T, Failure<EmailRefusal>>) -> bool {
    matches!(done, Err(Failure::Refused(EmailRefusal::Taken)))
}

fn is_invalid(done: &Result<(), Failure<ProofRefusal>>) -> bool {
    matches!(done, Err(Failure::Refused(ProofRefusal::Invalid)))
}

on_both! {
    async fn an_address_has_one_account_however_it_is_written(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "Kim@shop.example").await.unwrap();
        assert_eq!((account.name.as_str(), account.is_verified), ("Kim Hana", false));
        let again = sign_up(&db, "kim@SHOP.example").await;
        assert!(is_taken(&again), "{again:?}");
        let found = account::by_email(&db.read(), &email("kim@shop.example")).await.unwrap();
        assert_eq!(found, Some(account));
    }

    async fn of_many_who_sign_up_with_one_address_one_gets_it(trial: Trial) {
        let db = open(&trial).await;
        let many: Vec<_> = (0..8).map(|_| {
            let db = db.clone();
            tokio::spawn(async move { sign_up(&db, "kim@shop.example").await })
        }).collect();
        let mut signed_up = 0;
        for one in many {
            let done = one.await.unwrap();
            assert!(done.is_ok() || is_taken(&done), "{done:?}");
            signed_up += u32::from(done.is_ok());
        }
        assert_eq!(signed_up, 1);
    }

    async fn nobody_destroys_an_account_by_asking_for_its_address(trial: Trial) {
        let db = open(&trial).await;
        let kim = sign_up(&db, "kim@shop.example").await.unwrap();
        let lee = sign_up(&db, "lee@shop.example").await.unwrap();
        trial.advance(30 * DAY_MS);
        assert!(is_taken(&sign_up(&db, "kim@shop.example").await));
        let (id, address) = (lee.id, email("kim@shop.example"));
        let set = db.write(async |tx| {
            let live = account::live(tx, id).await.unwrap();
            membership::set_email(tx, &live, &address).await
        });
        let set = set.await;
        assert!(matches!(set, Err(Failure::Refused(SetEmailRefusal::Taken))), "{set:?}");
        assert_eq!(read(&db, &kim).await, kim);
    }

    async fn a_proof_is_for_the_address_it_was_made_for_alone(trial: Trial) {
        let db = open(&trial).await;
        let mallory = sign_up(&db, "victim@shop.example").await.unwrap();
        let proof = issue(&db, &mallory, Purpose::VerifyEmail).await.unwrap();
        assert_eq!(recipient(&db, proof).await.as_deref(), Some("victim@shop.example"));
        set_email(&db, &mallory, "mallory@shop.example").await;
        assert_eq!(recipient(&db, proof).await, None);
        set_email(&db, &mallory, "victim@shop.example").await;
        assert_eq!(recipient(&db, proof).await, None);
        assert!(is_invalid(&verify(&db, &mallory, proof).await));
        assert!(!read(&db, &mallory).await.is_verified);
    }

    async fn the_same_address_again_changes_nothing(trial: Trial) {
        let db = open(&trial).await;
        let kim = sign_up(&db, "kim@shop.example").await.unwrap();
        let proof = issue(&db, &kim, Purpose::VerifyEmail).await.unwrap();
        set_email(&db, &kim, "Kim@shop.example").await;
        verify(&db, &kim, proof).await.unwrap();
    }

    async fn nobody_verifies_an_address_for_an_account_they_are_not_signed_in_to(trial: Trial) {
        let db = open(&trial).await;
        let stranger = sign_up(&db, "kim@shop.example").await.unwrap();
        let lee = sign_up(&db, "lee@shop.example").await.unwrap();
        let proof = issue(&db, &stranger, Purpose::VerifyEmail).await.unwrap();
        assert!(is_invalid(&verify(&db, &lee, proof).await));
        assert!(!read(&db, &stranger).await.is_verified && !read(&db, &lee).await.is_verified);
        verify(&db, &stranger, proof).await.unwrap();
    }

    async fn a_proof_proves_once_for_its_purpose_and_within_a_day(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "kim@shop.example").await.unwrap();
        let older = issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        trial.advance(60_000);
        let proof = issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        let other = issue(&db, &account, Purpose::ResetPassword).await.unwrap();
        for wrong in [other, ProofId::new(Moment(1))] {
            assert!(is_invalid(&verify(&db, &account, wrong).await));
        }
        assert!(!read(&db, &account).await.is_verified);
        trial.advance(DAY_MS - 60_000 - 1);
        verify(&db, &account, older).await.unwrap();
        assert!(read(&db, &account).await.is_verified);
        for used in [older, proof] {
            assert!(is_invalid(&verify(&db, &account, used).await));
        }
        let late = issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        trial.advance(DAY_MS - 1);
        assert!(recipient(&db, late).await.is_some());
        trial.advance(1);
        assert_eq!(recipient(&db, late).await, None, "a dead link is not sent");
        assert!(is_invalid(&verify(&db, &account, late).await));
        assert!(db.write(async |tx| proof::sweep(tx).await).await.unwrap() > 0);
    }

    async fn of_many_who_show_one_proof_one_proves(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "kim@shop.example").await.unwrap();
        let proof = issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        let many: Vec<_> = (0..8).map(|_| {
            let db = db.clone();
            tokio::spawn({
                let account = account.clone();
                async move { verify(&db, &account, proof).await }
            })
        }).collect();
        let mut proven = 0;
        for one in many {
            let done = one.await.unwrap();
            assert!(done.is_ok() || is_invalid(&done), "{done:?}");
            proven += u32::from(done.is_ok());
        }
        assert_eq!(proven, 1);
    }

    async fn whoever_reads_an_address_can_take_its_account_over(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "kim@shop.example").await.unwrap();
        let proof = issue(&db, &account, Purpose::ResetPassword).await.unwrap();
        let mine = PasswordHash::kept("$the-owner's-hash".to_owned());
        let reset = db.write(async |tx| membership::reset_password(tx, proof, &mine).await.map(drop));
        reset.await.unwrap();
        let kept = account::password_of(&db.read(), account.id).await.unwrap();
        assert_eq!(kept, Some(mine));
        assert!(read(&db, &account).await.is_verified);
    }

    async fn a_password_is_replaced_within_an_hour_and_not_after_another_was_set(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "kim@shop.example").await.unwrap();
        let new = PasswordHash::kept("$new".to_owned());
        let reset = async |proof| {
            let done = db.write(async |tx| {
                membership::reset_password(tx, proof, &new).await.map(drop)
            });
            done.await
        };
        let late = issue(&db, &account, Purpose::ResetPassword).await.unwrap();
        trial.advance(DAY_MS / 24);
        assert!(is_invalid(&reset(late).await));
        let stolen = issue(&db, &account, Purpose::ResetPassword).await.unwrap();
        let here = sign_in(&db, account.id).await.id;
        let set = db.write(async |tx| {
            let live = account::live(tx, account.id).await.unwrap();
            membership::set_password(tx, &live, &new, here).await
        });
        set.await.unwrap();
        assert!(is_invalid(&reset(stolen).await));
        trial.advance(60_000);
        reset(issue(&db, &account, Purpose::ResetPassword).await.unwrap()).await.unwrap();
    }

    async fn nobody_is_flooded_with_mails(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "kim@shop.example").await.unwrap();
        issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        let soon = issue(&db, &account, Purpose::VerifyEmail).await;
        assert!(matches!(soon, Err(Failure::Refused(IssueRefusal::TooSoon))), "{soon:?}");
        for _ in 0..4 {
            trial.advance(60_000);
            issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        }
        trial.advance(60_000);
        let many = issue(&db, &account, Purpose::VerifyEmail).await;
        assert!(matches!(many, Err(Failure::Refused(IssueRefusal::TooMany))), "{many:?}");
        issue(&db, &account, Purpose::ResetPassword).await.unwrap();
        assert_eq!(everything(&db).await.matches("identity.send_proof").count(), 6);
        set_email(&db, &account, "other@shop.example").await;
        set_email(&db, &account, "kim@shop.example").await;
        let moved = issue(&db, &account, Purpose::VerifyEmail).await;
        assert!(matches!(moved, Err(Failure::Refused(IssueRefusal::TooMany))), "{moved:?}");
        withdraw(&db, &account).await.unwrap();
        let again = sign_up(&db, "kim@shop.example").await.unwrap();
        let new = issue(&db, &again, Purpose::VerifyEmail).await;
        assert!(matches!(new, Err(Failure::Refused(IssueRefusal::TooMany))), "{new:?}");
        trial.advance(DAY_MS);
        issue(&db, &again, Purpose::VerifyEmail).await.unwrap();
    }

    async fn a_withdrawn_account_holds_nothing_personal_and_frees_its_address(trial: Trial) {
        let db = open(&trial).await;
        let account = sign_up(&db, "kim@shop.example").await.unwrap();
        let proof = issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
        let before = everything(&db).await;
        for personal in ["kim@", "Kim Hana", "kim's-hash"] {
            assert!(before.contains(personal), "{personal} is looked for in the right place");
        }
        withdraw(&db, &account).await.unwrap();
        let after = everything(&db).await;
        for personal in ["kim", "Kim", "hash"] {
            assert!(!after.contains(personal), "{personal} is left in {after}");
        }
        assert!(is_invalid(&verify(&db, &account, proof).await));
        assert!(!read(&db, &account).await.is_verified);
        let again = withdraw(&db, &account).await;
        assert!(matches!(again, Err(Failure::Refused(Gone::Gone))), "{again:?}");
        assert_ne!(sign_up(&db, "kim@shop.example").await.unwrap().id, account.id);
        assert!(after.contains("test.withdrawn"), "others hear of it");
    }

    async fn a_failure_of_the_database_shows_nothing_personal(trial: Trial) {
        let db = open(&trial).await;
        sign_up(&db, "kim@shop.example").await.unwrap();
        let broken = db.write(async |tx| {
            tx.execute_unprepared("UPDATE account SET withdrawn_at = 1").await?;
            Ok::<_, Failure<Gone>>(())
        });
        let shown = format!("{:?}", broken.await.unwrap_err());
        assert!(shown.contains("account") || shown.contains("CHECK"), "{shown}");
        assert!(!shown.to_lowercase().contains("kim"), "{shown}");
    }

    async fn an_account_that_is_withdrawn_while_it_is_verified_stays_withdrawn(trial: Trial) {
        let db = open(&trial).await;
        for round in 0..8 {
            let account = sign_up(&db, &format!("kim{round}@shop.example")).await.unwrap();
            let proof = issue(&db, &account, Purpose::VerifyEmail).await.unwrap();
            let verifying = tokio::spawn({
                let (db, account) = (db.clone(), account.clone());
                async move { verify(&db, &account, proof).await }
            });
            withdraw(&db, &account).await.unwrap();
            let verified = verifying.await.unwrap();
            assert!(verified.is_ok() || is_invalid(&verified), "{verified:?}");
            let left = read(&db, &account).await;
            assert!(left.withdrawn_at.is_some() && !left.is_verified && left.name.is_empty());
        }
    }
}
