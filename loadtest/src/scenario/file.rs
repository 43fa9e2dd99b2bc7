//! Scenario files: TOML, read strictly.
//!
//! Owns the keys and their bounds. A key that is not known, a value of the wrong kind or out of
//! bounds, and things that do not go together are refused with the file, the line and what is
//! allowed; nothing is ignored, so a slip cannot turn into a milder test than was meant.

use std::fs;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{
    CONNECTIONS_MAX, KILLS_MAX, SHOPPERS_MAX, SOURCE_ADDRESSES_MAX, Sale, Scenario, Target, urls,
};
use crate::arrivals::{Arrivals, Phase, Shape};
use crate::client::Http;
use crate::plan::{BOT_EVERY, Behaviour, Group, Habits, TABS, Think};

/// Longest phase, deadline or window: a day.
const SECONDS_MAX: f64 = 86_400.0;
/// Fastest arrivals.
const PER_SECOND_MAX: f64 = 1_000_000.0;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    seed: Option<u64>,
    deadline_seconds: Option<Spanned<f64>>,
    grace_seconds: Option<Spanned<f64>>,
    schedule_error_p99_max_ms: Option<Spanned<f64>>,
    #[serde(default)]
    server: ServerTable,
    sale: Spanned<SaleTable>,
    arrivals: Spanned<Vec<Spanned<PhaseTable>>>,
    shoppers: Option<Spanned<Vec<Spanned<GroupTable>>>>,
    habits: Option<Spanned<HabitsTable>>,
    #[serde(default)]
    audit: AuditTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    url: Option<Spanned<String>>,
    http: Option<Spanned<u8>>,
    connections: Option<Spanned<u64>>,
    source_addresses: Option<Spanned<u64>>,
    timeout_ms: Option<Spanned<f64>>,
    spawn: Option<bool>,
    kill: Option<Spanned<u64>>,
    binary: Option<PathBuf>,
    data: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SaleTable {
    id: Option<String>,
    existing: Option<bool>,
    sku: Option<String>,
    stock: Option<u64>,
    admission_per_second: Option<f64>,
    active_max: Option<u64>,
    claim_window_seconds: Option<u64>,
    session_seconds: Option<u64>,
    idle_seconds: Option<u64>,
    hold_seconds: Option<u64>,
    per_shopper_max: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseTable {
    at_seconds: Option<f64>,
    constant: Option<RateTable>,
    ramp: Option<RampTable>,
    spike: Option<SpikeTable>,
    poisson: Option<RateTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateTable {
    per_second: f64,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RampTable {
    from_per_second: f64,
    to_per_second: f64,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpikeTable {
    shoppers: u64,
    within_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Patient,
    Refresher,
    SeveralTabs,
    Leaver,
    Silent,
    NoShow,
    BuyerPays,
    BuyerAbandons,
    Bot,
    SseWatcher,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupTable {
    behaviour: Name,
    weight: u32,
    think_ms: Option<ThinkTable>,
    tabs: Option<u8>,
    every_ms: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThinkTable {
    min: Option<f64>,
    max: Option<f64>,
    median: Option<f64>,
    sigma: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys carry their unit")]
struct HabitsTable {
    pairs_percent: Option<u32>,
    releasers_percent: Option<u32>,
    abandoners_percent: Option<u32>,
    double_clickers_percent: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditTable {
    eta_error_p90_max_seconds: Option<Spanned<f64>>,
    node_lag_max_ms: Option<Spanned<f64>>,
}

/// What is wrong, and where in the text.
#[derive(Debug)]
struct Fault {
    at: Option<Range<usize>>,
    what: String,
}

impl Fault {
    fn at(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { at: Some(span), what: what.into() }
    }
}

impl Scenario {
    /// Reads and checks `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        parse(&text, stem.unwrap_or_default()).map_err(|fault| {
            let line =
                fault.at.map(|at| 1 + text[..at.start.min(text.len())].matches('\n').count());
            let line = line.map(|line| format!("{line}:")).unwrap_or_default();
            format!("{}:{line} {}", path.display(), fault.what)
        })
    }
}

fn parse(text: &str, stem: String) -> Result<Scenario, Fault> {
    let file: File = toml::from_str(text)
        .map_err(|error| Fault { at: error.span(), what: error.message().to_owned() })?;
    let base = Scenario::flash_sale();
    let arrivals = arrivals(file.arrivals)?;
    let scenario = Scenario {
        name: file.name.unwrap_or(stem),
        seed: file.seed,
        deadline: seconds("deadline_seconds", file.deadline_seconds)?.unwrap_or(base.deadline),
        grace: seconds("grace_seconds", file.grace_seconds)?.unwrap_or(base.grace),
        schedule_error_p99_max: milliseconds(
            "schedule_error_p99_max_ms",
            file.schedule_error_p99_max_ms,
        )?
        .unwrap_or(base.schedule_error_p99_max),
        eta_error_p90_max: seconds(
            "eta_error_p90_max_seconds",
            file.audit.eta_error_p90_max_seconds,
        )?,
        node_lag_max: milliseconds("node_lag_max_ms", file.audit.node_lag_max_ms)?,
        target: target(file.server)?,
        sale: sale(file.sale)?,
        arrivals,
        groups: file.shoppers.map_or(Ok(base.groups), groups)?,
        habits: file.habits.map_or(Ok(base.habits), habits)?,
    };
    Ok(scenario)
}

fn target(table: ServerTable) -> Result<Target, Fault> {
    let base = Target::default();
    let given =
        table.url.map(|list| urls(list.get_ref()).map_err(|what| Fault::at(list.span(), what)));
    let http = match table.http.map(|http| (*http.get_ref(), http.span())) {
        None | Some((1, _)) => Http::One,
        Some((2, _)) => Http::Two,
        Some((other, span)) => {
            return Err(Fault::at(span, format!("http is {other}; allowed are 1 and 2")));
        }
    };
    let connections = whole("connections", table.connections, 1..=CONNECTIONS_MAX as u64)?;
    let sources =
        whole("source_addresses", table.source_addresses, 1..=u64::from(SOURCE_ADDRESSES_MAX))?;
    let kills = whole("kill", table.kill, 1..=u64::from(KILLS_MAX))?;
    Ok(Target {
        urls: given.transpose()?.unwrap_or(base.urls),
        http,
        connections: connections.and_then(|n| usize::try_from(n).ok()).unwrap_or(base.connections),
        source_addresses: sources.and_then(|n| u8::try_from(n).ok()).unwrap_or(1),
        timeout: milliseconds("timeout_ms", table.timeout_ms)?.unwrap_or(base.timeout),
        spawn: table.spawn.unwrap_or(false),
        kills: kills.and_then(|n| u32::try_from(n).ok()),
        binary: table.binary,
        data: table.data,
    })
}

fn sale(table: Spanned<SaleTable>) -> Result<Sale, Fault> {
    let span = table.span();
    let table = table.into_inner();
    let base = Sale::default();
    let existing = table.existing.unwrap_or(false);
    let fault = |what: &str| Err(Fault::at(span.clone(), what));
    if existing && table.id.is_none() {
        return fault("[sale] existing = true needs the sale's id");
    }
    let ruled = table.stock.is_some()
        || table.admission_per_second.is_some()
        || table.active_max.is_some()
        || table.claim_window_seconds.is_some()
        || table.session_seconds.is_some()
        || table.idle_seconds.is_some()
        || table.hold_seconds.is_some()
        || table.per_shopper_max.is_some();
    if existing && ruled {
        return fault(
            "[sale] existing = true goes with id and sku only: the sale has its own rules",
        );
    }
    if !existing && table.stock.is_none() {
        return fault("[sale] needs stock, the units to sell, or existing = true");
    }
    if table.admission_per_second.is_some_and(|rate| !(0.001..=PER_SECOND_MAX).contains(&rate)) {
        return fault("[sale] admission_per_second must be between 0.001 and 1000000");
    }
    if table.per_shopper_max.is_some_and(|units| units < 2) {
        return fault("[sale] per_shopper_max must be 2 or more: some shoppers want a pair");
    }
    Ok(Sale {
        id: table.id,
        existing,
        sku: table.sku.unwrap_or(base.sku),
        stock: table.stock.unwrap_or(base.stock),
        admission_per_second: table.admission_per_second,
        active_max: table.active_max,
        claim_window_seconds: table.claim_window_seconds.unwrap_or(base.claim_window_seconds),
        session_seconds: table.session_seconds.unwrap_or(base.session_seconds),
        idle_seconds: table.idle_seconds.unwrap_or(base.idle_seconds),
        hold_seconds: table.hold_seconds.unwrap_or(base.hold_seconds),
        per_shopper_max: table.per_shopper_max.unwrap_or(base.per_shopper_max),
    })
}

fn arrivals(tables: Spanned<Vec<Spanned<PhaseTable>>>) -> Result<Arrivals, Fault> {
    let span = tables.span();
    let mut phases = Vec::new();
    let mut begins = Duration::ZERO;
    for table in tables.into_inner() {
        let span = table.span();
        let table = table.into_inner();
        if let Some(at) = table.at_seconds {
            begins = in_bounds("at_seconds", at, 0.0..=SECONDS_MAX)
                .map(Duration::from_secs_f64)
                .map_err(|what| Fault::at(span.clone(), what))?;
        }
        let shape = shape(&table).map_err(|what| Fault::at(span, what))?;
        phases.push(Phase { begins, shape });
        begins += shape.lasts();
    }
    let arrivals = Arrivals::new(phases);
    if !(1..=SHOPPERS_MAX).contains(&arrivals.count()) {
        let what = format!(
            "[[arrivals]] bring {} shoppers; allowed are 1 to {SHOPPERS_MAX}",
            arrivals.count()
        );
        return Err(Fault::at(span, what));
    }
    Ok(arrivals)
}

fn shape(table: &PhaseTable) -> Result<Shape, String> {
    let rate = |key, rate| in_bounds(key, rate, 0.0..=PER_SECOND_MAX);
    let positive = |rate| in_bounds("per_second", rate, 0.001..=PER_SECOND_MAX);
    let over =
        |seconds| in_bounds("seconds", seconds, 0.001..=SECONDS_MAX).map(Duration::from_secs_f64);
    match (&table.constant, &table.ramp, &table.spike, &table.poisson) {
        (Some(table), None, None, None) => Ok(Shape::Constant {
            per_second: positive(table.per_second)?,
            over: over(table.seconds)?,
        }),
        (None, Some(table), None, None) => Ok(Shape::Ramp {
            from: rate("from_per_second", table.from_per_second)?,
            to: rate("to_per_second", table.to_per_second)?,
            over: over(table.seconds)?,
        }),
        (None, None, Some(table), None) => Ok(Shape::Spike {
            shoppers: usize::try_from(table.shoppers).unwrap_or(usize::MAX),
            within: in_bounds("within_ms", table.within_ms, 0.001..=SECONDS_MAX * 1e3)
                .map(|ms| Duration::from_secs_f64(ms / 1e3))?,
        }),
        (None, None, None, Some(table)) => Ok(Shape::Poisson {
            per_second: positive(table.per_second)?,
            over: over(table.seconds)?,
        }),
        _ => Err("[[arrivals]] needs exactly one of constant, ramp, spike, poisson".to_owned()),
    }
}

fn groups(tables: Spanned<Vec<Spanned<GroupTable>>>) -> Result<Vec<Group>, Fault> {
    let span = tables.span();
    let mut groups = Vec::new();
    for table in tables.into_inner() {
        let span = table.span();
        groups.push(group(&table.into_inner()).map_err(|what| Fault::at(span, what))?);
    }
    let weights = groups.iter().map(|group| u64::from(group.weight)).sum::<u64>();
    if !(1..=u64::from(u32::MAX)).contains(&weights) {
        let what = "[[shoppers]] weights must add up to 1 at least and 4294967295 at most";
        return Err(Fault::at(span, what));
    }
    Ok(groups)
}

fn group(table: &GroupTable) -> Result<Group, String> {
    if table.tabs.is_some() && table.behaviour != Name::SeveralTabs {
        return Err("tabs goes with behaviour = \"several-tabs\" only".to_owned());
    }
    if table.every_ms.is_some() && table.behaviour != Name::Bot {
        return Err("every_ms goes with behaviour = \"bot\" only".to_owned());
    }
    let behaviour = match table.behaviour {
        Name::Patient => Behaviour::Patient,
        Name::Refresher => Behaviour::Refresher,
        Name::SeveralTabs => {
            let tabs = table.tabs.unwrap_or(TABS);
            if !(2..=16).contains(&tabs) {
                return Err(format!("tabs is {tabs}; allowed are 2 to 16"));
            }
            Behaviour::SeveralTabs { tabs }
        }
        Name::Leaver => Behaviour::Leaver,
        Name::Silent => Behaviour::Silent,
        Name::NoShow => Behaviour::NoShow,
        Name::BuyerPays => Behaviour::BuyerPays,
        Name::BuyerAbandons => Behaviour::BuyerAbandons,
        Name::Bot => {
            let every = table.every_ms.map(|ms| in_bounds("every_ms", ms, 0.1..=60_000.0));
            let every = every.transpose()?.map(|ms| Duration::from_secs_f64(ms / 1e3));
            Behaviour::Bot { every: every.unwrap_or(BOT_EVERY) }
        }
        Name::SseWatcher => Behaviour::SseWatcher,
    };
    let think = table.think_ms.as_ref().map_or_else(|| Ok(Think::default()), think)?;
    Ok(Group { behaviour, weight: table.weight, think })
}

fn think(table: &ThinkTable) -> Result<Think, String> {
    let ms =
        |key, ms| in_bounds(key, ms, 0.0..=600_000.0).map(|ms| Duration::from_secs_f64(ms / 1e3));
    match (table.min, table.max, table.median, table.sigma) {
        (Some(min), Some(max), None, None) if min <= max => {
            Ok(Think::Between(ms("min", min)?, ms("max", max)?))
        }
        (None, None, Some(median), Some(sigma)) => Ok(Think::Lognormal {
            median: ms("median", median)?,
            sigma: in_bounds("sigma", sigma, 0.0..=5.0)?,
        }),
        _ => Err("think_ms is { min, max } with min <= max, or { median, sigma }".to_owned()),
    }
}

fn habits(table: Spanned<HabitsTable>) -> Result<Habits, Fault> {
    let span = table.span();
    let table = table.into_inner();
    let base = Habits::default();
    let percent = |key: &str, value: Option<u32>, base| match value {
        Some(value @ 101..) => {
            Err(Fault::at(span.clone(), format!("{key} is {value}; allowed are 0 to 100")))
        }
        value => Ok(value.unwrap_or(base)),
    };
    Ok(Habits {
        pairs: percent("pairs_percent", table.pairs_percent, base.pairs)?,
        releasers: percent("releasers_percent", table.releasers_percent, base.releasers)?,
        abandoners: percent("abandoners_percent", table.abandoners_percent, base.abandoners)?,
        double_clickers: percent(
            "double_clickers_percent",
            table.double_clickers_percent,
            base.double_clickers,
        )?,
    })
}

fn seconds(key: &str, value: Option<Spanned<f64>>) -> Result<Option<Duration>, Fault> {
    let Some(value) = value else { return Ok(None) };
    in_bounds(key, *value.get_ref(), 0.0..=SECONDS_MAX)
        .map(|seconds| Some(Duration::from_secs_f64(seconds)))
        .map_err(|what| Fault::at(value.span(), what))
}

fn milliseconds(key: &str, value: Option<Spanned<f64>>) -> Result<Option<Duration>, Fault> {
    let Some(value) = value else { return Ok(None) };
    in_bounds(key, *value.get_ref(), 0.001..=SECONDS_MAX * 1e3)
        .map(|ms| Some(Duration::from_secs_f64(ms / 1e3)))
        .map_err(|what| Fault::at(value.span(), what))
}

fn whole(
    key: &str,
    value: Option<Spanned<u64>>,
    allowed: RangeInclusive<u64>,
) -> Result<Option<u64>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let number = *value.get_ref();
    if allowed.contains(&number) {
        return Ok(Some(number));
    }
    let (low, high) = (allowed.start(), allowed.end());
    Err(Fault::at(value.span(), format!("{key} is {number}; allowed are {low} to {high}")))
}

fn in_bounds(key: &str, value: f64, allowed: RangeInclusive<f64>) -> Result<f64, String> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let (low, high) = (allowed.start(), allowed.end());
    Err(format!("{key} is {value}; allowed are {low} to {high}"))
}

#[cfg(test)]
mod tests;
