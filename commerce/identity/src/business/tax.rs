//! The national tax service (`api.odcloud.kr/api/nts-businessman/v1`): whether a number is a business's.
//!
//! Owns the call and what its answer says. Refuses to decide. Whatever is not its own clear word is no
//! verdict: then nobody knows, and it is asked again.

use std::{fmt, time::Duration};

use outbound::{AnswerBound, Call, CallError, Options, Reach, Secret, Target, TargetError, Trust};
use serde::Deserialize;
use serde_json::json;

use super::{number::BusinessNumber, state::Verdict};
use crate::limits::{TAX_ANSWER_BYTES_MAX, TAX_DEADLINE, TAX_IN_FLIGHT_MAX};

/// How the service is reached.
#[derive(Clone, Debug)]
pub struct TaxOptions {
    /// The base URL of the API.
    pub url: String,
    /// The key that it gave the shop.
    pub key: Secret,
    /// How long a call may take.
    pub deadline: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl TaxOptions {
    /// The real one.
    pub fn new(key: Secret) -> Self {
        Self {
            url: "https://api.odcloud.kr/api/nts-businessman/v1".to_owned(),
            key,
            deadline: TAX_DEADLINE,
            trust: Trust::System,
            reach: Reach::Public,
        }
    }
}

/// The service.
#[derive(Clone, Debug)]
pub struct TaxService {
    target: Target,
    key: Secret,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxError(String);

impl fmt::Display for TaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tax service gave no verdict: {}", self.0)
    }
}

impl std::error::Error for TaxError {}

impl From<CallError> for TaxError {
    fn from(error: CallError) -> Self {
        Self(error.to_string())
    }
}

#[derive(Deserialize)]
struct Told {
    status_code: String,
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    b_no: String,
    /// 01 goes on, 02 rests, 03 is closed; empty for a number that nobody has.
    b_stt_cd: String,
    tax_type: String,
}

/// What `tax_type` says, beside more, of a number that nobody has.
const UNREGISTERED: &str = "등록되지 않은";

impl TaxService {
    /// Prepares calls.
    ///
    /// # Errors
    ///
    /// If it cannot be called as configured.
    pub fn new(options: TaxOptions) -> Result<Self, TargetError> {
        let TaxOptions { url, key, deadline, trust, reach } = options;
        let options = Options {
            answer: AnswerBound::Whole { bytes_max: TAX_ANSWER_BYTES_MAX },
            in_flight_max: TAX_IN_FLIGHT_MAX,
            trust,
            reach,
            ..Options::new(deadline)
        };
        Ok(Self { target: Target::new(&url, options)?, key })
    }

    /// Asks about a number.
    ///
    /// # Errors
    ///
    /// If the service does not say how the number stands. Asking changes nothing, so it is repeated.
    pub async fn verdict(&self, number: &BusinessNumber) -> Result<Verdict, TaxError> {
        let call = Call::post("/status")
            .query("serviceKey", self.key.expose())
            .json(&json!({ "b_no": [number.digits()] }));
        let answer = self.target.send(call).await?;
        let status = answer.status;
        if !status.is_success() {
            return Err(TaxError(format!("it answered {}", status.as_u16())));
        }
        verdict(&answer.json()?, number)
    }
}

fn verdict(told: &Told, number: &BusinessNumber) -> Result<Verdict, TaxError> {
    let [row] = &told.data[..] else {
        return Err(TaxError(format!("its answer has {} rows", told.data.len())));
    };
    if told.status_code != "OK" || row.b_no != number.digits() {
        return Err(TaxError("its answer is to another question".to_owned()));
    }
    match row.b_stt_cd.as_str() {
        "01" => Ok(Verdict::Active),
        "02" => Ok(Verdict::Dormant),
        "03" => Ok(Verdict::Closed),
        "" if row.tax_type.contains(UNREGISTERED) => Ok(Verdict::Unregistered),
        _ => Err(TaxError("its answer has an unknown state".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status_code: &str, rows: &[(&str, &str, &str)]) -> Option<Verdict> {
        let data = rows.iter().map(
            |(number, code, kind)| json!({ "b_no": number, "b_stt_cd": code, "tax_type": kind }),
        );
        let data: Vec<_> = data.collect();
        let told = serde_json::from_value(json!({ "status_code": status_code, "data": data }));
        verdict(&told.unwrap(), &BusinessNumber::parse("9990000016").unwrap()).ok()
    }

    #[test]
    fn only_the_services_own_clear_word_is_a_verdict() {
        let one = |code: &str, kind: &str| heard("OK", &[("9990000016", code, kind)]);
        let general = "부가가치세 일반과세자";
        assert_eq!(one("01", general), Some(Verdict::Active));
        assert_eq!(one("02", general), Some(Verdict::Dormant));
        assert_eq!(one("03", general), Some(Verdict::Closed));
        let nobody = "국세청에 등록되지 않은 사업자등록번호입니다.";
        assert_eq!(one("", nobody), Some(Verdict::Unregistered));
        for (code, kind) in [("", ""), ("", general), ("04", general), ("1", general)] {
            assert_eq!(one(code, kind), None, "{code}");
        }
        assert_eq!(heard("OK", &[]), None);
        assert_eq!(heard("OK", &[("9990000020", "01", general)]), None);
        let two = [("9990000016", "01", general), ("9990000016", "03", general)];
        assert_eq!(heard("OK", &two), None);
        assert_eq!(heard("INTERNAL_ERROR", &two[..1]), None);
    }
}
