//! Text as bytes of WinAnsi, and how wide it is.

use super::widths::{BOLD, REGULAR};

/// Thousandths of a point: layout is whole numbers, only the last step to the page is not.
pub(super) type Milli = i32;

/// One of the two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Regular,
    Bold,
}

/// A face at a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub font: Font,
    /// Thousandths of a point.
    pub size: Milli,
}

impl Style {
    pub const fn regular(size: Milli) -> Self {
        Self { font: Font::Regular, size }
    }

    pub const fn bold(size: Milli) -> Self {
        Self { font: Font::Bold, size }
    }

    /// From one line to the next.
    pub const fn leading(self) -> Milli {
        self.size.saturating_mul(135).saturating_div(100)
    }

    /// How wide the bytes are.
    pub fn width(self, bytes: &[u8]) -> Milli {
        let table = match self.font {
            Font::Regular => &REGULAR,
            Font::Bold => &BOLD,
        };
        let advance =
            |byte: &u8| table.get(usize::from(byte.saturating_sub(0x20))).copied().map_or(0, i64::from);
        let units: i64 = bytes.iter().map(advance).fold(0, i64::saturating_add);
        let wide = units.saturating_mul(i64::from(self.size)).saturating_div(1000);
        Milli::try_from(wide).unwrap_or(Milli::MAX)
    }

    /// Breaks a text into lines that fit: between words, and inside a word that alone is too wide.
    pub fn wrap(self, text: &str, max: Milli) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        for word in text.split_whitespace().map(win_ansi) {
            let mut longer = line.clone();
            if !longer.is_empty() {
                longer.push(b' ');
            }
            longer.extend(&word);
            if self.width(&longer) <= max {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for byte in word {
                line.push(byte);
                if self.width(&line) > max && line.len() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, vec![byte]));
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// One line that fits, with an ellipsis where something was left out.
    pub fn truncate(self, text: &str, max: Milli) -> Vec<u8> {
        let mut bytes = win_ansi(text);
        if self.width(&bytes) <= max {
            return bytes;
        }
        bytes.push(ELLIPSIS);
        while self.width(&bytes) > max && bytes.len() > 1 {
            bytes.remove(bytes.len().saturating_sub(2));
        }
        bytes
    }

    /// At most `lines` lines, the last one with an ellipsis where something was left out.
    pub fn wrap_at_most(self, text: &str, max: Milli, lines: usize) -> Vec<Vec<u8>> {
        let mut all = self.wrap(text, max);
        if all.len() > lines {
            all.truncate(lines);
            if let Some(last) = all.last_mut() {
                last.push(ELLIPSIS);
                while self.width(last) > max && last.len() > 1 {
                    last.remove(last.len().saturating_sub(2));
                }
            }
        }
        all
    }
}

const ELLIPSIS: u8 = 0x85;

/// The bytes 0x80 to 0x9F of WinAnsi; a bullet stands where the encoding has nothing.
const HIGH: &str = "€•‚ƒ„…†‡ˆ‰Š‹Œ•Ž••‘’“”•–—˜™š›œ•žŸ";

/// The text in WinAnsi. What it lacks is spelled in Latin letters, else it is a question mark; control characters
/// become blanks.
pub(super) fn win_ansi(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte @ (0x20..=0x7e | 0xa0..=0xff)) => bytes.push(byte),
            Ok(_) => bytes.push(b' '),
            Err(_) => match high(c) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend(deunicode::deunicode_char(c).unwrap_or("?").bytes()),
            },
        }
    }
    bytes
}

fn high(c: char) -> Option<u8> {
    let at = HIGH.chars().position(|known| known == c)?;
    u8::try_from(at).ok().and_then(|at| at.checked_add(0x80))
}

#[cfg(test)]
mod tests {
    use super::{HIGH, Style, win_ansi};
    use proptest::prelude::*;

    #[test]
    fn finnish_letters_and_the_euro_sign_have_bytes() {
        assert_eq!(win_ansi("äöÅ€–Š"), [0xe4, 0xf6, 0xc5, 0x80, 0x96, 0x8a]);
        assert_eq!(win_ansi("Łukasz Žižka\nИван"), b"Lukasz \x8ei\x9eka Ivan");
        assert_eq!(HIGH.chars().count(), 32);
    }

    #[test]
    fn widths_are_those_of_helvetica() {
        assert_eq!(Style::regular(10_000).width(b"AV1.00"), 6670 + 6670 + 5560 + 2780 + 5560 + 5560);
        assert_eq!(Style::bold(10_000).width(b"Total"), 6110 + 6110 + 3330 + 5560 + 2780);
    }

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        let style = Style::regular(10_000);
        assert_eq!(style.truncate("short", 100_000), b"short");
        let cut = style.truncate(&"x".repeat(100), 30_000);
        assert!(cut.ends_with(&[0x85]) && style.width(&cut) <= 30_000 && cut.len() > 2);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_allowed_and_no_letter_is_lost(text in "\\PC{0,200}", max in 20_000_i32..400_000) {
            let style = Style::regular(9_000);
            let lines = style.wrap(&text, max);
            for line in &lines {
                prop_assert!(style.width(line) <= max);
            }
            let written: usize = lines.iter().map(|line| line.iter().filter(|&&byte| byte != b' ').count()).sum();
            let given = text.split_whitespace().flat_map(win_ansi).filter(|&byte| byte != b' ').count();
            prop_assert_eq!(written, given);
            for line in style.wrap_at_most(&text, max, 2) {
                prop_assert!(style.width(&line) <= max);
            }
        }
    }
}
