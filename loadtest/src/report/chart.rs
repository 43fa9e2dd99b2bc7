//! One chart as SVG.
//!
//! Owns the geometry and the markup: frame, ticks, layers, kills, what a pointer reads. It knows
//! nothing of what is drawn. Colours are classes, given by [`STYLE`] for light and dark alike.
//! Invariant: the markup is well-formed XML whatever the texts are, and has a title and a
//! description for those who do not see it.

use std::fmt;

use super::scale::Scale;

/// The colours and strokes of every chart.
pub(super) const STYLE: &str = include_str!("chart.css");

/// The size of the drawing; the page scales it.
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 290.0;
/// The frame that values are drawn in. Left of it stand numbers of up to six digits; above it the
/// unit and the kills; below it ticks and the axis' name.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 508.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 244.0;
/// Room for the title above a chart that stands alone, for a legend below it, and at the sides.
const HEADER: f64 = 40.0;
const LEGEND: f64 = 22.0;
const SIDE: f64 = 12.0;
/// Bars that answer a pointer; more would be thinner than a pixel or two and swell the file.
const SPANS_MAX: usize = 240;
/// Two kills nearer than this share a label's place: the later one's is left out.
const LABEL_GAP: f64 = 26.0;

/// Text as it may stand in markup and in attributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML knows no other control characters, not even escaped.
                character if character.is_control() && !matches!(character, '\n' | '\t') => {
                    f.write_str("\u{fffd}")?;
                }
                character => fmt::Write::write_char(f, character)?,
            }
        }
        Ok(())
    }
}

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// Unique on the page, and the name of the file when it stands alone.
    pub(super) id: &'static str,
    pub(super) title: String,
    /// What there is to see, in words.
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) layers: Vec<Layer>,
    pub(super) kills: Vec<Kill>,
    /// What a pointer reads where.
    pub(super) spans: Vec<Span>,
}

#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What is measured, with its unit.
    pub(super) label: &'static str,
    pub(super) scale: Scale,
}

/// One thing drawn, and its entry in the legend.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: &'static str,
    /// Its colour: a class of [`STYLE`].
    pub(super) class: &'static str,
    pub(super) shape: Shape,
}

/// Values by place on the x axis. `None` lifts the pen.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Line(Vec<(f64, Option<f64>)>),
    /// Each value holds up to the next point.
    Step(Vec<(f64, Option<f64>)>),
    /// From the first value to the second.
    Area(Vec<(f64, f64, f64)>),
    Dots(Vec<(f64, f64)>),
}

impl Shape {
    fn is_empty(&self) -> bool {
        match self {
            Self::Line(points) | Self::Step(points) => points.iter().all(|(_, y)| y.is_none()),
            Self::Area(points) => points.is_empty(),
            Self::Dots(points) => points.is_empty(),
        }
    }

    fn class(&self) -> &'static str {
        match self {
            Self::Line(_) | Self::Step(_) => "line",
            Self::Area(_) => "area",
            Self::Dots(_) => "dots",
        }
    }
}

/// The server was away from here to there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    pub(super) at: f64,
    pub(super) back: f64,
}

/// What was measured between two places on the x axis.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) text: String,
}

/// The chart as a part of a page that has [`STYLE`] and writes title and legend itself.
impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id;
        write!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\">"
        )?;
        self.words(f)?;
        self.plot(f)?;
        f.write_str("</svg>")
    }
}

impl Chart {
    /// The chart as a file of its own.
    pub(super) fn alone(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| {
            let id = self.id;
            let header = if self.legend().next().is_some() { HEADER + LEGEND } else { HEADER };
            let (width, height) = (WIDTH + 2.0 * SIDE, HEIGHT + header);
            write!(
                f,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"{width}\" \
                 height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
                 aria-labelledby=\"{id}-t {id}-d\">"
            )?;
            self.words(f)?;
            write!(f, "<style>{}</style>", Escaped(STYLE))?;
            write!(f, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>")?;
            write!(
                f,
                "<text class=\"head\" x=\"{SIDE}\" y=\"28\">{}</text>",
                Escaped(&self.title)
            )?;
            let mut x = SIDE;
            for layer in self.legend() {
                write!(f, "<g transform=\"translate({x:.0} 41)\">{}</g>", Key(layer))?;
                write!(f, "<text x=\"{:.0}\" y=\"51\">{}</text>", x + 24.0, Escaped(layer.name))?;
                x += 40.0 + 7.0 * super::number::real(layer.name.chars().count() as u64);
            }
            write!(f, "<g transform=\"translate({SIDE} {header})\">")?;
            self.plot(f)?;
            f.write_str("</g></svg>\n")
        })
    }

