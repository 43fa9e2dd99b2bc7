//! What a call is given: nothing, a JSON body, or the part of a list that is asked for.
//!
//! Reading is strict and tells all problems at once; a field that nothing reads is refused by name.

use axum::body::Body;
use base::cursor::{Cursor, LIMIT_DEFAULT, LIMIT_MAX, Wanted};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use web::fields::{BodyError, Fields, Problems, read_json};

use crate::{limits::BODY_BYTES_MAX, refusal::Refusal, visit::Visit};

/// What a handler is given of a request beside who asks.
pub(crate) trait Input: Sized + Send + 'static {
    /// Reads it, or says what is wrong.
    fn read(visit: &Visit, body: Body) -> impl Future<Output = Result<Self, Refusal>> + Send;
}

/// A body as a JSON object, which a wire type reads field by field.
pub(crate) trait Object: Sized + Send + 'static {
    /// Whether no body at all counts as an empty object.
    const MAY_BE_ABSENT: bool = false;

    /// Reads the fields; `None` once something was noted.
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self>;
}

/// An object, and the hash of the bytes that it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) digest: [u8; 32],
}

/// Which part of a list is asked for, and of which list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) wanted: Wanted,
    /// Parameters of the list's own, which its handler reads.
    pub(crate) own: Vec<(String, String)>,
}

/// The parameters of a browser's call, as they are.
#[derive(Clone, Debug)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The first parameter of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Input for Pairs {
    async fn read(visit: &Visit, _body: Body) -> Result<Self, Refusal> {
        Ok(Self(form_urlencoded::parse(visit.query().as_bytes()).into_owned().collect()))
    }
}

/// A body that its handler reads by itself, once it knows how much of it there may be.
#[derive(Debug)]
pub(crate) struct Unread(pub(crate) Body);

impl Input for Unread {
    async fn read(_: &Visit, body: Body) -> Result<Self, Refusal> {
        Ok(Self(body))
    }
}

/// A form that a page posts.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(…)")
    }
}

impl Form {
    /// A form that was read otherwise.
    pub(crate) const fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// What stands in all fields of this name, such as boxes of one kind.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What stands in a field; nothing if it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether there is such a field, as of a box that was ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

impl Input for Form {
    async fn read(_: &Visit, body: Body) -> Result<Self, Refusal> {
        let bytes = whole(body).await?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

impl Input for () {
    /// Nothing, or an empty object.
    async fn read(visit: &Visit, body: Body) -> Result<Self, Refusal> {
        refuse_query(visit)?;
        let bytes = whole(body).await?;
        if bytes.is_empty() {
            return Ok(());
        }
        object(&bytes, |_| Some(()))
    }
}

impl<T: Object> Input for Json<T> {
    async fn read(visit: &Visit, body: Body) -> Result<Self, Refusal> {
        refuse_query(visit)?;
        let bytes = whole(body).await?;
        let is_absent = bytes.is_empty() && T::MAY_BE_ABSENT;
        let value = object(if is_absent { b"{}" } else { &bytes }, T::read)?;
        Ok(Self { value, digest: *blake3::hash(&bytes).as_bytes() })
    }
}

impl Input for Listed {
    async fn read(visit: &Visit, _body: Body) -> Result<Self, Refusal> {
        let mut problems = Problems::default();
        let (mut limit, mut after, mut own) = (LIMIT_DEFAULT, None, Vec::new());
        for (name, value) in form_urlencoded::parse(visit.query().as_bytes()) {
            match &*name {
                "limit" => match value.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n)) {
                    Some(number) => limit = number,
                    None => problems.note(
                        "limit",
                        shown(&value),
                        format!("a whole number from 1 to {LIMIT_MAX}"),
                    ),
                },
                "cursor" => match Cursor::decode(&value) {
                    Some(cursor) => after = Some(cursor),
                    None => problems.note("cursor", shown(&value), "the next_cursor of a page"),
                },
                _ => own.push((name.into_owned(), value.into_owned())),
            }
        }
        let wanted = Wanted::new(limit, after).unwrap_or_default();
        let listed = Self { wanted, own };
        problems.check(listed).map_err(|problems| BodyError::Invalid(problems).into())
    }
}

impl Listed {
    /// Refuses parameters that the list does not know.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let mut all = vec!["limit", "cursor"];
        all.extend(known);
        let mut problems = Problems::default();
        for (name, _) in self.own.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            problems.note_unknown(shown(name), "parameter", &shown(name), &all);
        }
        problems.check(()).map_err(|problems| BodyError::Invalid(problems).into())
    }

    /// A parameter of the list's own.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.own.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The whole body.
pub(crate) async fn whole(body: Body) -> Result<Bytes, Refusal> {
    whole_of(body, BODY_BYTES_MAX).await
}

/// The whole of a body that may be so long.
pub(crate) async fn whole_of(body: Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Err(_) => Err(Refusal::BadBody),
    }
}

/// Reads an object; everything wrong with it is told at once.
fn object<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Result<T, Refusal> {
    let node = read_json(bytes)?;
    let mut problems = Problems::default();
    let mut fields = Fields::open("", &node, &mut problems);
    let value = read(&mut fields);
    fields.finish();
    let value = problems.check(value).map_err(BodyError::Invalid)?;
    // What is missing was noted by whoever missed it.
    value.ok_or(Refusal::Internal)
}

fn refuse_query(visit: &Visit) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    for (name, _) in form_urlencoded::parse(visit.query().as_bytes()) {
        problems.note_unknown(shown(&name), "parameter", &shown(&name), &[]);
    }
    problems.check(()).map_err(|problems| BodyError::Invalid(problems).into())
}

/// A text of a caller's, short and on one line.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_default).collect()
}
