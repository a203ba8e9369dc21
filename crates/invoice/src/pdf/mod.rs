//! The invoice as a PDF: A4, Helvetica, WinAnsi, no font inside, the same bytes for the same invoice.
//!
//! Layout is in whole thousandths of a point, with the fonts' real widths, so that right edges align and
//! nothing runs over its column: names and descriptions wrap and end in an ellipsis, and what does not fit a
//! page goes on the next.

mod canvas;
mod font;
mod labels;
mod layout;
mod widths;

use jiff::Timestamp;
use jiff::tz::Offset;
use pdf_writer::{Date, Finish, Name, Pdf, Rect, Ref, TextStr};

use crate::model::{Invoice, ModelError};

pub use labels::{Language, UnknownLanguage};

/// The file of a checked invoice. `created` is written into the file's own description and nowhere else.
///
/// # Errors
/// When the invoice lacks what must be on it.
pub fn render(invoice: &Invoice, language: Language, created: Timestamp) -> Result<Vec<u8>, ModelError> {
    let summary = invoice.check()?;
    let mut page = layout::Page::new(invoice, &summary, language);
    page.draw();
    Ok(assemble(invoice, language, created, &page.canvas.finish()))
}

/// Numbers the objects: 1 catalog, 2 page tree, 3 description, 4 and 5 fonts, then page and content in turn.
fn assemble(invoice: &Invoice, language: Language, created: Timestamp, pages: &[Vec<u8>]) -> Vec<u8> {
    let [catalog, tree, info, regular, bold] = [1, 2, 3, 4, 5].map(Ref::new);
    let first: i32 = 6;
    let ids: Vec<(Ref, Ref)> = (0_i32..)
        .take(pages.len())
        .map(|at| at.saturating_mul(2).saturating_add(first))
        .map(|id| (Ref::new(id), Ref::new(id.saturating_add(1))))
        .collect();
    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr(language.tag()));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(i32::try_from(pages.len()).unwrap_or(1));
    let title = format!("{} {}", language.labels().invoice, invoice.number);
    let mut description = pdf.document_info(info);
    description
        .title(TextStr(&title))
        .author(TextStr(&invoice.seller.name))
        .creator(TextStr(&invoice.issuer.name));
    description.creation_date(date(created));
    description.finish();
    for (id, name) in [(regular, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let size = Rect::new(0.0, 0.0, canvas::float(canvas::WIDTH), canvas::float(canvas::HEIGHT));
    for ((id, content), bytes) in ids.into_iter().zip(pages) {
        let mut page = pdf.page(id);
        page.media_box(size).parent(tree).contents(content);
        page.resources().fonts().pair(Name(b"F1"), regular).pair(Name(b"F2"), bold);
        page.finish();
        pdf.stream(content, bytes);
    }
    pdf.finish()
}

fn date(at: Timestamp) -> Date {
    let at = Offset::UTC.to_datetime(at);
    let small = |value: i8| u8::try_from(value).unwrap_or(0);
    Date::new(u16::try_from(at.year()).unwrap_or(0))
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::canvas::{HEIGHT, TextBox, WIDTH};
    use super::{Language, layout, render};
    use crate::model::{
        Address, Buyer, BuyerKind, Household, Invoice, Issuer, Line, LineKind, Payment, Seller, Work,
    };
    use jiff::Timestamp;
    use jiff::civil::date;
    use jobzy_money::{Currency, Rate};
    use proptest::prelude::*;

    fn address(street: &str) -> Address {
        Address { street: street.to_owned(), postal_code: "00100".to_owned(), city: "Helsinki".to_owned() }
    }

    fn line(kind: LineKind, description: &str, gross_minor: i64) -> Line {
        Line {
            kind,
            description: description.to_owned(),
            gross_minor,
            vat_rate: Rate::from_basis_points(2550),
        }
    }

    /// A paid cleaning.
    pub(crate) fn sample() -> Invoice {
        let (number, reference) = crate::model::number(&"0112038-9".parse().unwrap(), 2026, 17).unwrap();
        Invoice {
            number,
            reference,
            issued: date(2026, 11, 24),
            agreed: Some(date(2026, 11, 23)),
            delivered: date(2026, 11, 24),
            currency: Currency::Eur,
            seller: Seller {
                name: "Demo provider, Siivous- ja Kiinteistöpalvelu".to_owned(),
                business_id: "0112038-9".parse().unwrap(),
                address: Some(address("Esimerkkitie 1 B")),
            },
            issuer: Issuer { name: "Jobzy".to_owned(), contact: "jobzy.fi".to_owned() },
            buyer: Buyer {
                name: "Demo customer".to_owned(),
                address: Some(address("Mannerheimintie 1 A 1")),
                kind: BuyerKind::Consumer,
            },
            work: Work {
                title: "Home cleaning, 3 hours".to_owned(),
                job: "job_0193a1b2c3d4e5f60718293a4b5c6d7e".to_owned(),
                address: Some(address("Mannerheimintie 1 A 1")),
            },
            lines: vec![
                line(LineKind::Labour, "Home cleaning", 24_000),
                line(LineKind::Material, "Detergents and cloths", 3600),
                line(LineKind::Travel, "Travel to the customer and back", 1800),
            ],
            payment: Payment::Card { paid: date(2026, 11, 24), processor_reference: "pi_3Q0001".to_owned() },
            household: Household::Eligible,
        }
    }

    fn at() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn boxes(invoice: &Invoice, language: Language) -> Vec<TextBox> {
        let summary = invoice.check().unwrap();
        let mut page = layout::Page::new(invoice, &summary, language);
        page.draw();
        page.canvas.boxes
    }

    #[track_caller]
    fn check_layout(invoice: &Invoice, language: Language) {
        let boxes = boxes(invoice, language);
        for (at, one) in boxes.iter().enumerate() {
            let inside = one.left >= 40_000
                && one.right <= WIDTH - 40_000
                && one.top >= 20_000
                && one.bottom <= HEIGHT - 20_000;
            assert!(inside, "outside the page: {one:?}");
            for other in boxes.iter().skip(at + 1).filter(|other| other.page == one.page) {
                let apart = one.right <= other.left
                    || other.right <= one.left
                    || one.bottom <= other.top
                    || other.bottom <= one.top;
                assert!(
                    apart,
                    "{} overlaps {}",
                    String::from_utf8_lossy(&one.text),
                    String::from_utf8_lossy(&other.text)
                );
            }
        }
    }

    fn written(invoice: &Invoice, language: Language) -> String {
        let texts: Vec<_> = boxes(invoice, language)
            .iter()
            .map(|b| b.text.iter().map(|&c| char::from(c)).collect::<String>())
            .collect();
        texts.join("\n")
    }

    #[test]
    fn the_page_says_what_the_law_and_the_tax_office_want() {
        let text = written(&sample(), Language::En);
        for part in [
            "2026-01120389-000017",
            "24.11.2026",
            "23.11.2026",
            "0112038-9",
            "FI01120389",
            "Demo customer",
            "Issued by Jobzy in the name of the seller",
            "25.5",
            "234.26",
            "59.74",
            "294.00 EUR",
            "48.77",
            "Paid by card",
            "240.00 EUR",
            "84.00 EUR",
            "-150.00 EUR",
            "0.00 EUR",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let finnish = written(&sample(), Language::Fi);
        assert!(finnish.contains("Kotitalousv\u{e4}hennys") && finnish.contains("294,00 EUR"), "{finnish}");
    }

    #[test]
    fn the_same_invoice_is_the_same_file() {
        let file = render(&sample(), Language::En, at()).unwrap();
        assert_eq!(file, render(&sample(), Language::En, at()).unwrap());
        assert!(file.starts_with(b"%PDF-1.7") && file.ends_with(b"%%EOF"));
    }

    #[test]
    fn nothing_overlaps_on_an_ordinary_page() {
        check_layout(&sample(), Language::En);
        check_layout(&sample(), Language::Fi);
    }

    #[test]
    fn a_bill_to_be_paid_has_a_barcode() {
        let mut bill = sample();
        bill.payment =
            Payment::Transfer { iban: "FI37 1590 3000 0007 76".to_owned(), due: date(2026, 12, 8) };
        check_layout(&bill, Language::En);
        let text = written(&bill, Language::En);
        assert!(
            text.contains("437159030000007760002940000002026011203890000177261208")
                || text.contains("4371590300000077600029400000"),
            "{text}"
        );
    }

    #[test]
    fn a_year_without_rules_shows_the_labour_without_promising() {
        let mut next = sample();
        next.payment = Payment::Card { paid: date(2027, 1, 4), processor_reference: "pi_1".to_owned() };
        let text = written(&next, Language::En);
        assert!(text.contains("Labour including VAT") && !text.contains("Estimated credit"), "{text}");
    }

    #[test]
    fn a_long_invoice_goes_on_over_pages() {
        let mut long = sample();
        let word = "Kiinteistönhuoltotarvikevarastoinventaario ";
        long.lines = (0..60)
            .map(|n| line(LineKind::Material, &format!("{n} {}", word.repeat(8)), 12_345_678))
            .collect();
        long.seller.name = word.repeat(20);
        long.buyer.name = "x".repeat(300);
        long.work.title = word.repeat(30);
        check_layout(&long, Language::Fi);
        let pages = boxes(&long, Language::Fi).iter().map(|b| b.page).max().unwrap();
        assert!(pages >= 4, "{pages}");
        assert!(written(&long, Language::Fi).contains("Sivu 1 / "));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn nothing_overlaps_whatever_is_written(
            texts in prop::collection::vec("\\PC{1,120}", 6), count in 1_usize..30, gross in 0_i64..99_999_999, finnish: bool,
        ) {
            let mut invoice = sample();
            let text = |at: usize| format!("a{}", texts[at]);
            invoice.seller.name = text(0);
            invoice.buyer.name = text(1);
            invoice.buyer.address = Some(address(&text(2)));
            invoice.work.title = text(3);
            invoice.work.address = Some(address(&text(4)));
            invoice.lines = (0..count).map(|_| line(LineKind::Labour, &text(5), gross)).collect();
            check_layout(&invoice, if finnish { Language::Fi } else { Language::En });
        }
    }

    /// `INVOICE_OUT=<folder> cargo test -p jobzy-invoice -- --ignored` writes pages to look at.
    #[test]
    #[ignore = "writes files for a person to look at"]
    #[expect(clippy::disallowed_methods, reason = "a person says where to write")]
    fn write_samples() {
        let out = std::path::PathBuf::from(std::env::var("INVOICE_OUT").unwrap());
        let mut bill = sample();
        bill.payment =
            Payment::Transfer { iban: "FI37 1590 3000 0007 76".to_owned(), due: date(2026, 12, 8) };
        bill.household = Household::Review;
        let mut long = sample();
        long.lines = (0..40)
            .map(|n| {
                line(
                    LineKind::Material,
                    &format!("Item {n}: {}", "paint, brushes and covers ".repeat(4)),
                    12_345,
                )
            })
            .collect();
        long.lines.insert(
            0,
            line(LineKind::Labour, "Painting of two rooms and the hall, ceilings included", 186_000),
        );
        for (name, invoice, language) in [
            ("paid", sample(), Language::En),
            ("maksettu", sample(), Language::Fi),
            ("bill", bill, Language::En),
            ("long", long, Language::En),
        ] {
            std::fs::write(out.join(format!("{name}.pdf")), render(&invoice, language, at()).unwrap())
                .unwrap();
        }
    }
}
