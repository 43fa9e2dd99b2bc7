//! The sections of a configuration: every key, its default and its range.

use std::collections::BTreeSet;

use engine::limits::SALES_MAX;
use engine::spec::{IdentityMode, SaleSpec};

use super::arbiter::{self, Arbiter, Named, Redis};
use super::jwt::Jwt;
use super::keys::Keys;
use super::limits::Limits;
use super::log::Log;
use super::options::Config;
use super::pipeline::Pipeline;
use super::reader;
use super::section::Section;
use super::selling::{Card, Deals, KakaoPay, Media, Payments, Push};
use super::server::Server;
use super::shop::{self, Doubles, Google, Kakao, Login, Mail, Shop, Tax};
use super::small::{Data, Pages};
use crate::wire::{Fields, Node, Problems, read_sale_table};

/// The sections that stand within another.
pub(super) const NESTED: [&str; 4] = [Kakao::NAME, Google::NAME, KakaoPay::NAME, Card::NAME];

/// Reads the whole document, noting every problem.
pub(super) fn read(document: &Node, problems: &mut Problems) -> Config {
    let mut root = Fields::open("", document, problems);
    let server: Server = section(&mut root, Server::NAME);
    server.check(root.problems());
    let limits = section(&mut root, Limits::NAME);
    let data = section(&mut root, Data::NAME);
    let arbiter: Arbiter = section(&mut root, Arbiter::NAME);
    let redis = section(&mut root, Redis::NAME);
    let keys: Keys = section(&mut root, Keys::NAME);
    keys.check(root.problems());
    let named = Named { node: server.node.is_some(), secret: keys.secret.is_some() };
    arbiter::check(&arbiter, named, root.problems());
    let jwt: Jwt = section(&mut root, Jwt::NAME);
    jwt.check(root.problems());
    let accounts = jwt.options();
    let pipeline: Pipeline = section(&mut root, Pipeline::NAME);
    pipeline.check(root.problems());
    let pages = section(&mut root, Pages::NAME);
    let log = section(&mut root, Log::NAME);
    let shop: Shop = section(&mut root, Shop::NAME);
    let mail: Mail = section(&mut root, Mail::NAME);
    let login = login(&mut root);
    let tax: Tax = section(&mut root, Tax::NAME);
    let deals = section(&mut root, Deals::NAME);
    let payments = payments(&mut root);
    let media: Media = section(&mut root, Media::NAME);
    let push = section(&mut root, Push::NAME);
    let doubles: Doubles = section(&mut root, Doubles::NAME);
    mail.check(root.problems());
    login.check(root.problems());
    payments.check(root.problems());
    media.check(root.problems());
    shop::check(&shop, accounts.is_some(), root.problems());
    let sales = read_sales(&mut root);
    if accounts.is_none() && !shop.enabled {
        note_sales_without_tokens(&sales, &mut root);
    }
    root.finish();
    Config {
        server,
        limits,
        data,
        arbiter,
        redis,
        keys,
        jwt,
        pipeline,
        pages,
        shop,
        mail,
        login,
        tax,
        deals,
        payments,
        media,
        push,
        doubles,
        log,
        sales,
    }
}

/// The sections of the providers of sign-in, which stand within one.
fn login(root: &mut Fields<'_, '_>) -> Login {
    let mut login = root.table("login");
    let kakao = login.take("kakao");
    let kakao: Kakao = reader::read(kakao, login.problems());
    let google = login.take("google");
    let google: Google = reader::read(google, login.problems());
    login.finish();
    Login { kakao, google }
}

/// The sections of the ways to pay, which stand within one.
fn payments(root: &mut Fields<'_, '_>) -> Payments {
    let mut payments = root.table("payments");
    let kakaopay = payments.take("kakaopay");
    let kakaopay: KakaoPay = reader::read(kakaopay, payments.problems());
    let card = payments.take("card");
    let card: Card = reader::read(card, payments.problems());
    payments.finish();
    Payments { kakaopay, card }
}

fn section<S: Section>(root: &mut Fields<'_, '_>, name: &'static str) -> S {
    let node = root.take(name);
    reader::read(node, root.problems())
}

fn read_sales(root: &mut Fields<'_, '_>) -> Vec<SaleSpec> {
    let tables = root.list("sale").unwrap_or_default();
    if tables.len() > SALES_MAX {
        root.note("sale", format!("{} sales", tables.len()), format!("at most {SALES_MAX} sales"));
    }
    let mut sales: Vec<SaleSpec> = Vec::new();
    let mut names = BTreeSet::new();
    for (path, node) in tables.iter().take(SALES_MAX) {
        match read_sale_table(path, node) {
            Ok(sale) => {
                if !names.insert(sale.name.clone()) {
                    let why = format!("{:?} is given twice", sale.name.as_str());
                    let allowed = "each sale needs an id of its own";
                    root.problems().note_stray(format!("{path}.id"), &why, allowed);
                }
                sales.push(sale);
            }
            Err(problems) => root.problems().extend(problems),
        }
    }
    sales
}

/// Notes sales that tell shoppers by tokens of which nothing is said.
fn note_sales_without_tokens(sales: &[SaleSpec], root: &mut Fields<'_, '_>) {
    for (at, _) in sales.iter().enumerate().filter(|(_, sale)| sale.identity == IdentityMode::Jwt) {
        let allowed = "jwt only with a [jwt] section: jwks, issuer and audience";
        root.problems().note(format!("sale[{at}].identity"), "\"jwt\"", allowed);
    }
}
