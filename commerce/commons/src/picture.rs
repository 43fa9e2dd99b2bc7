//! Pictures: what a stranger's file shows, drawn again.
//!
//! Owns which files are pictures, within which bounds they are decoded, and how they are drawn for pages.
//! Refuses files, tables and time. Always true: nothing of a file but its pixels is in what is drawn of it;
//! a file that would need more than the bounds is refused before its pixels are decoded; the same file is
//! drawn to the same bytes.

mod colour;
mod kind;

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder as _, ImageError, ImageReader,
    Limits, Rgb, RgbImage, Rgba,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    imageops::FilterType,
    metadata::Orientation,
};

pub use self::{colour::Colour, kind::PictureKind};
use crate::limits::{DRAWING_BYTES_MAX, PICTURE_ALLOC_MAX, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX};

/// How wide pictures are drawn: for lists, for telephones, for pages. Wider than the original is none.
pub const WIDTHS: [u32; 3] = [480, 960, 1_920];

/// What the eye does not miss at these widths.
const JPEG_QUALITY: u8 = 82;

/// A picture, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How wide the original is, as it is held up.
    pub width: u32,
    /// How high.
    pub height: u32,
    /// The colour that most of it has, to be shown until it is loaded.
    pub colour: Colour,
    /// As it is drawn, the narrowest first.
    pub drawings: Vec<Drawing>,
}

/// A picture in one width.
#[derive(Clone, PartialEq, Eq)]
pub struct Drawing {
    /// How wide.
    pub width: u32,
    /// How high.
    pub height: u32,
    /// JPEG, or WebP without loss where something shines through, unless that would be too long.
    pub kind: PictureKind,
    /// The file.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Drawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, kind, bytes } = self;
        write!(f, "Drawing({width} × {height}, {kind}, {} bytes)", bytes.len())
    }
}

impl Drawing {
    /// A name that follows from what is in the file.
    pub fn name(&self) -> String {
        let hash = blake3::hash(&self.bytes).to_hex();
        // Half of it is enough that nobody makes two files of one name.
        format!("{}.{}", &hash[..32], self.kind.extension())
    }
}

store::refusals! {
    /// Why a file is no picture for us.
    pub PictureRefusal {
        /// It is of another type than was said, whatever else it may be.
        Mislabelled = "picture_mislabelled": "the file is not of the type that was said",
        /// It has more pixels than are decoded, or drawn.
        TooManyPixels = "picture_too_large": "the picture has more than 24 megapixels, \
             a side of more than 16,000, or too much detail",
        /// It cannot be decoded.
        Damaged = "picture_damaged": "the file is damaged",
    }
}

/// Draws what a file shows.
///
/// # Errors
///
/// As [`PictureRefusal`] says.
pub fn draw(file: &[u8], kind: PictureKind) -> Result<Picture, PictureRefusal> {
    if image::guess_format(file).ok() != Some(kind.format()) {
        return Err(PictureRefusal::Mislabelled);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), kind.format());
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(PICTURE_ALLOC_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PICTURE_PIXELS_MAX {
        return Err(PictureRefusal::TooManyPixels);
    }
    // A file whose metadata cannot be read is held up as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    let (width, height) =
        if is_on_its_side(orientation) { (height, width) } else { (width, height) };
    drawn(image, orientation, width, height)
}

fn refusal(error: &ImageError) -> PictureRefusal {
    if matches!(error, ImageError::Limits(_)) {
        PictureRefusal::TooManyPixels
    } else {
        PictureRefusal::Damaged
    }
}

const fn is_on_its_side(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Draws an image that is `width` times `height` as it is held up.
fn drawn(
    image: DynamicImage,
    orientation: Orientation,
    width: u32,
    height: u32,
) -> Result<Picture, PictureRefusal> {
    let mut widths: Vec<u32> = WIDTHS.into_iter().filter(|&narrower| narrower < width).collect();
    if widths.len() < WIDTHS.len() {
        widths.push(width);
    }
    let widest = widths.last().copied().unwrap_or(width);
    // Turned after it was made smaller: there is less to turn.
    let size = (widest, scaled(height, widest, width));
    let (across, down) = if is_on_its_side(orientation) { (size.1, size.0) } else { size };
    let mut full = resized(&eight_bit(image), across, down);
    full.apply_orientation(orientation);
    let drawings = widths.into_iter().map(|narrow| {
        let drawing = resized(&full, narrow, scaled(height, narrow, width));
        encoded(&drawing, DRAWING_BYTES_MAX)
    });
    let drawings = drawings.collect::<Result<_, _>>()?;
    Ok(Picture { width, height, colour: Colour::of(&full), drawings })
}

/// A height as it is at another width.
fn scaled(height: u32, to: u32, from: u32) -> u32 {
    let scaled = u64::from(height) * u64::from(to) / u64::from(from.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// The same with eight bits for each of three colours, and the alpha where something shines through.
fn eight_bit(image: DynamicImage) -> DynamicImage {
    if !image.has_alpha() {
        return image.into_rgb8().into();
    }
    let image = image.into_rgba8();
    if image.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        return DynamicImage::from(image).into_rgb8().into();
    }
    image.into()
}

fn resized(image: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    if (image.width(), image.height()) == (width, height) {
        image.clone()
    } else if image.width() >= width.saturating_mul(2) {
        // Each pixel is the mean of those that it stands for.
        image.thumbnail_exact(width, height)
    } else {
        image.resize_exact(width, height, FilterType::CatmullRom)
    }
}

/// A drawing of so many bytes at most: JPEG, or WebP without loss where something shines through. One that would
/// be too long without loss is JPEG too, on white.
fn encoded(image: &DynamicImage, bytes_max: usize) -> Result<Drawing, PictureRefusal> {
    let (width, height) = (image.width(), image.height());
    let mut bytes = Vec::new();
    if let DynamicImage::ImageRgba8(pixels) = image {
        let encoder = WebPEncoder::new_lossless(&mut bytes);
        in_memory(encoder.write_image(pixels, width, height, ExtendedColorType::Rgba8));
        if bytes.len() <= bytes_max {
            return Ok(Drawing { width, height, kind: PictureKind::Webp, bytes });
        }
        bytes.clear();
    }
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    in_memory(encoder.write_image(&on_white(image), width, height, ExtendedColorType::Rgb8));
    if bytes.len() <= bytes_max {
        Ok(Drawing { width, height, kind: PictureKind::Jpeg, bytes })
    } else {
        Err(PictureRefusal::TooManyPixels)
    }
}

/// Nothing that is written to memory fails.
fn in_memory(done: Result<(), ImageError>) {
    done.unwrap_or_else(|error| unreachable!("pixels in memory: {error}"));
}

/// An image without what shines through.
fn on_white(image: &DynamicImage) -> RgbImage {
    let DynamicImage::ImageRgba8(pixels) = image else { return image.to_rgb8() };
    let mut flat = RgbImage::from_pixel(pixels.width(), pixels.height(), Rgb([u8::MAX; 3]));
    for (to, Rgba([red, green, blue, alpha])) in flat.pixels_mut().zip(pixels.pixels()) {
        let over = |colour: u8| {
            let (colour, alpha) = (u32::from(colour), u32::from(*alpha));
            let white = u32::from(u8::MAX);
            u8::try_from((colour * alpha + white * (white - alpha)) / white).unwrap_or(u8::MAX)
        };
        *to = Rgb([over(*red), over(*green), over(*blue)]);
    }
    flat
}

#[cfg(test)]
mod tests;
