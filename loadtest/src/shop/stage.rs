//! What stands before the first visit: providers, a server with the shop, accounts, a deal that is open.
//!
//! Owns the clocks. Deals are sold from a full hour on, so the server's wall clock, and that of the providers,
//! begin two minutes before one and are set past it once everybody has an account.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use doubles::card::CardGateway;
use doubles::clock::MovedClock;
use doubles::kakaopay::{CID, KakaoPay};
use doubles::{Faults, Setting};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::wall_clock::WallClock;
use tokio::task::JoinSet;

use crate::cli::{self, server_binary};
use crate::client::{Call, Client, Dial, Http, NodeId, authority};
use crate::flash_sale::{fresh_data, prepare, random};
use crate::rng::Rng;
use crate::run::Run;
use crate::scenario::Target;
use crate::server::{Launch, Limits, Server};

/// The key of the providers; it opens nothing else.
const KEY: &str = "double-key";
/// Everybody's password.
const PASSWORD: &str = "a good long password";
/// How long a late answer of a provider takes: within what the server waits.
const LATE: Duration = Duration::from_millis(800);
/// How long before the hour the clocks begin.
const BEFORE: SignedDuration = SignedDuration::from_mins(2);
/// How many sign up at once: hashes of passwords take a processor each.
const SIGN_UPS: u8 = 4;
/// How long something that comes by itself may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The payment providers.
#[derive(Debug)]
pub(super) struct Doubles {
    pub(super) kakaopay: KakaoPay,
    pub(super) card: CardGateway,
}

/// The clock on the server's wall, and the providers'.
#[derive(Debug)]
pub(super) struct Clocks {
    server: WallClock,
    providers: Arc<MovedClock>,
    ahead: SignedDuration,
}

impl Clocks {
    /// Clocks at this moment.
    fn at(moment: Timestamp) -> Result<Self, String> {
        let ahead = moment.duration_since(Timestamp::now());
        let server = WallClock::ahead_by(milliseconds(ahead)).map_err(|e| e.to_string())?;
        let providers = Arc::new(MovedClock::default());
        providers.advance(ahead.unsigned_abs());
        Ok(Self { server, providers, ahead })
    }

    /// Sets all of them forward.
    pub(super) fn advance(&mut self, by: SignedDuration) -> Result<(), String> {
        self.ahead += by;
        self.server.step_to(milliseconds(self.ahead)).map_err(|e| e.to_string())?;
        self.providers.advance(by.unsigned_abs());
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + self.ahead
    }
}

fn milliseconds(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) access: String,
}

/// Everything that a shop run begins with.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) run: Arc<Run>,
    pub(super) server: Server,
    pub(super) doubles: Arc<Doubles>,
    pub(super) clock: Clocks,
    pub(super) seed: u64,
    pub(super) deal: String,
    pub(super) people: Vec<Person>,
}

impl Stage {
    pub(super) async fn set(options: &cli::Shop) -> Result<Self, String> {
        let mut scenario = options.scenario()?;
        let seed = match scenario.seed {
            Some(seed) => seed,
            None => u64::from(random()?),
        };
        let opens_at = next_hour(Timestamp::now() + BEFORE);
        let mut clock = Clocks::at(opens_at - BEFORE)?;
        let doubles = Arc::new(start_doubles(&clock, seed, options.faults_per_mille).await?);
        let server = start_server(&scenario.target, options, &clock, &doubles).await?;
        scenario.sale.id = Some(String::new());
        let mut run = prepare(&scenario, &options.common, seed, Some(&server))?;
        let deal = list(&run, server.data(), opens_at, options.units).await?;
        run.sale.clone_from(&deal);
        run.sku.clone_from(&deal);
        let run = Arc::new(run);
        let letters = server.doubles().ok_or("the server has no doubles to ask for letters")?;
        let office = Dial::new(&format!("http://{letters}"), Http::One, 1)?;
        let letters = Client::new(vec![office], run.clock, 16, Duration::from_secs(10));
        let people = sign_up(&run, Arc::new(letters), options.shoppers).await?;
        let left = opens_at.duration_since(clock.now());
        clock.advance(left.max(SignedDuration::ZERO) + SignedDuration::from_secs(1))?;
        until_open(&run).await?;
        Ok(Self { run, server, doubles, clock, seed, deal, people })
    }
}

/// Where in `0..1` the `index`-th of `count` stands.
#[expect(clippy::cast_precision_loss, reason = "a part of a crowd that fits a process")]
pub(super) fn share(index: u64, count: u64) -> f64 {
    index as f64 / count.max(1) as f64
}

fn next_hour(after: Timestamp) -> Timestamp {
    let seconds = after.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3_600) + 3_600).unwrap_or(after)
}

async fn start_doubles(clock: &Clocks, seed: u64, per_mille: u64) -> Result<Doubles, String> {
    let setting = || Setting {
        clock: Arc::<MovedClock>::clone(&clock.providers),
        faults: Faults::seeded(seed, per_mille, LATE),
        ..Setting::local()
    };
    let failed = |error: std::io::Error| format!("a provider's double does not start: {error}");
    Ok(Doubles {
        kakaopay: KakaoPay::start(setting(), KEY).await.map_err(failed)?,
        card: CardGateway::start(setting(), KEY).await.map_err(failed)?,
    })
}

