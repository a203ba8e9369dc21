//! Pages to draw on: text, rules and filled boxes at whole thousandths of a point from the top left.

use pdf_writer::{Content, Name, Str};

use super::font::{Font, Milli, Style};

/// A4.
pub(super) const WIDTH: Milli = 595_276;
/// A4.
pub(super) const HEIGHT: Milli = 841_890;

/// The pages so far.
pub(super) struct Canvas {
    pages: Vec<Content>,
    #[cfg(test)]
    pub boxes: Vec<TextBox>,
}

/// Where a text stands, for the test that no two overlap.
#[cfg(test)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextBox {
    pub page: usize,
    pub left: Milli,
    pub right: Milli,
    /// Of the letters' height above the base line.
    pub top: Milli,
    pub bottom: Milli,
    pub text: Vec<u8>,
}

/// Shades of grey, in thousandths of white.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ink {
    Black,
    Grey,
    Rule,
    Panel,
}

impl Ink {
    const fn white(self) -> Milli {
        match self {
            Self::Black => 80,
            Self::Grey => 400,
            Self::Rule => 780,
            Self::Panel => 955,
        }
    }
}

impl Canvas {
    pub fn new() -> Self {
        Self {
            pages: vec![Content::new()],
            #[cfg(test)]
            boxes: Vec::new(),
        }
    }

    pub fn add_page(&mut self) {
        self.pages.push(Content::new());
    }

    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Draws on the last page; `y` is the base line.
    pub fn text(&mut self, x: Milli, y: Milli, style: Style, ink: Ink, bytes: &[u8]) {
        self.text_on(self.pages.len().saturating_sub(1), (x, y), style, ink, bytes);
    }

    /// Ends at `right`.
    pub fn text_right(&mut self, right: Milli, y: Milli, style: Style, ink: Ink, bytes: &[u8]) {
        self.text(right.saturating_sub(style.width(bytes)), y, style, ink, bytes);
    }

    /// Draws on a given page.
    pub fn text_on(&mut self, page: usize, (x, y): (Milli, Milli), style: Style, ink: Ink, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Some(content) = self.pages.get_mut(page) else { return };
        let name = match style.font {
            Font::Regular => Name(b"F1"),
            Font::Bold => Name(b"F2"),
        };
        content.begin_text().set_fill_gray(float(ink.white()));
        content.set_font(name, float(style.size)).next_line(float(x), float(HEIGHT.saturating_sub(y)));
        content.show(Str(bytes)).end_text();
        #[cfg(test)]
        self.boxes.push(TextBox {
            page,
            left: x,
            right: x + style.width(bytes),
            top: y - style.size * 7 / 10,
            bottom: y + style.size * 2 / 10,
            text: bytes.to_vec(),
        });
    }

    /// A horizontal line.
    pub fn rule(&mut self, left: Milli, right: Milli, y: Milli, weight: Milli) {
        let Some(content) = self.pages.last_mut() else { return };
        let y = float(HEIGHT.saturating_sub(y));
        content.set_stroke_gray(float(Ink::Rule.white())).set_line_width(float(weight));
        content.move_to(float(left), y).line_to(float(right), y).stroke();
    }

    /// A filled box from its top left corner.
    pub fn fill(&mut self, ink: Ink, x: Milli, y: Milli, width: Milli, height: Milli) {
        let Some(content) = self.pages.last_mut() else { return };
        let bottom = float(HEIGHT.saturating_sub(y).saturating_sub(height));
        content.set_fill_gray(float(ink.white()));
        content.rect(float(x), bottom, float(width), float(height)).fill_nonzero();
    }

    /// Bars and gaps in turn, each so many modules wide, in solid black for scanners.
    pub fn bars(&mut self, x: Milli, y: Milli, height: Milli, module: Milli, widths: &[u8]) {
        let Some(content) = self.pages.last_mut() else { return };
        let bottom = float(HEIGHT.saturating_sub(y).saturating_sub(height));
        content.set_fill_gray(0.0);
        let mut left = x;
        for (at, width) in widths.iter().enumerate() {
            let wide = module.saturating_mul(Milli::from(*width));
            if at.is_multiple_of(2) {
                content.rect(float(left), bottom, float(wide), float(height));
            }
            left = left.saturating_add(wide);
        }
        content.fill_nonzero();
    }

    pub fn finish(self) -> Vec<Vec<u8>> {
        self.pages.into_iter().map(|content| content.finish().to_vec()).collect()
    }
}

/// The one step from whole thousandths to what a PDF wants.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "coordinates on paper, never money; all are below 2^24"
)]
pub(super) fn float(milli: Milli) -> f32 {
    milli as f32 / 1000.0
}
