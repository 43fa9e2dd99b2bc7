//! The one style sheet, inline: phone first, light and dark, no external resource.

pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#16181d;--soft:#5b6270;--line:#dfe2e8;--card:#fff;\
--ground:#f4f5f7;--go:#0b5fd3;--go-ink:#fff;--good:#0a7a3d;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#a3abba;--line:#343a46;\
--card:#1d2129;--ground:#12151a;--go:#7db4ff;--go-ink:#08203f;--good:#63d394;--bad:#ff9d94}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--ground);color:var(--ink);\
font:17px/1.5 system-ui,-apple-system,'Apple SD Gothic Neo','Noto Sans KR',sans-serif;\
word-break:keep-all;overflow-wrap:anywhere}\
main,header,footer{max-width:34rem;margin:0 auto;padding:0 1rem}\
header{padding-top:1.25rem}footer{padding:1rem;color:var(--soft);font-size:.85rem}\
header a{color:inherit;text-decoration:none;font-weight:700;letter-spacing:.02em}\
.head{margin:.75rem 0 1rem}.head h1{margin:0}h1,h2,p{text-wrap:balance}\
h1{font-size:1.6rem;line-height:1.25;margin:.75rem 0}h2{font-size:1.15rem;margin:0}\
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.1rem;\
margin:0 0 1rem}\
.soft{color:var(--soft)}p{margin:.4rem 0}\
.badge{display:inline-block;border:1px solid currentColor;border-radius:99px;padding:0 .6rem;\
font-size:.85rem;font-weight:600}.open{color:var(--good)}.over{color:var(--bad)}\
.row{display:flex;justify-content:space-between;align-items:center;gap:.75rem;flex-wrap:wrap}\
.price{font-weight:700;font-size:1.1rem}\
.big{font-size:3.6rem;line-height:1.1;font-weight:750;font-variant-numeric:tabular-nums;\
margin:.1rem 0 .3rem}\
.center{text-align:center}\
.clock{font-size:1.6rem;font-weight:700;font-variant-numeric:tabular-nums;margin:.2rem 0}\
progress{width:100%;height:1.1rem;margin:.6rem 0;accent-color:var(--go)}\
dl{display:grid;grid-template-columns:auto auto;gap:.2rem 1rem;margin:.6rem 0 0}\
dt{color:var(--soft);text-align:left}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}\
button,.button{display:block;width:100%;min-height:3rem;border:0;border-radius:10px;\
padding:.7rem 1rem;font:inherit;font-weight:650;text-align:center;text-decoration:none;\
background:var(--go);color:var(--go-ink);cursor:pointer}\
button.quiet{background:transparent;color:var(--ink);border:1px solid var(--line)}\
button:disabled{background:var(--line);color:var(--soft);cursor:default}\
button:focus-visible,a:focus-visible,select:focus-visible{outline:3px solid var(--go);\
outline-offset:2px}\
select{font:inherit;min-height:3rem;border-radius:10px;border:1px solid var(--line);\
background:var(--card);color:inherit;padding:0 .6rem}\
form{margin:.7rem 0 0}form .row{flex-wrap:nowrap}form .row button{flex:1}\
.notice{border-left:4px solid var(--go);padding:.5rem .8rem;background:var(--card);\
margin:0 0 1rem;border-radius:0 10px 10px 0}\
.turn{border:2px solid var(--good)}\
";

#[cfg(test)]
mod tests {
    use super::*;

    /// A backslash would end up in the sheet and take the rule after it away.
    #[test]
    fn the_sheet_is_one_line_without_a_stray_backslash() {
        assert!(!STYLE.contains(['\\', '\n']));
    }
}