    /// What the legend explains: nothing when there is a single thing to see.
    pub(super) fn legend(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|_| self.layers.len() > 1)
    }

    fn words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, title, description) = (self.id, Escaped(&self.title), Escaped(&self.description));
        write!(f, "<title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>")
    }

    fn plot(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.frame(f)?;
        for layer in &self.layers {
            let (shape, class) = (layer.shape.class(), layer.class);
            write!(f, "<path class=\"{shape} {class}\" d=\"")?;
            self.path(f, &layer.shape)?;
            f.write_str("\"/>")?;
        }
        self.downs(f)?;
        if self.layers.iter().all(|layer| layer.shape.is_empty()) {
            let (x, y) = (f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM));
            write!(f, "<text class=\"mid\" x=\"{x}\" y=\"{y}\">nothing was recorded</text>")?;
        }
        self.spans(f)
    }

    fn frame(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tick in self.y.scale.ticks() {
            let y = self.y(tick.value);
            write!(f, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>")?;
            let label = Escaped(&tick.label);
            write!(
                f,
                "<text class=\"end\" x=\"{}\" y=\"{:.1}\">{label}</text>",
                LEFT - 7.0,
                y + 4.0
            )?;
        }
        write!(f, "<path class=\"axis\" d=\"M{LEFT} {BOTTOM}H{RIGHT}\"/>")?;
        for tick in self.x.scale.ticks() {
            let x = self.x(tick.value);
            let label = Escaped(&tick.label);
            write!(f, "<path class=\"axis\" d=\"M{x:.1} {BOTTOM}v4\"/>")?;
            write!(f, "<text class=\"mid\" x=\"{x:.1}\" y=\"{}\">{label}</text>", BOTTOM + 18.0)?;
        }
        let (x, y) = (Escaped(self.x.label), Escaped(self.y.label));
        write!(f, "<text class=\"name\" x=\"0\" y=\"14\">{y}</text>")?;
        write!(f, "<text class=\"name end\" x=\"{RIGHT}\" y=\"{}\">{x}</text>", HEIGHT - 8.0)
    }

    fn path(&self, f: &mut fmt::Formatter<'_>, shape: &Shape) -> fmt::Result {
        match shape {
            Shape::Line(points) => {
                let mut drawing = false;
                for &(x, y) in points {
                    let Some(y) = y else {
                        drawing = false;
                        continue;
                    };
                    // A lone point between two gaps shows as a dot: the line has round ends.
                    let (verb, dot) = if drawing { ("L", "") } else { ("M", "h0") };
                    write!(f, "{verb}{:.1} {:.1}{dot}", self.x(x), self.y(y))?;
                    drawing = true;
                }
                Ok(())
            }
            Shape::Step(points) => {
                let mut drawing = false;
                for &(x, y) in points {
                    if drawing {
                        write!(f, "H{:.1}", self.x(x))?;
                    }
                    match y {
                        Some(y) if drawing => write!(f, "V{:.1}", self.y(y))?,
                        Some(y) => write!(f, "M{:.1} {:.1}", self.x(x), self.y(y))?,
                        None => {}
                    }
                    drawing = y.is_some();
                }
                Ok(())
            }
            Shape::Area(points) => {
                let forth = points.iter().map(|&(x, _, high)| (x, high));
                let back = points.iter().rev().map(|&(x, low, _)| (x, low));
                let mut verb = "M";
                for (x, y) in forth.chain(back) {
                    write!(f, "{verb}{:.1} {:.1}", self.x(x), self.y(y))?;
                    verb = "L";
                }
                f.write_str(if points.is_empty() { "" } else { "Z" })
            }
            Shape::Dots(points) => points
                .iter()
                .try_for_each(|&(x, y)| write!(f, "M{:.1} {:.1}h0", self.x(x), self.y(y))),
        }
    }

    fn downs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut labelled = f64::NEG_INFINITY;
        for (index, kill) in self.kills.iter().enumerate() {
            let (from, to) = (self.x(kill.at), self.x(kill.back));
            let (number, width, height) = (index + 1, (to - from).max(1.0), BOTTOM - TOP);
            write!(
                f,
                "<g class=\"kill\"><title>kill {number} at {:.2} s, back after {:.0} ms</title>\
                 <rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\"/>\
                 <path d=\"M{from:.1} {TOP}V{BOTTOM}\"/>",
                kill.at,
                (kill.back - kill.at) * 1e3
            )?;
            if from - labelled >= LABEL_GAP {
                let y = TOP - 5.0;
                write!(f, "<text class=\"mid\" x=\"{from:.1}\" y=\"{y}\">K{number}</text>")?;
                labelled = from;
            }
            f.write_str("</g>")?;
        }
        Ok(())
    }

    fn spans(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.spans.len().div_ceil(SPANS_MAX).max(1);
        for shared in self.spans.chunks(step) {
            let (first, last) = (&shared[0], &shared[shared.len() - 1]);
            let (from, to) = (self.x(first.from), self.x(last.to));
            let (width, height) = ((to - from).max(0.5), BOTTOM - TOP);
            write!(
                f,
                "<rect class=\"span\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" \
                 height=\"{height}\"><title>{}</title></rect>",
                Escaped(&first.text)
            )?;
        }
        Ok(())
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.scale.place(value) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - self.y.scale.place(value) * (BOTTOM - TOP)
    }
}

