//! The row comes first; then every device and mailbox, however often one fails.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use base::{cursor::Wanted, language::Language};
use commons::{
    delivery::{self, Delivery, Device, Directory, Mailbox, Said, Say},
    ids::{DeviceId, Person},
    label::Label,
    limits::SEND_ATTEMPTS_MAX,
    notice::{self, Channels, New, Notice, Values},
    push::{Fcm, PushOptions, ServiceAccount},
    subject::Subject,
};
use doubles::{Fault, Setting, mail::MailServer, push::Push};
use outbound::{MailOptions, MailTls, Mailer, Reach, Secret};
use store::{Db, Id, Moment, Tx, on_both, sea_orm::DbErr, trial::Trial, worker::Workers};

use crate::support::{deal, open, person};
use store::trial::{Running, until};

const OPENS: Label = Label::new("deal.opens");

/// Devices and mailboxes of the people of a test.
#[derive(Clone, Debug, Default)]
struct Book {
    devices: Arc<Mutex<BTreeMap<DeviceId, Device>>>,
    mailboxes: Arc<Mutex<BTreeMap<Person, Mailbox>>>,
}

impl Directory for Book {
    async fn devices(&self, _: &Db, person: Person) -> Result<Vec<DeviceId>, DbErr> {
        let devices = self.devices.lock().unwrap();
        Ok(devices.values().filter(|one| one.person == person).map(|one| one.id).collect())
    }

    async fn device(&self, _: &Db, device: DeviceId) -> Result<Option<Device>, DbErr> {
        Ok(self.devices.lock().unwrap().get(&device).cloned())
    }

    async fn mailbox(&self, _: &Db, person: Person) -> Result<Option<Mailbox>, DbErr> {
        Ok(self.mailboxes.lock().unwrap().get(&person).cloned())
    }

