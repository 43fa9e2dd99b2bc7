//! The files that pages refer to, each under a name that changes with its content.
//!
//! They are made at build time: hashed, and compressed as well as it goes. A file under its own name
//! never changes, so a browser keeps it for good. While nodes of two builds serve, a page of one may
//! ask the other for a file of another hash: it gets the file as it is here, which nobody may keep.

/// One file.
#[derive(Debug)]
pub struct Asset {
    stem: &'static str,
    name: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// The file itself.
    pub plain: &'static [u8],
    /// The same by gzip.
    pub gzip: &'static [u8],
    /// The same by brotli.
    pub brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What a name below `/assets/` stands for.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// The file of that name.
    Exact(&'static Asset),
    /// The name is that of another build's file.
    OtherBuild(&'static Asset),
}

/// Finds a file by its name below `/assets/`.
pub fn find(name: &str) -> Option<Found> {
    if let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) {
        return Some(Found::Exact(asset));
    }
    let (stem, rest) = name.split_once('.')?;
    let (hash, extension) = rest.split_once('.')?;
    let is_hash = hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let like =
        |asset: &&Asset| asset.stem == stem && asset.name.rsplit('.').next() == Some(extension);
    ASSETS.iter().find(like).filter(|_| is_hash).map(Found::OtherBuild)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the room may weigh on its way, in bytes compressed.
    const ROOM_BYTES_MAX: usize = 10 * 1_024;
    /// What a page of the shop may weigh with them, without its pictures.
    const SHOP_BYTES_MAX: usize = 50 * 1_024;
    const STYLE_BYTES_MAX: usize = 24 * 1_024;

    fn text(address: &str) -> &'static str {
        let Some(Found::Exact(asset)) = find(address.strip_prefix("/assets/").unwrap()) else {
            panic!("{address} leads nowhere")
        };
        std::str::from_utf8(asset.plain).unwrap()
    }

    #[test]
    fn a_file_is_found_by_its_own_name_and_by_that_of_another_build() {
        assert!(text(STYLE).contains("--paper"));
        assert!(matches!(find("rushgate.0123456789ab.css"), Some(Found::OtherBuild(_))));
        for name in ["", "rushgate.css", "rushgate.x.css", "rushgate.0123456789ab.svg", "../x.y.z"]
        {
            assert!(find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_files_are_light() {
        assert!(text(STYLE).len() <= STYLE_BYTES_MAX);
        assert!(text(SHOP_STYLE).len() <= STYLE_BYTES_MAX);
        let packed = |addresses: &[&str]| -> usize {
            let of = |asset: &&Asset| addresses.iter().any(|address| address.ends_with(asset.name));
            ASSETS.iter().filter(of).map(|asset| asset.brotli.len()).sum()
        };
        let room = packed(&[STYLE, SCRIPT, MARK]);
        assert!(room + 2_048 <= ROOM_BYTES_MAX, "{room} bytes leave no room for a page");
        let shop = packed(&[STYLE, SHOP_STYLE, SHOP_SCRIPT, MARK]);
        assert!(shop + 20 * 1_024 <= SHOP_BYTES_MAX, "{shop} bytes leave no room for a page");
        for asset in ASSETS {
            assert!(asset.brotli.len() < asset.plain.len(), "{}", asset.name);
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for address in [STYLE, SCRIPT, SHOP_STYLE, SHOP_SCRIPT] {
            for outside in ["http:", "https:", "//cdn", "@import", "url("] {
                assert!(!text(address).contains(outside), "{address}: {outside}");
            }
        }
    }
}
