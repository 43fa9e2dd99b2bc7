//! Bars over time, drawn as SVG with attributes only: the policy allows no inline style.

use std::fmt::Write as _;

use crate::format::{self, Html};

const HEIGHT: u64 = 100;
const BAR: u64 = 10;

/// Bars with what they say as their label; `ends` stand below the first and the last.
pub(crate) fn bars(values: &[u64], finding: &str, ends: &[String; 2]) -> Html {
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    let count = u64::try_from(values.len()).unwrap_or_default().max(12);
    let mut rects = String::new();
    for (at, value) in (0..).zip(values) {
        let height = if *value == 0 { 0 } else { (value * HEIGHT / most).max(1) };
        let (x, y) = (at * BAR + 2, HEIGHT - height);
        let drawn = write!(
            rects,
            "<rect class=\"cb\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>",
            BAR - 4
        );
        debug_assert!(drawn.is_ok(), "writing to a string cannot fail");
    }
    let (width, [from, to]) = (count * BAR, ends);
    let top = format::count(most);
    Html::trusted(format!(
        "<figure class=\"stack tight\" role=\"img\" aria-label=\"{finding}\"><div class=\"plot\">\
         <span class=\"top-of\" aria-hidden=\"true\">{top}</span>\
         <svg viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         {rects}</svg></div><div class=\"axis\" aria-hidden=\"true\"><span>{from}</span>\
         <span>{to}</span></div></figure>"
    ))
}
