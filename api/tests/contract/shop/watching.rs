//! What operators see of the shop.

use super::{eventually, on_both};
use crate::figures::{figures, value};

on_both! {
    async fn the_figures_of_the_shop_say_what_waits_what_gave_up_and_how_long_writes_take(shop) {
        shop.sign_up("counted").await;
        eventually(async || {
            let figures = figures(shop.server).await;
            let dead = value(&figures, r#"rushgate_shop_tasks{state="dead"}"#)?;
            let due = value(&figures, r#"rushgate_shop_tasks{state="due"}"#)?;
            let doubts = value(&figures, "rushgate_shop_payments_in_doubt")?;
            let writes = value(&figures, "rushgate_shop_write_seconds_count")?;
            (dead >= 0.0 && due >= 0.0 && doubts >= 0.0 && writes > 0.0).then_some(())
        })
        .await;
    }
}
