//! The bar a person watches while the crowd shops.
//!
//! Owns the terminal line on standard error; draws nothing when that is no terminal.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::run::Run;

/// Often enough to look alive, too seldom to cost anything.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Draws until `stop`, then clears the line.
pub(crate) async fn draw(run: Arc<Run>, shoppers: u64, mut stop: watch::Receiver<bool>) {
    let bar = ProgressBar::new(shoppers);
    let template = "{elapsed_precise} {bar:24} {pos}/{len} arrived, {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    loop {
        let measures = &run.measures;
        bar.set_position(measures.arrived.get());
        bar.set_message(format!(
            "{} admitted, {} bought, {} errors",
            measures.admitted.get(),
            measures.bought.get(),
            measures.unanswered.get() + run.witness.contract.broken(),
        ));
        tokio::select! {
            () = tokio::time::sleep(DRAW_EVERY) => {}
            _ = stop.wait_for(|stopped| *stopped) => break,
        }
    }
    bar.finish_and_clear();
}
