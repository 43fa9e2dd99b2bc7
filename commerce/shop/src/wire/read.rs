//! Fields that several bodies have.

use web::fields::Fields;

/// A text that must be there, whatever it says: the rules of the module below judge it.
pub(crate) fn text(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let value = fields.text(name, "a text", |text| Some(text.to_owned()));
    fields.required(name, "a text", value)
}

/// A text that is not shown, not even when it is wrong.
pub(crate) fn secret(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let value = fields.secret(name, "a text", |text| Some(text.to_owned()));
    fields.required(name, "a text", value)
}

/// A secret that may be left out.
pub(crate) fn optional_secret(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    if fields.is_null(name) {
        fields.take(name);
        return None;
    }
    fields.secret(name, "a text or null", |text| Some(text.to_owned()))
}

/// A text that may be left out.
pub(crate) fn optional(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    if fields.is_null(name) {
        fields.take(name);
        return None;
    }
    fields.text(name, "a text or null", |text| Some(text.to_owned()))
}