async fn start_server(
    target: &Target,
    options: &cli::Shop,
    clock: &Clocks,
    doubles: &Doubles,
) -> Result<Server, String> {
    let data = target.data.clone().map_or_else(fresh_data, Ok)?;
    let (host, port) = authority(target.first_url())?;
    fs::create_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
    let config = data.with_extension("toml");
    let text = format!(
        "[shop]\nenabled = true\nslot_capacity = 20\n[doubles]\nlisten = \"127.0.0.1:0\"\n\
         [deals]\nadmission_per_second = 1000\nactive_max = 100000\nhold_seconds = 60\n\
         [payments.kakaopay]\ncid = \"{CID}\"\nkey = \"{KEY}\"\nurl = \"{}\"\ntimeout_ms = 2000\n\
         [payments.card]\nkey = \"{KEY}\"\nurl = \"{}\"\ntimeout_ms = 2000\n",
        doubles.kakaopay.url(),
        doubles.card.url(),
    );
    fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
    Server::start(Launch {
        binary: target.binary.clone().unwrap_or_else(server_binary),
        listen: format!("{host}:{port}"),
        data,
        keys: options.common.given_keys(),
        limits: Limits::Off,
        config: Some(config),
        environment: clock.server.environment().into(),
    })
    .await
}

/// What a call answers, which is to be one of these statuses.
pub(super) async fn told(run: &Run, call: &Call, allowed: &[u16]) -> Result<Value, String> {
    let mut rng = Rng::new(run.clock.now().0);
    let answered = tokio::time::timeout(PATIENCE, run.insist(call, &mut rng)).await;
    let answer = answered.map_err(|_late| format!("{}: no answer", call.path))?.answer;
    if !allowed.contains(&answer.status) {
        let text = String::from_utf8_lossy(&answer.body);
        return Err(format!("{} {}: {} {text}", call.method, call.path, answer.status));
    }
    Ok(answer.parse().unwrap_or_default())
}

/// A text of a document.
pub(super) fn text(document: &Value, name: &str) -> Result<String, String> {
    let found = document[name].as_str().map(str::to_owned);
    found.ok_or_else(|| format!("no {name} in {document}"))
}

async fn sign_in(run: &Run, email: &str, password: &str) -> Result<Person, String> {
    let call = Call::post("/v1/sessions", "", "");
    let call = call.json(&json!({ "email": email, "password": password }));
    Ok(Person { access: text(&told(run, &call, &[200]).await?, "access_token")? })
}

/// Signs in as somebody of the demo: `business` or `operator`.
pub(super) async fn of_demo(run: &Run, data: &Path, role: &str) -> Result<Person, String> {
    let path = data.join("demo.json");
    let file = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let file: Value = serde_json::from_slice(&file).map_err(|error| error.to_string())?;
    sign_in(run, &text(&file[role], "email")?, &text(&file[role], "password")?).await
}

/// Has the demo's business sell so many units from `opens_at`; the deal's id.
async fn list(run: &Run, data: &Path, opens_at: Timestamp, units: u64) -> Result<String, String> {
    let seller = of_demo(run, data, "business").await?;
    let closes_at = opens_at + SignedDuration::from_hours(4);
    let offer = json!({
        "title": "수분 미스트", "description": "", "category": "beauty", "price": 62_000,
        "discount_percent": 50, "stock": units, "per_shopper_max": 2,
        "opens_at": opens_at.to_string(), "closes_at": closes_at.to_string(), "media": [],
    });
    let call = Call::post("/v1/deals", &seller.access, "").json(&offer);
    text(&told(run, &call, &[201]).await?, "deal")
}

async fn sign_up(run: &Arc<Run>, letters: Arc<Client>, count: u64) -> Result<Vec<Person>, String> {
    let mut lanes = JoinSet::new();
    for lane in 0..u64::from(SIGN_UPS) {
        let (run, letters) = (Arc::clone(run), Arc::clone(&letters));
        lanes.spawn(async move {
            let mut people = Vec::new();
            for index in (lane..count).step_by(usize::from(SIGN_UPS)) {
                people.push(newcomer(&run, &letters, index).await?);
            }
            Ok::<_, String>(people)
        });
    }
    let lanes: Result<Vec<_>, String> = lanes.join_all().await.into_iter().collect();
    Ok(lanes?.concat())
}

/// Somebody with an account whose address is verified by the letter that came to it.
async fn newcomer(run: &Run, letters: &Client, index: u64) -> Result<Person, String> {
    let email = format!("crowd{index}@people.example");
    let body = json!({ "email": email, "password": PASSWORD, "name": "Kim Hana" });
    told(run, &Call::post("/v1/accounts", "", "").json(&body), &[201]).await?;
    let person = sign_in(run, &email, PASSWORD).await?;
    let token = mailed(run, letters, &email).await?;
    let call = Call::post("/v1/accounts/verify", &person.access, "");
    told(run, &call.json(&json!({ "token": token })), &[204]).await?;
    Ok(person)
}

/// The token in the letter to an address.
async fn mailed(run: &Run, letters: &Client, to: &str) -> Result<String, String> {
    let asked = Call::get(format!("/mail?to={to}"), "");
    let deadline = run.clock.now().after(PATIENCE);
    while run.clock.now() < deadline {
        let answer = letters.send(&asked, NodeId(0)).await.map_err(|error| error.to_string())?;
        let mails: Value = answer.parse().unwrap_or_default();
        let links = mails["items"].as_array().into_iter().flatten();
        let mut links = links.filter_map(|mail| mail["link"].as_str());
        if let Some((_, token)) = links.find_map(|link| link.split_once("/shop/verify?token=")) {
            return Ok(token.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("no letter came to {to}"))
}

async fn until_open(run: &Run) -> Result<(), String> {
    let deadline = run.clock.now().after(PATIENCE);
    while run.clock.now() < deadline {
        let status = told(run, &Call::get(run.path(""), ""), &[200, 404]).await?;
        if status["state"] == "open" {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("the deal does not open".to_owned())
}
