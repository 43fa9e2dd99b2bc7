//! Line icons on a grid of 24. They say nothing on their own: a word stands beside each, or a label.

use crate::format::Html;

/// An icon of these paths.
fn drawn(paths: &str) -> Html {
    Html::trusted(format!(
        "<svg class=\"ic\" viewBox=\"0 0 24 24\" aria-hidden=\"true\">{paths}</svg>"
    ))
}

macro_rules! icons {
    ($($name:ident = $paths:literal;)*) => {
        $(pub(crate) fn $name() -> Html {
            drawn($paths)
        })*
    };
}

icons! {
    search = r#"<circle cx="10.5" cy="10.5" r="6.3"/><path d="m15.2 15.2 5 5"/>"#;
    bell = r#"<path d="M6.2 10.4a5.8 5.8 0 0 1 11.6 0c0 4.6 1.9 6 1.9 6H4.3s1.9-1.4 1.9-6z"/><path d="M10 19.6a2.2 2.2 0 0 0 4 0"/>"#;
    person = r#"<circle cx="12" cy="8.2" r="3.8"/><path d="M4.8 20c.8-3.9 3.7-5.6 7.2-5.6s6.4 1.7 7.2 5.6"/>"#;
    home = r#"<path d="M4.5 10.7 12 4.5l7.5 6.2V19.5h-15z"/><path d="M9.8 19.5v-5.2h4.4v5.2"/>"#;
    clock = r#"<circle cx="12" cy="12" r="8.2"/><path d="M12 7.2V12l3.2 1.9"/>"#;
    heart = r#"<path d="M12 19.6S3.9 15 3.9 9.1c0-4.7 6-5.8 8.1-1.9 2.1-3.9 8.1-2.8 8.1 1.9 0 5.9-8.1 10.5-8.1 10.5z"/>"#;
    parcel = r#"<path d="m12 3.8 7.7 4v8.4l-7.7 4-7.7-4V7.8z"/><path d="m4.5 7.9 7.5 3.9 7.5-3.9M12 11.8v8.2"/>"#;
    tag = r#"<path d="M4.5 4.5h7.3l7.9 7.9-7.3 7.3-7.9-7.9z"/><circle cx="8.6" cy="8.6" r="1.2"/>"#;
    shop = r#"<path d="M4.5 9.5 6 4.5h12l1.5 5M5.5 11.5v8h13v-8"/><path d="M4.5 9.5c0 3 5 3 5 0 0 3 5 3 5 0 0 3 5 3 5 0"/>"#;
    desk = r#"<path d="M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="12" r="2"/><circle cx="15" cy="17" r="2"/>"#;
    chart = r#"<path d="M4.5 4.5v15h15"/><path d="M9 15.5v-4M13 15.5V8M17 15.5v-6"/>"#;
    receipt = r#"<path d="M6 3.8h12v16.4l-2.4-1.5-2.4 1.5-2.4-1.5-2.4 1.5L6 18.7z"/><path d="M9.2 8.5h5.6M9.2 12h5.6"/>"#;
    building = r#"<path d="M5.5 20V4.5h9V20M14.5 9.5h4V20M3.5 20h17"/><path d="M8.5 8.5h3M8.5 12h3M8.5 15.5h3"/>"#;
    plus = r#"<path d="M12 5v14M5 12h14"/>"#;
    out = r#"<path d="M13.5 5H5.5v14h8M10.5 12h9.5M16.5 8.5 20 12l-3.5 3.5"/>"#;
    shield = r#"<path d="m12 3.8 7 2.7v5c0 4.6-3.3 7.4-7 8.7-3.7-1.3-7-4.1-7-8.7v-5z"/><path d="m9 12 2.2 2.2L15.3 10"/>"#;
    warning = r#"<path d="M12 4.5 20.5 19.5h-17z"/><path d="M12 10.2v4M12 16.9v.1"/>"#;
    check = r#"<circle cx="12" cy="12" r="8.2"/><path d="m8.5 12.3 2.4 2.4 4.7-5.2"/>"#;
    back = r#"<path d="M14.5 5.5 8 12l6.5 6.5"/>"#;
    eye = r#"<path d="M3.5 12S6.6 6.5 12 6.5 20.5 12 20.5 12 17.4 17.5 12 17.5 3.5 12 3.5 12z"/><circle cx="12" cy="12" r="2.4"/>"#;
    undo = r#"<path d="M8.5 5 4.5 9l4 4"/><path d="M4.8 9h9.2a5.2 5.2 0 0 1 0 10.4H9"/>"#;
    question = r#"<circle cx="12" cy="12" r="8.2"/><path d="M9.6 9.7c0-3.2 4.9-3 4.9-.2 0 1.9-2.5 2-2.5 4M12 16.5v.1"/>"#;
    stack = r#"<path d="m12 4 8 4-8 4-8-4z"/><path d="m4 12 8 4 8-4M4 16l8 4 8-4"/>"#;
}

/// The bubble of Kakao's sign-in button.
pub(crate) fn kakao() -> Html {
    Html::trusted(
        "<svg class=\"ic solid\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M12 4.5c-4.8 0-8.7 3-8.7 6.7 0 2.4 1.6 4.5 4 5.7l-.8 3 3.5-2.3c.7.1 1.3.2 2 .2 4.8 0 8.7-3 8.7-6.6S16.8 4.5 12 4.5z\"/></svg>"
            .to_owned(),
    )
}