/// A layer's sign in a legend, 18 by 12.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a>(pub(super) &'a Layer);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shape, class) = (self.0.shape.class(), self.0.class);
        let path = match self.0.shape {
            Shape::Line(_) | Shape::Step(_) => "M1 6H17",
            Shape::Area(_) => "M1 1H17V11H1Z",
            Shape::Dots(_) => "M5 6h0M13 6h0",
        };
        write!(f, "<path class=\"{shape} {class}\" d=\"{path}\"/>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(layers: Vec<Shape>) -> Chart {
        let layer = |shape| Layer { name: "a <name> & \"more\"", class: "s1", shape };
        Chart {
            id: "test",
            title: "A <title> & 'more'".to_owned(),
            description: "\u{1}<script>alert(1)</script>".to_owned(),
            x: Axis { label: "time, s", scale: Scale::time(10.0) },
            y: Axis { label: "a < b", scale: Scale::amount(100.0, true) },
            layers: layers.into_iter().map(layer).collect(),
            kills: vec![Kill { at: 5.0, back: 5.25 }, Kill { at: 5.3, back: 5.4 }],
            spans: vec![Span { from: 0.0, to: 1.0, text: "0 s\n<b>".to_owned() }],
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            Escaped("<a href='x'>&\"\u{0}").to_string(),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}"
        );
        let shape = Shape::Dots(vec![(1.0, 2.0)]);
        for text in [
            chart(vec![shape.clone(), shape.clone()]).to_string(),
            chart(vec![shape.clone(), shape]).alone().to_string(),
        ] {
            let document = roxmltree::Document::parse(&text).unwrap();
            assert!(document.descendants().all(|node| !node.has_tag_name("script")), "{text}");
            let title = document.root_element().first_element_child().unwrap();
            assert_eq!(title.text(), Some("A <title> & 'more'"));
        }
    }

    #[test]
    fn values_land_where_the_axes_say() {
        let line = Shape::Line(vec![
            (0.0, Some(0.0)),
            (5.0, Some(50.0)),
            (7.0, None),
            (10.0, Some(100.0)),
        ]);
        let text = chart(vec![line]).to_string();
        assert!(text.contains("d=\"M60.0 244.0h0L284.0 142.0M508.0 40.0h0\""), "{text}");
    }

    #[test]
    fn steps_hold_their_value_and_lift_the_pen_in_gaps() {
        let step = Shape::Step(vec![(0.0, Some(100.0)), (5.0, Some(0.0)), (10.0, None)]);
        let text = chart(vec![step]).to_string();
        assert!(text.contains("d=\"M60.0 40.0H284.0V244.0H508.0\""), "{text}");
    }

    #[test]
    fn kills_too_near_each_other_share_one_label() {
        let text = chart(vec![Shape::Dots(vec![(1.0, 1.0)])]).to_string();
        assert_eq!(text.matches("class=\"kill\"").count(), 2);
        assert!(text.contains(">K1<") && !text.contains(">K2<"), "{text}");
    }

    #[test]
    fn an_empty_chart_says_so() {
        assert!(chart(vec![Shape::Line(vec![])]).to_string().contains("nothing was recorded"));
        assert!(chart(vec![]).to_string().contains("nothing was recorded"));
    }
}
