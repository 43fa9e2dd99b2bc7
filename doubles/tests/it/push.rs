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
    assert_eq!(ask(&target, grant("made.up.token")).await.0, 400);
    let (_, granted) = ask(&target, grant(&push.assertion())).await;
    let access = Secret::new(granted["access_token"].as_str().unwrap().to_owned());
    let send = |device: &str, access: &Secret| {
        let body = json!({ "message": {
            "token": device, "notification": { "title": "열립니다", "body": "1시간 뒤" },
        } });
        Call::post("/v1/projects/shop/messages:send")
            .secret(AUTHORIZATION, "Bearer", access)
            .json(&body)
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
    push.unregister(&device);
    let (status, gone) = ask(&target, send(&device, &access)).await;
    assert_eq!((status, code(&gone)), (404, json!("UNREGISTERED")));
    assert_eq!(push.pushed().len(), 1);
}
