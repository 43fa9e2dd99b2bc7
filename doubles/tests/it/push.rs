//! Push messages.

use doubles::{Fault, Setting, push::Push};
use hyper::header::AUTHORIZATION;
use outbound::{Call, Secret};
use serde_json::{Value, json};

use crate::support::{ask, target};

#[tokio::test]
async fn a_message_reaches_a_registered_device_of_a_sender_that_proved_itself() {
    let push = Push::start(Setting::local(), "shop").await.unwrap();
    let target = target(push.url());
    let account = push.service_account();
    assert!(account["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY"));
    let grant = |assertion: &str| {
        let kind = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        Call::post("/token").form(&[("grant_type", kind), ("assertion", assertion)])
    };
    for wrong in ["made.up.token", &push.assertion_for(3_601), &push.assertion_for(0)] {
        assert_eq!(ask(&target, grant(wrong)).await.0, 400);
    }
    let (_, granted) = ask(&target, grant(&push.assertion())).await;
    let access = Secret::new(granted["access_token"].as_str().unwrap().to_owned());
    let post = |body: &Value, access: &Secret| {
        Call::post("/v1/projects/shop/messages:send")
            .secret(AUTHORIZATION, "Bearer", access)
            .json(body)
    };
    let send = |device: &str, access: &Secret| {
        let body = json!({ "message": {
            "token": device, "notification": { "title": "열립니다", "body": "1시간 뒤" },
        } });
        post(&body, access)
    };
    let code = |answer: &Value| answer["error"]["details"][0]["errorCode"].clone();

    let device = push.register();
    let (status, taken) = ask(&target, send(&device, &access)).await;
    assert_eq!(status, 200, "{taken}");
    assert!(taken["name"].as_str().unwrap().starts_with("projects/shop/messages/"));
    assert_eq!(push.pushed()[0].message["notification"]["title"], "열립니다");
    assert_eq!(ask(&target, send(&device, &Secret::new("made-up".to_owned()))).await.0, 401);
    push.faults().next("send", Some(Fault::Refused));
    let (status, later) = ask(&target, send(&device, &access)).await;
    assert_eq!((status, code(&later)), (503, json!("UNAVAILABLE")));
    let (status, wrong) = ask(&target, send("made-up", &access)).await;
    assert_eq!((status, code(&wrong)), (400, json!("INVALID_ARGUMENT")));
    for (message, is_right) in [
        (json!({ "data": { "deal": "d1" } }), true),
        (json!({ "data": { "deal": 1 } }), false),
        (json!({ "data": { "deal": { "id": "d1" } } }), false),
        (json!({ "data": ["d1"] }), false),
        (json!({ "data": { "deal": "d".repeat(4_000) } }), true),
        (json!({ "data": { "deal": "d".repeat(4_096) } }), false),
        (json!({ "notification": { "body": "d".repeat(4_096) } }), false),
        (json!({}), false),
    ] {
        let mut message = message;
        message["token"] = json!(device);
        let (status, answer) = ask(&target, post(&json!({ "message": message }), &access)).await;
        assert_eq!(status == 200, is_right, "{answer}");
        assert!(is_right || code(&answer) == "INVALID_ARGUMENT", "{answer}");
    }
    for body in [json!([]), json!(7), json!({ "message": [] })] {
        assert_eq!(ask(&target, post(&body, &access)).await.0, 400, "{body}");
    }
    push.unregister(&device);
    let (status, gone) = ask(&target, send(&device, &access)).await;
    assert_eq!((status, code(&gone)), (404, json!("UNREGISTERED")));
    assert_eq!(push.pushed().len(), 3);
}
