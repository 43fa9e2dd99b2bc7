//! The national tax service.

use doubles::{
    Fault, Setting,
    tax::{Business, Standing, TaxService},
};
use outbound::{Call, Target};
use serde_json::{Value, json};

use crate::support::{ask, target};

async fn start() -> (TaxService, Target) {
    let tax = TaxService::start(Setting::local(), "a key/+").await.unwrap();
    for (number, standing) in [
        ("9990000016", Standing::Active),
        ("9990000020", Standing::Closed("20240131")),
        ("9990000035", Standing::Dormant),
    ] {
        let (owner, since) = ("김사장".to_owned(), "20200101".to_owned());
        tax.put(Business { number: number.to_owned(), owner, since, standing });
    }
    let target = target(&tax.url());
    (tax, target)
}

fn call(path: &str, body: &Value) -> Call {
    Call::post(path).query("serviceKey", "a key/+").json(body)
}

#[tokio::test]
async fn it_says_how_businesses_stand_and_which_it_does_not_know() {
    let (tax, target) = start().await;
    let numbers = ["9990000016", "9990000035", "9990000020", "1234567890"];
    let (status, told) = ask(&target, call("/status", &json!({ "b_no": numbers }))).await;
    assert_eq!((status, &told["request_cnt"], &told["match_cnt"]), (200, &json!(4), &json!(3)));
    let codes: Vec<_> = (0..4).map(|at| told["data"][at]["b_stt_cd"].as_str().unwrap()).collect();
    assert_eq!(codes, ["01", "02", "03", ""]);
    assert_eq!(told["data"][2]["end_dt"], "20240131");
    assert!(told["data"][3]["tax_type"].as_str().unwrap().contains("등록되지 않은"));

    let too_many = json!({ "b_no": vec!["9990000016"; 101] });
    assert_eq!(
        ask(&target, call("/status", &too_many)).await.1["status_code"],
        "TOO_LARGE_REQUEST"
    );
    assert_eq!(ask(&target, call("/status", &json!({}))).await.0, 400);
    let no_key = Call::post("/status").json(&json!({ "b_no": numbers }));
    assert_eq!(ask(&target, no_key).await.0, 401);
    tax.faults().next("status", Some(Fault::Refused));
    assert_eq!(ask(&target, call("/status", &json!({ "b_no": numbers }))).await.0, 503);
}

#[tokio::test]
async fn it_confirms_an_owner_and_a_day_that_belong_together() {
    let (_tax, target) = start().await;
    let item = |owner: &str| json!({ "b_no": "9990000016", "start_dt": "20200101", "p_nm": owner });
    let body = json!({ "businesses": [item("김사장"), item("이사장")] });
    let (_, told) = ask(&target, call("/validate", &body)).await;
    assert_eq!(
        (&told["data"][0]["valid"], &told["data"][1]["valid"]),
        (&json!("01"), &json!("02"))
    );
    assert_eq!(told["data"][0]["status"]["b_stt"], "계속사업자");
    assert_eq!(told["valid_cnt"], 1);
}
