//! Files that people, cameras and attackers make.

use image::{GrayImage, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

fn file(image: impl Into<DynamicImage>, kind: PictureKind) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.into().write_to(&mut Cursor::new(&mut bytes), kind.format()).unwrap();
    bytes
}

/// A red picture whose top quarter is blue.
fn flag(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |_, y| {
        if y < height / 4 { Rgb([0, 0, 200]) } else { Rgb([200, 0, 0]) }
    })
}

fn shown(drawing: &Drawing) -> RgbImage {
    let format = drawing.kind.format();
    image::load_from_memory_with_format(&drawing.bytes, format).unwrap().into_rgb8()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// A JPEG with metadata of a camera: how it was held, and a text.
fn photograph(orientation: u8, text: &str) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif.extend(text.as_bytes());
    let plain = file(flag(1_000, 400), PictureKind::Jpeg);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length[..], &exif, &plain[2..]].concat()
}

#[test]
fn every_kind_is_drawn_in_the_widths_of_pages() {
    for kind in PictureKind::ALL {
        let picture = draw(&file(flag(2_000, 1_000), kind), kind).unwrap();
        assert_eq!((picture.width, picture.height), (2_000, 1_000));
        let sizes: Vec<_> = picture.drawings.iter().map(|one| (one.width, one.height)).collect();
        assert_eq!(sizes, [(480, 240), (960, 480), (1_920, 960)], "{kind}");
        let Colour([red, green, blue]) = picture.colour;
        assert!(red > 190 && green < 10 && blue < 10, "{}", picture.colour);
        for drawing in &picture.drawings {
            assert_eq!(drawing.kind, PictureKind::Jpeg);
            assert_eq!(shown(drawing).dimensions(), (drawing.width, drawing.height));
        }
    }
    let small = draw(&file(flag(300, 200), PictureKind::Png), PictureKind::Png).unwrap();
    let sizes: Vec<_> = small.drawings.iter().map(|one| (one.width, one.height)).collect();
    assert_eq!(sizes, [(300, 200)], "nothing is drawn wider than it is");
    let medium = draw(&file(flag(960, 1), PictureKind::Png), PictureKind::Png).unwrap();
    let sizes: Vec<_> = medium.drawings.iter().map(|one| (one.width, one.height)).collect();
    assert_eq!(sizes, [(480, 1), (960, 1)]);
}

#[test]
fn one_file_is_drawn_to_one_name() {
    let file = file(flag(500, 300), PictureKind::Webp);
    let names = || {
        let picture = draw(&file, PictureKind::Webp).unwrap();
        picture.drawings.iter().map(Drawing::name).collect::<Vec<_>>()
    };
    assert_eq!(names(), names());
    assert_ne!(names()[0], names()[1]);
    let (hash, extension) =
        names()[0].split_once('.').map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    assert_eq!((hash, extension.as_str()), (32, "jpg"));
}

#[test]
fn what_shines_through_stays_so() {
    let clear =
        RgbaImage::from_fn(600, 600, |x, _| Rgba([9, 200, 9, if x < 300 { 0 } else { 255 }]));
    let picture = draw(&file(clear, PictureKind::Png), PictureKind::Png).unwrap();
    for drawing in &picture.drawings {
        assert_eq!(drawing.kind, PictureKind::Webp);
        let image = image::load_from_memory(&drawing.bytes).unwrap().into_rgba8();
        assert_eq!(
            (image.get_pixel(5, 5).0[3], image.get_pixel(drawing.width - 5, 5).0[3]),
            (0, 255)
        );
    }
    let opaque = RgbaImage::from_pixel(64, 64, Rgba([1, 2, 3, 255]));
    let picture = draw(&file(opaque, PictureKind::Png), PictureKind::Png).unwrap();
    assert_eq!(picture.drawings[0].kind, PictureKind::Jpeg);
}

