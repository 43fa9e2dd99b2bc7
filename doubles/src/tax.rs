//! The national tax service: what is known of a business number.
//!
//! Owns `status` and `validate` of `api.odcloud.kr/api/nts-businessman/v1`. Refuses to know what the
//! shop makes of the answer.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    Asked, Setting,
    server::{Reply, Server, Site, bind, json, tells_of_its_server},
};

/// Where the API stands below the double's URL.
const PATH: &str = "/api/nts-businessman/v1";

/// Numbers that one request may ask about.
const NUMBERS_MAX: usize = 100;

/// How a business stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Active,
    /// It rests.
    Dormant,
    /// It was closed, on this day: `20240131`.
    Closed(&'static str),
}

/// A registered business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    /// Ten digits.
    pub number: String,
    /// Who runs it.
    pub owner: String,
    /// Since when: `20200101`.
    pub since: String,
    /// How it stands.
    pub standing: Standing,
}

/// A running double.
#[derive(Debug)]
pub struct TaxService {
    server: Server,
    office: Arc<Office>,
}

struct Office {
    key: String,
    businesses: Mutex<BTreeMap<String, Business>>,
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office").finish_non_exhaustive()
    }
}

tells_of_its_server!(TaxService, "`status` and `validate` are the operations");

impl TaxService {
    /// Starts it; calls must carry `key` as `serviceKey` in their query.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting, key: &str) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let office = Arc::new(Office { key: key.to_owned(), businesses: Mutex::default() });
        let server = Server::start(bound, Arc::clone(&office), setting.faults);
        Ok(Self { server, office })
    }

    /// The base URL of the API.
    pub fn url(&self) -> String {
        format!("{}{PATH}", self.server.url)
    }

    /// Registers a business, or changes the one with that number.
    pub fn put(&self, business: Business) {
        self.office.lock().insert(business.number.clone(), business);
    }
}

impl Site for Office {
    fn operation(&self, asked: &Asked) -> Option<&'static str> {
        match asked.path.strip_prefix(PATH)? {
            "/status" => Some("status"),
            "/validate" => Some("validate"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let refuse =
            |status, code: i32, msg: &str| json(status, &json!({ "code": code, "msg": msg }));
        let Some(operation) = self.operation(asked).filter(|_| asked.method == Method::POST) else {
            return refuse(StatusCode::NOT_FOUND, -3, "NOT_FOUND");
        };
        if asked.query_value("serviceKey").as_deref() != Some(&self.key) {
            return refuse(StatusCode::UNAUTHORIZED, -4, "registered key does not exist");
        }
        let body = asked.json();
        let field = if operation == "status" { "b_no" } else { "businesses" };
        let Some(items) = body[field].as_array().filter(|items| !items.is_empty()) else {
            return json(StatusCode::BAD_REQUEST, &json!({ "status_code": "BAD_JSON_REQUEST" }));
        };
        if items.len() > NUMBERS_MAX {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return json(status, &json!({ "status_code": "TOO_LARGE_REQUEST" }));
        }
        let answer = if operation == "status" { self.status(items) } else { self.validate(items) };
        json(StatusCode::OK, &answer)
    }
}

impl Office {
    fn status(&self, numbers: &[Value]) -> Value {
        let businesses = self.lock();
        let found = |number: &Value| number.as_str().and_then(|number| businesses.get(number));
        let data: Vec<_> = numbers.iter().map(|number| row(number, found(number))).collect();
        let known = numbers.iter().filter(|number| found(number).is_some()).count();
        let mut answer = json!({ "status_code": "OK", "request_cnt": numbers.len(), "data": data });
        // Left out when nothing matches, as the real service does.
        if known > 0 {
            answer["match_cnt"] = json!(known);
        }
        answer
    }

    fn validate(&self, items: &[Value]) -> Value {
        let businesses = self.lock();
        let data = items.iter().map(|item| {
            let number = &item["b_no"];
            let found = number.as_str().and_then(|number| businesses.get(number));
            let is_right = |business: &&Business| {
                item["p_nm"] == business.owner && item["start_dt"] == business.since
            };
            match found.filter(is_right) {
                Some(business) => json!({
                    "b_no": number, "valid": "01", "request_param": item,
                    "status": row(number, Some(business)),
                }),
                None => json!({
                    "b_no": number, "valid": "02", "valid_msg": "확인할 수 없습니다.",
                    "request_param": item,
                }),
            }
        });
        let data: Vec<_> = data.collect();
        let valid = data.iter().filter(|row| row["valid"] == "01").count();
        json!({ "status_code": "OK", "request_cnt": items.len(), "valid_cnt": valid, "data": data })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Business>> {
        self.businesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row(number: &Value, business: Option<&Business>) -> Value {
    let (state, code, end) = match business.map(|business| business.standing) {
        Some(Standing::Active) => ("계속사업자", "01", ""),
        Some(Standing::Dormant) => ("휴업자", "02", ""),
        Some(Standing::Closed(day)) => ("폐업자", "03", day),
        None => ("", "", ""),
    };
    let (kind, kind_code) = match business {
        Some(_) => ("부가가치세 일반과세자", "01"),
        None => ("국세청에 등록되지 않은 사업자등록번호입니다.", ""),
    };
    json!({
        "b_no": number, "b_stt": state, "b_stt_cd": code, "tax_type": kind,
        "tax_type_cd": kind_code, "end_dt": end, "utcc_yn": "N", "tax_type_change_dt": "",
        "invoice_apply_dt": "", "rbf_tax_type": "해당없음", "rbf_tax_type_cd": "99",
    })
}
