//! The waiting room takes the shop's own tokens, for as long as their sessions are on.

use serde_json::{Value, json};

use super::{PASSWORD, eventually, on_both};
use crate::{client::post, wall::Wall};

on_both! {
    async fn defect_4_an_account_has_one_place_until_it_is_signed_out(shop) {
        let wall = Wall::on(shop.server, json!({ "identity": "jwt" })).await;
        wall.act("pause", Value::Null).await;
        let person = shop.sign_up("crowd").await;
        let one = shop.sign_in(&person.email, PASSWORD).await;
        let two = shop.sign_in(&person.email, PASSWORD).await;
        let enter = async |token: &str| wall.tell(post(wall.path("enter")).bearer(token)).await;
        let first = enter(&one.access).await.is(202).json();
        let second = enter(&two.access).await.is(202).json();
        assert_eq!(first["number"], second["number"], "one account has one place");
        shop.tell(one.ask("DELETE", "/v1/sessions/current")).await.is(204);
        eventually(async || {
            let told = enter(&one.access).await;
            (told.status == 401).then(|| told.refuses(401, "identity_revoked"))
        })
        .await;
        enter(&two.access).await.is(202);
        enter("a.b.c").await.refuses(401, "identity_invalid");
    }
}
