//! The calls of the classic design, each one question to Redis.

use std::{
    collections::HashMap,
    io,
    path::Path,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use benches::redis::Link;
use fred::{
    bytes_utils::Str,
    clients::Pool,
    interfaces::{ClientLike as _, LuaInterface as _, SortedSetsInterface as _},
    types::{
        Builder, Key, RespVersion,
        config::{Config, ServerConfig},
    },
};
use hyper::{Method, header::AUTHORIZATION, http::request::Parts};

use crate::{
    answer::{Answer, Place},
    ticket::Ticket,
};

/// Gives the member the next number unless it has one, and says its rank.
const ENTER: &str = "redis.call('ZADD', KEYS[1], 'NX', redis.call('INCR', KEYS[2]), ARGV[1]) \
                     return redis.call('ZRANK', KEYS[1], ARGV[1])";

/// Takes a unit if there is one: what is left, or -1.
const PURCHASE: &str = "if tonumber(redis.call('GET', KEYS[1])) > 0 then \
                        return redis.call('DECR', KEYS[1]) end return -1";

const SALES_PATH: &str = "/v1/sales/";

/// A sale as it stands on the command line.
#[derive(Clone, Debug)]
pub(crate) struct SaleOptions {
    name: String,
    units: u64,
    is_open: bool,
}

impl FromStr for SaleOptions {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a sale is NAME=UNITS or NAME=UNITS,open";
        let (name, rest) = text.split_once('=').ok_or(FORM)?;
        let open = rest.strip_suffix(",open");
        let units = open.unwrap_or(rest).parse().map_err(|_| FORM)?;
        Ok(Self { name: name.to_owned(), units, is_open: open.is_some() })
    }
}

/// What is sold, and who is in line before the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShopOptions<'a> {
    pub(crate) sales: &'a [SaleOptions],
    /// So many in the line of the first sale.
    pub(crate) filled: u64,
}

impl ShopOptions<'_> {
    /// Writes the stock and the line into Redis.
    pub(crate) fn prepare(self, link: &mut Link) -> io::Result<()> {
        for SaleOptions { name, units, .. } in self.sales {
            let (key, units) = (format!("stock:{name}"), units.to_string());
            link.call(&[b"SET", key.as_bytes(), units.as_bytes()])?;
        }
        if let Some(SaleOptions { name, .. }) = self.sales.first() {
            let (members, last) = (format!("line:{name}"), format!("last:{name}"));
            link.fill_line(members.as_bytes(), self.filled, |number| {
                Ticket::filled(number).member().to_vec()
            })?;
            link.call(&[b"SET", last.as_bytes(), self.filled.to_string().as_bytes()])?;
        }
        Ok(())
    }

    /// Loads the scripts.
    pub(crate) async fn open(self, pool: Pool) -> Result<Shop, fred::error::Error> {
        let enter = pool.next().script_load(ENTER).await?;
        let purchase = pool.next().script_load(PURCHASE).await?;
        let sales = self.sales.iter().enumerate().map(|(at, sale)| {
            let length = if at == 0 { self.filled } else { 0 };
            (sale.name.clone(), Sale::new(sale, length))
        });
        let (sales, entrants) = (sales.collect(), AtomicU64::new(0));
        Ok(Shop { sales, pool, enter, purchase, entrants })
    }
}

/// A pool of connections to a Redis at a unix socket.
pub(crate) async fn connect(
    socket: &Path,
    size: usize,
    resp: u8,
) -> Result<Pool, fred::error::Error> {
    let version = if resp == 3 { RespVersion::RESP3 } else { RespVersion::RESP2 };
    let server = ServerConfig::new_unix_socket(socket);
    let pool =
        Builder::from_config(Config { server, version, ..Config::default() }).build_pool(size)?;
    pool.init().await?;
    Ok(pool)
}