    async fn prune(&self, _: &Tx, device: &Device) -> Result<(), DbErr> {
        self.devices.lock().unwrap().retain(|_, known| known.token != device.token);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Words;

impl Say for Words {
    fn say(&self, notice: &Notice, language: Language) -> Option<Said> {
        let title = notice.values.get("title")?;
        let (title, body) = match language {
            Language::Korean => (format!("{title} 곧 열립니다"), "서두르세요".to_owned()),
            Language::English => (format!("{title} opens soon"), "Hurry".to_owned()),
        };
        let link = Some(format!("https://shop.example/deals/{}", notice.subject.id));
        Some(Said { title, body, link, image: None })
    }
}

struct Stage {
    db: Db,
    push: Push,
    mail: MailServer,
    book: Book,
    running: Running,
}

impl Stage {
    async fn set(trial: &Trial) -> Self {
        let setting = || Setting { clock: trial.clock(), ..Setting::local() };
        let push = Push::start(setting(), "shop").await.unwrap();
        let mail = MailServer::start(setting(), None).await.unwrap();
        let account = ServiceAccount::parse(&push.service_account().to_string()).unwrap();
        let options = PushOptions {
            url: push.url().to_owned(),
            deadline: Duration::from_millis(900),
            reach: Reach::Anywhere,
            ..PushOptions::new(account)
        };
        let fcm = Fcm::new(options, trial.clock()).unwrap();
        let from = "shop <no-reply@shop.example>".to_owned();
        let (host, port) = (mail.address().ip().to_string(), mail.address().port());
        let options = MailOptions::new(host, port, from, Duration::from_millis(900));
        let mailer = Mailer::new(MailOptions { tls: MailTls::Absent, ..options }).unwrap();
        let book = Book::default();
        let (directory, db) = (book.clone(), open(trial).await);
        let delivery = Delivery { directory, say: Words, push: Some(fcm), mail: Some(mailer) };
        let running = Running::start(delivery::on(Workers::default(), delivery), &db);
        Self { db, push, mail, book, running }
    }

    /// A new device of a person, by the service's token.
    fn device(&self, person: Person, language: Language) -> String {
        let token = self.push.register();
        let id = DeviceId(Id::new(self.db.now()));
        let device = Device { id, person, token: Secret::new(token.clone()), language };
        self.book.devices.lock().unwrap().insert(id, device);
        token
    }

    async fn tell(&self, person: Person, subject: &Subject, until: Option<Moment>) -> bool {
        let values = Values::from([("title".to_owned(), "미스트".to_owned())]);
        let new = New { person, kind: OPENS, subject, detail: "1h", values: &values, until };
        self.db.write(async |tx| notice::add(tx, &new).await).await.unwrap().is_some()
    }

    async fn unread(&self, person: Person) -> u64 {
        notice::unread(&self.db.read(), person).await.unwrap()
    }

    /// What reached devices: tokens and titles, sorted.
    fn pushed(&self) -> Vec<(String, String)> {
        let pushed = self.push.pushed().into_iter();
        let title = |message: &serde_json::Value| message["notification"]["title"].to_string();
        let mut all: Vec<_> = pushed.map(|one| (one.device, title(&one.message))).collect();
        all.sort();
        all
    }

    /// Waits until no task is left; those that failed are due again as the trial's clock goes on.
    async fn settled(&self, trial: &Trial) {
        until("all is delivered", async || {
            trial.advance(20);
            self.tasks().await == 0
        })
        .await;
    }

    async fn tasks(&self) -> i64 {
        use store::sea_orm::{ConnectionTrait as _, Statement};
        let reader = self.db.read();
        let text = "SELECT COUNT(*) AS number FROM task WHERE kind LIKE 'notice.%'";
        let query = Statement::from_string(reader.get_database_backend(), text);
        let row = reader.query_one_raw(query).await.unwrap().unwrap();
        row.try_get("", "number").unwrap()
    }

    async fn choose(&self, person: Person, push: bool, mail: bool) {
        let topic = Label::new("deal");
        let chosen = Channels { push, mail };
        let done = self.db.write(async |tx| notice::choose(tx, person, &topic, chosen).await);
        done.await.unwrap();
    }
}

fn sorted(mut all: Vec<(String, String)>) -> Vec<(String, String)> {
    all.sort();
    all
}

const KOREAN: &str = "\"미스트 곧 열립니다\"";
const ENGLISH: &str = "\"미스트 opens soon\"";

on_both! {
    /// Defect 25: a person has several devices.
    async fn defect_25_every_device_is_told_in_its_language_and_once(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, lee, mist) = (person(&stage.db), person(&stage.db), deal(&stage.db));
        let phone = stage.device(kim, Language::Korean);
        let browser = stage.device(kim, Language::English);
        let other = stage.device(lee, Language::Korean);
        for _ in 0..2 {
            stage.tell(kim, &mist, None).await;
            stage.tell(lee, &mist, None).await;
        }
        stage.settled(&trial).await;
        let to = |device: &String, title: &str| (device.clone(), title.to_owned());
        let expected =
            sorted(vec![to(&phone, KOREAN), to(&browser, ENGLISH), to(&other, KOREAN)]);
        assert_eq!(stage.pushed(), expected);
        assert!(!stage.tell(kim, &mist, None).await, "the deal is published again");
        stage.settled(&trial).await;
        assert_eq!(stage.pushed(), expected);
        let link = format!("https://shop.example/deals/{}", mist.id);
        let first = &stage.push.pushed()[0].message;
        assert_eq!(first["webpush"]["fcm_options"]["link"], link);
        let proofs = stage.push.asked().iter().filter(|asked| asked.path == "/token").count();
        assert!((1..=3).contains(&proofs), "{proofs}");
        stage.running.stop().await;
    }

    /// Scenario 3; defect 25: the row comes first.
    async fn scenario_3_defect_25_a_push_that_fails_leaves_the_notice_unread_and_comes_later(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, mist) = (person(&stage.db), deal(&stage.db));
        let phone = stage.device(kim, Language::Korean);
        stage.push.faults().next("token", Some(Fault::LostBefore));
        stage.push.faults().next("send", Some(Fault::Refused));
        stage.push.faults().next("send", Some(Fault::LostBefore));
        stage.tell(kim, &mist, None).await;
        until("the service was asked", async || !stage.push.asked().is_empty()).await;
        assert_eq!(stage.unread(kim).await, 1);
        assert_eq!(stage.pushed(), []);
        stage.settled(&trial).await;
        assert_eq!(stage.pushed(), [(phone, KOREAN.to_owned())]);
        assert_eq!(stage.unread(kim).await, 1);
        stage.running.stop().await;
    }