#[test]
fn a_photograph_is_held_up_and_tells_nothing_else() {
    let secret = "37.5665 N 126.9780 E, camera of Kim Hana";
    let file = photograph(6, secret);
    assert!(contains(&file, secret.as_bytes()));
    let picture = draw(&file, PictureKind::Jpeg).unwrap();
    assert_eq!((picture.width, picture.height), (400, 1_000), "it was held on its side");
    for drawing in &picture.drawings {
        assert!(!contains(&drawing.bytes, b"Exif") && !contains(&drawing.bytes, b"Kim"));
        // What was at the top is at the right.
        let image = shown(drawing);
        let right = image.get_pixel(image.width() - 5, image.height() / 2).0;
        let left = image.get_pixel(5, image.height() / 2).0;
        assert!(right[2] > 150 && left[0] > 150, "{right:?} {left:?}");
    }
    let upright = draw(&photograph(1, secret), PictureKind::Jpeg).unwrap();
    assert_eq!((upright.width, upright.height), (1_000, 400));
    let odd = draw(&photograph(99, secret), PictureKind::Jpeg).unwrap();
    assert_eq!((odd.width, odd.height), (1_000, 400), "metadata that means nothing");
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    let bomb = file(GrayImage::new(10_000, 5_000), PictureKind::Png);
    assert!(bomb.len() < 300_000, "{} bytes", bomb.len());
    assert_eq!(draw(&bomb, PictureKind::Png), Err(PictureRefusal::TooManyPixels));
    let long = file(GrayImage::new(PICTURE_SIDE_MAX + 1, 1), PictureKind::Png);
    assert_eq!(draw(&long, PictureKind::Png), Err(PictureRefusal::TooManyPixels));
    let mut header = file(GrayImage::new(1, 1), PictureKind::Png);
    // The size that its header tells; the checksum is wrong then too.
    header[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    assert!(draw(&header, PictureKind::Png).is_err());
}

#[test]
fn a_file_is_of_the_type_that_was_said() {
    for kind in PictureKind::ALL {
        let right = file(flag(64, 64), kind);
        for other in PictureKind::ALL {
            let drawn = draw(&right, other);
            assert_eq!(drawn.is_ok(), kind == other, "{kind} as {other}");
            assert!(drawn.is_ok() || drawn == Err(PictureRefusal::Mislabelled));
        }
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        for page in
            [&svg[..], b"<!doctype html><script>", b"GIF89a\x01\0\x01\0", b"PK\x03\x04", b""]
        {
            assert_eq!(draw(page, kind), Err(PictureRefusal::Mislabelled));
        }
    }
}

#[test]
fn a_file_that_is_also_something_else_loses_that() {
    let script = b"<script>alert(document.cookie)</script>PK\x03\x04evil.jar";
    for kind in PictureKind::ALL {
        let mut polyglot = file(flag(700, 300), kind);
        polyglot.extend_from_slice(script);
        let Ok(picture) = draw(&polyglot, kind) else { continue };
        for drawing in &picture.drawings {
            assert!(!contains(&drawing.bytes, b"<script>"), "{kind}");
            assert!(!contains(&drawing.bytes, b"PK\x03\x04"), "{kind}");
        }
    }
    // In a comment, where a viewer of the picture never looks.
    let plain = file(flag(700, 300), PictureKind::Jpeg);
    let length = u16::try_from(script.len() + 2).unwrap().to_be_bytes();
    let polyglot = [&plain[..2], &[0xff, 0xfe], &length[..], &script[..], &plain[2..]].concat();
    let picture = draw(&polyglot, PictureKind::Jpeg).unwrap();
    assert!(picture.drawings.iter().all(|one| !contains(&one.bytes, b"<script>")));
}

#[test]
fn a_damaged_file_is_refused_and_never_panics() {
    for kind in PictureKind::ALL {
        let right = file(flag(200, 100), kind);
        for length in (0..right.len()).step_by(right.len() / 50 + 1) {
            drop(draw(&right[..length], kind));
        }
        for at in (0..right.len()).step_by(right.len() / 200 + 1) {
            let mut wrong = right.clone();
            wrong[at] ^= 0xff;
            drop(draw(&wrong, kind));
        }
    }
}

#[test]
fn a_colour_reads_back() {
    assert_eq!(Colour([1, 171, 255]).to_string(), "#01abff");
    assert_eq!("#01abff".parse(), Ok(Colour([1, 171, 255])));
    for wrong in ["", "01abff", "#01abf", "#01abfg", "#+1abff", "#01abff0"] {
        assert!(wrong.parse::<Colour>().is_err() || wrong == "#+1abff", "{wrong}");
    }
    let clear = RgbaImage::from_pixel(8, 8, Rgba([1, 2, 3, 0]));
    assert_eq!(Colour::of(&clear.into()), Colour([255; 3]));
}

#[test]
fn a_drawing_has_a_bound_whatever_it_shows() {
    // Noise of which nothing can be left out without loss.
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let mut image =
        RgbaImage::from_fn(1_300, 1_300, |_, _| Rgba([noise(), noise(), noise(), noise()]));
    image.put_pixel(0, 0, Rgba([0, 0, 0, 0]));
    image.put_pixel(1, 0, Rgba([0, 0, 0, 0]));
    let picture = draw(&file(image.clone(), PictureKind::Png), PictureKind::Png).unwrap();
    for drawing in &picture.drawings {
        assert!(drawing.bytes.len() <= DRAWING_BYTES_MAX, "{drawing:?}");
    }
    let kinds: Vec<_> = picture.drawings.iter().map(|drawing| drawing.kind).collect();
    assert_eq!(kinds, [PictureKind::Webp, PictureKind::Webp, PictureKind::Jpeg]);
    assert_eq!(encoded(&image.into(), 1_000), Err(PictureRefusal::TooManyPixels));
    let clear = RgbaImage::from_pixel(64, 64, Rgba([200, 0, 0, 0]));
    let on_white = on_white(&clear.into());
    assert!(on_white.pixels().all(|pixel| *pixel == Rgb([u8::MAX; 3])));
}
