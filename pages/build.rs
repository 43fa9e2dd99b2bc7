//! Names each file of `static/` by its content and compresses it, once for every copy of the program.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// The files, with the constants that hold their addresses.
const FILES: [(&str, &str, &str); 5] = [
    ("rushgate.css", "STYLE", "text/css; charset=utf-8"),
    ("rushgate.js", "SCRIPT", "text/javascript; charset=utf-8"),
    ("shop.css", "SHOP_STYLE", "text/css; charset=utf-8"),
    ("shop.js", "SHOP_SCRIPT", "text/javascript; charset=utf-8"),
    ("mark.svg", "MARK", "image/svg+xml"),
];

/// Hexadecimal digits of a file's hash in its name.
const HASH_DIGITS: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::new();
    let mut addresses = String::new();
    for (file, constant, kind) in FILES {
        let plain = fs::read(Path::new("static").join(file))?;
        let hash = &blake3::hash(&plain).to_hex()[..HASH_DIGITS];
        let (stem, extension) = file.split_once('.').ok_or("a file without an extension")?;
        let name = format!("{stem}.{hash}.{extension}");
        let packed = [("", plain.clone()), (".gz", gzip(&plain)?), (".br", brotli(&plain)?)];
        for (suffix, bytes) in &packed {
            fs::write(out.join(format!("{file}{suffix}")), bytes)?;
        }
        writeln!(addresses, "/// The address of `{file}`.")?;
        writeln!(addresses, "pub const {constant}: &str = \"/assets/{name}\";")?;
        writeln!(
            table,
            "Asset {{ stem: {stem:?}, name: {name:?}, content_type: {kind:?}, \
             plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")), \
             gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.gz\")), \
             brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.br\")) }},"
        )?;
    }
    let code = format!("{addresses}\n/// All files.\npub const ASSETS: &[Asset] = &[\n{table}];\n");
    fs::write(out.join("assets.rs"), code)?;
    Ok(())
}

fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        mode: brotli::enc::backward_references::BrotliEncoderMode::BROTLI_MODE_TEXT,
        quality: 11,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &plain[..], &mut packed, &params)?;
    Ok(packed)
}
