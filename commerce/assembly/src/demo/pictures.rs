//! The pictures of the demo's deals, built in.

/// The WebP file of a name.
pub(super) fn of(name: &str) -> Option<&'static [u8]> {
    PICTURES.iter().find(|(known, _)| *known == name).map(|(_, file)| *file)
}

macro_rules! pictures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../../pages/pictures/", $name, ".webp")))),+]
    };
}

/// What `pages/pictures/README.md` lists.
const PICTURES: &[(&str, &[u8])] = pictures![
    "backpack", "bottle", "bowl", "catbed", "cream", "dumbbell", "honey", "kettle", "lamp",
    "lantern", "leash", "mug", "pears", "quilt", "racket", "scarf", "serum", "sneakers", "soap",
    "suitcase", "tea", "tent", "toaster", "vase",
];