    async fn a_push_that_nobody_answered_is_repeated_under_the_same_tag(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, mist) = (person(&stage.db), deal(&stage.db));
        stage.device(kim, Language::Korean);
        stage.push.faults().next("send", Some(Fault::LostAfter));
        stage.tell(kim, &mist, None).await;
        stage.settled(&trial).await;
        let pushed = stage.push.pushed();
        assert_eq!(pushed.len(), 2);
        let tags = |place: &[&str]| {
            let tag = |message: &serde_json::Value| {
                place.iter().fold(message.clone(), |value, name| value[*name].clone())
            };
            (tag(&pushed[0].message), tag(&pushed[1].message))
        };
        for place in [
            &["webpush", "notification", "tag"][..],
            &["android", "notification", "tag"],
            &["apns", "headers", "apns-collapse-id"],
        ] {
            let (first, second) = tags(place);
            assert!(first.is_string(), "{place:?}");
            assert_eq!(first, second);
        }
        stage.running.stop().await;
    }

    /// Defect 25: tokens that are gone are removed.
    async fn defect_25_a_device_that_is_gone_is_pruned_and_holds_up_no_other(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, lee) = (person(&stage.db), person(&stage.db));
        let gone = stage.device(kim, Language::Korean);
        let phone = stage.device(kim, Language::Korean);
        stage.push.unregister(&gone);
        let made_up = Device {
            id: DeviceId(Id::new(stage.db.now())),
            person: kim,
            token: Secret::new("made-up".to_owned()),
            language: Language::Korean,
        };
        stage.book.devices.lock().unwrap().insert(made_up.id, made_up);
        stage.tell(kim, &deal(&stage.db), None).await;
        stage.settled(&trial).await;
        assert_eq!(stage.pushed(), [(phone.clone(), KOREAN.to_owned())]);
        let left: Vec<_> = stage.book.devices.lock().unwrap().values().cloned().collect();
        assert_eq!(left.iter().map(|one| one.token.expose()).collect::<Vec<_>>(), [phone.as_str()]);

        // Somebody else signed in on it since the push was assigned.
        let db = &stage.db;
        stage.push.faults().next("send", Some(Fault::Refused));
        stage.tell(kim, &deal(db), None).await;
        until("the push failed", async || {
            stage.push.asked().iter().any(|asked| asked.fault == Some(Fault::Refused))
        }).await;
        stage.book.devices.lock().unwrap().values_mut().for_each(|one| one.person = lee);
        stage.settled(&trial).await;
        assert_eq!(stage.pushed().len(), 1);
        assert_eq!(stage.unread(kim).await, 2);
        stage.running.stop().await;
    }

    async fn what_was_read_or_has_aged_is_not_sent(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, mist, soap) = (person(&stage.db), deal(&stage.db), deal(&stage.db));
        stage.device(kim, Language::Korean);
        for _ in 0..2 {
            stage.push.faults().next("send", Some(Fault::Refused));
        }
        let soon = stage.db.now().after(Duration::from_millis(500));
        stage.tell(kim, &mist, None).await;
        stage.tell(kim, &soap, Some(soon)).await;
        until("both pushes failed", async || {
            let asked = stage.push.asked();
            asked.iter().filter(|asked| asked.fault == Some(Fault::Refused)).count() == 2
        })
        .await;
        let inbox = notice::inbox(&stage.db.read(), kim, Wanted::default()).await.unwrap().items;
        let mist = inbox.iter().find(|notice| notice.subject == mist).unwrap().id;
        let read = stage.db.write(async |tx| notice::read(tx, kim, mist).await);
        assert!(read.await.unwrap());
        stage.settled(&trial).await;
        assert_eq!(stage.pushed(), []);
        assert_eq!(stage.unread(kim).await, 1);
        stage.running.stop().await;
    }

    async fn people_are_told_where_they_want_it(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, lee, cho) = (person(&stage.db), person(&stage.db), person(&stage.db));
        for (who, name, language) in
            [(kim, "kim", Language::English), (lee, "lee", Language::Korean)]
        {
            stage.device(who, language);
            let address = format!("{name}@shop.example");
            let mailbox = Mailbox { address, language };
            stage.book.mailboxes.lock().unwrap().insert(who, mailbox);
        }
        stage.choose(kim, false, true).await;
        stage.choose(lee, false, false).await;
        // Cho has neither a device nor an address.
        stage.choose(cho, true, true).await;
        let mist = deal(&stage.db);
        stage.mail.faults().next("mail", Some(Fault::Refused));
        stage.mail.faults().next("mail", Some(Fault::LostAfter));
        for who in [kim, lee, cho] {
            stage.tell(who, &mist, None).await;
        }
        stage.settled(&trial).await;
        assert_eq!(stage.pushed(), []);
        let mails = stage.mail.mails();
        assert_eq!(mails.len(), 2, "the answer to the first was lost");
        assert_eq!(mails[0].message_id(), mails[1].message_id());
        assert_eq!(mails[0].to, ["kim@shop.example"]);
        assert_eq!(mails[0].subject(), "미스트 opens soon");
        let link = format!("https://shop.example/deals/{}", mist.id);
        assert_eq!(mails[0].link("https://"), Some(link));
        for who in [kim, lee, cho] {
            assert_eq!(stage.unread(who).await, 1);
        }
        stage.running.stop().await;
    }

    async fn an_access_token_is_used_until_it_ages(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let kim = person(&stage.db);
        stage.device(kim, Language::Korean);
        let proofs = || stage.push.asked().iter().filter(|asked| asked.path == "/token").count();
        for (after_ms, expected) in [(0, 1), (1_000, 1), (3_600_000, 2)] {
            trial.advance(after_ms);
            stage.tell(kim, &deal(&stage.db), None).await;
            stage.settled(&trial).await;
            assert_eq!(proofs(), expected, "after {after_ms} ms");
        }
        assert_eq!(stage.pushed().len(), 3);
        stage.running.stop().await;
    }

    async fn a_push_that_always_fails_is_given_up_and_leaves_the_notice_alone(trial: Trial) {
        let stage = Stage::set(&trial).await;
        let (kim, mist) = (person(&stage.db), deal(&stage.db));
        stage.device(kim, Language::Korean);
        for _ in 0..SEND_ATTEMPTS_MAX {
            stage.push.faults().next("send", Some(Fault::Refused));
        }
        stage.tell(kim, &mist, None).await;
        until("it is given up", async || {
            trial.advance(3_600_000);
            tokio::time::sleep(Duration::from_millis(100)).await;
            stage.tasks().await == 0
        })
        .await;
        assert_eq!(stage.db.read().dead_tasks(10).await.unwrap(), []);
        assert_eq!(stage.pushed(), []);
        assert_eq!(stage.unread(kim).await, 1);
        stage.running.stop().await;
    }
}