/// Everything that is sold, and the way to Redis.
pub(crate) struct Shop {
    sales: HashMap<String, Sale>,
    pool: Pool,
    /// Digests of the scripts.
    enter: Str,
    purchase: Str,
    /// Who came without a key, so far.
    entrants: AtomicU64,
}

struct Sale {
    name: String,
    line: Key,
    last: Key,
    stock: Key,
    /// Units at the start.
    units: u64,
    /// So many are let in, from memory.
    watermark: u64,
    /// The longest line seen, from memory.
    length: AtomicU64,
}

impl Sale {
    fn new(sale: &SaleOptions, length: u64) -> Self {
        let SaleOptions { name, units, is_open } = sale;
        let key = |kind: &str| Key::from(format!("{kind}:{name}"));
        Self {
            line: key("line"),
            last: key("last"),
            stock: key("stock"),
            units: *units,
            watermark: if *is_open { u64::MAX } else { 0 },
            length: AtomicU64::new(length),
            name: name.clone(),
        }
    }

    fn place(&self, ticket: Ticket, rank: u64) -> Place<'_> {
        // ORDERING: Relaxed; a number to be shown.
        let line_length = self.length.load(Ordering::Relaxed);
        Place { sale: &self.name, ticket, rank, watermark: self.watermark, line_length }
    }
}

impl Shop {
    /// Answers a request whose body has been read; `None` if Redis did not.
    pub(crate) async fn answer(&self, head: &Parts) -> Option<Answer> {
        let path = head.uri.path().strip_prefix(SALES_PATH).and_then(|path| path.split_once('/'));
        let sale = path.and_then(|(name, call)| Some((self.sales.get(name)?, call)));
        match (&head.method, sale) {
            (&Method::GET, Some((sale, "position"))) => self.position(sale, head).await,
            (&Method::POST, Some((sale, "enter"))) => self.enter(sale, head).await,
            (&Method::POST, Some((sale, "purchase"))) => self.purchase(sale, head).await,
            _ => Some(Answer::NotFound),
        }
    }

    async fn position(&self, sale: &Sale, head: &Parts) -> Option<Answer> {
        let Some(ticket) = bearer(head) else { return Some(Answer::Unauthorized) };
        let rank = self.pool.next().zrank(sale.line.clone(), ticket.member(), false);
        let rank: Option<u64> = rank.await.ok()?;
        Some(rank.map_or(Answer::Unauthorized, |rank| Answer::position(&sale.place(ticket, rank))))
    }

    async fn enter(&self, sale: &Sale, head: &Parts) -> Option<Answer> {
        let ticket = match head.headers.get("idempotency-key") {
            Some(key) => Ticket::keyed(key.as_bytes()),
            // ORDERING: Relaxed; only that no number comes twice.
            None => Ticket::entrant(self.entrants.fetch_add(1, Ordering::Relaxed)),
        };
        let keys = vec![sale.line.clone(), sale.last.clone()];
        let rank = self.pool.next().evalsha(self.enter.clone(), keys, ticket.member());
        let rank: u64 = rank.await.ok()?;
        // ORDERING: Relaxed; a number to be shown.
        sale.length.fetch_max(rank + 1, Ordering::Relaxed);
        let ticket = ticket.at(rank + 1);
        Some(Answer::entry(&sale.place(ticket, rank)))
    }

    async fn purchase(&self, sale: &Sale, head: &Parts) -> Option<Answer> {
        let Some(ticket) = bearer(head) else { return Some(Answer::Unauthorized) };
        let keys = vec![sale.stock.clone()];
        let left = self.pool.next().evalsha(self.purchase.clone(), keys, ());
        let left: i64 = left.await.ok()?;
        Some(match u64::try_from(left) {
            Ok(left) => Answer::purchase(&sale.name, ticket, sale.units.saturating_sub(left)),
            Err(_) => Answer::SoldOut,
        })
    }
}

fn bearer(head: &Parts) -> Option<Ticket> {
    Ticket::read(head.headers.get(AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")?)
}
