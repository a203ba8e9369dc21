//! The words on the page, in the two languages it speaks.

use jiff::civil::Date;
use jobzy_money::{Money, Rate};
use serde::{Deserialize, Serialize};

use crate::model::LineKind;

/// The language of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English, with the decimal point.
    #[default]
    En,
    /// Finnish, with the decimal comma.
    Fi,
}

impl std::str::FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        match code {
            "en" => Ok(Self::En),
            "fi" => Ok(Self::Fi),
            _ => Err(UnknownLanguage),
        }
    }
}

/// The code names no language we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invoices are written in `en` or `fi`")]
pub struct UnknownLanguage;

/// Every word, so that a missing translation does not compile.
pub(super) struct Labels {
    pub invoice: &'static str,
    pub issued_by: &'static str,
    pub in_the_name_of: &'static str,
    pub seller: &'static str,
    pub buyer: &'static str,
    pub business_id: &'static str,
    pub vat_number: &'static str,
    pub number: &'static str,
    pub issued: &'static str,
    pub agreed: &'static str,
    pub delivered: &'static str,
    pub due: &'static str,
    pub paid: &'static str,
    pub reference: &'static str,
    pub rf: &'static str,
    pub job: &'static str,
    pub work: &'static str,
    pub place: &'static str,
    pub description: &'static str,
    pub rate: &'static str,
    pub net: &'static str,
    pub vat: &'static str,
    pub gross: &'static str,
    pub summary: &'static str,
    pub total: &'static str,
    pub to_pay: &'static str,
    pub paid_by_card: &'static str,
    pub nothing_left: &'static str,
    pub card_reference: &'static str,
    pub account: &'static str,
    pub barcode: &'static str,
    pub credit: &'static str,
    pub credit_labour: &'static str,
    pub credit_share: &'static str,
    pub credit_own: &'static str,
    pub credit_estimate: &'static str,
    pub credit_note: &'static str,
    pub credit_review: &'static str,
    pub page: &'static str,
    pub continued: &'static str,
    labour: &'static str,
    material: &'static str,
    travel: &'static str,
}

const EN: Labels = Labels {
    invoice: "Invoice",
    issued_by: "Issued by",
    in_the_name_of: "in the name of the seller",
    seller: "Seller",
    buyer: "Buyer",
    business_id: "Business ID",
    vat_number: "VAT number",
    number: "Invoice number",
    issued: "Date of invoice",
    agreed: "Agreed on",
    delivered: "Work completed",
    due: "Due date",
    paid: "Paid on",
    reference: "Reference",
    rf: "RF reference",
    job: "Job",
    work: "Work",
    place: "Place of work",
    description: "Description",
    rate: "VAT %",
    net: "Net",
    vat: "VAT",
    gross: "Total",
    summary: "VAT summary",
    total: "Total incl. VAT",
    to_pay: "To pay",
    paid_by_card: "Paid by card",
    nothing_left: "Nothing is left to pay.",
    card_reference: "Payment reference",
    account: "Account (IBAN)",
    barcode: "Virtual barcode",
    credit: "Household credit (kotitalousvähennys)",
    credit_labour: "Labour including VAT",
    credit_share: "of the labour",
    credit_own: "Own share per person and year",
    credit_estimate: "Estimated credit if this is the year's only bill",
    credit_note: "An estimate for one person. The own share and the cap are per person and year over all bills; \
                  the Tax Administration decides.",
    credit_review: "Whether this work qualifies depends on the case; ask the Tax Administration.",
    page: "Page",
    continued: "continued",
    labour: "Labour",
    material: "Material",
    travel: "Travel",
};

const FI: Labels = Labels {
    invoice: "Lasku",
    issued_by: "Laatinut",
    in_the_name_of: "myyjän nimissä",
    seller: "Myyjä",
    buyer: "Ostaja",
    business_id: "Y-tunnus",
    vat_number: "ALV-tunniste",
    number: "Laskun numero",
    issued: "Laskun päiväys",
    agreed: "Sovittu",
    delivered: "Työ valmistunut",
    due: "Eräpäivä",
    paid: "Maksettu",
    reference: "Viitenumero",
    rf: "RF-viite",
    job: "Työtilaus",
    work: "Työ",
    place: "Työn suorituspaikka",
    description: "Selite",
    rate: "ALV %",
    net: "Veroton",
    vat: "ALV",
    gross: "Yhteensä",
    summary: "ALV-erittely",
    total: "Yhteensä sis. ALV",
    to_pay: "Maksettavaa",
    paid_by_card: "Maksettu kortilla",
    nothing_left: "Maksettavaa ei ole jäljellä.",
    card_reference: "Maksutunniste",
    account: "Tilinumero (IBAN)",
    barcode: "Virtuaaliviivakoodi",
    credit: "Kotitalousvähennys",
    credit_labour: "Työn osuus sis. ALV",
    credit_share: "työn osuudesta",
    credit_own: "Omavastuu henkilöä ja vuotta kohti",
    credit_estimate: "Arvioitu vähennys, jos vuoden ainoa lasku",
    credit_note: "Arvio yhdelle henkilölle. Omavastuu ja enimmäismäärä ovat henkilöä ja vuotta kohti kaikista laskuista; \
                  Verohallinto päättää.",
    credit_review: "Vähennyskelpoisuus riippuu tapauksesta; kysy Verohallinnosta.",
    page: "Sivu",
    continued: "jatkuu",
    labour: "Työ",
    material: "Tarvikkeet",
    travel: "Matkat",
};

impl Language {
    pub(super) const fn labels(self) -> &'static Labels {
        match self {
            Self::En => &EN,
            Self::Fi => &FI,
        }
    }

    /// The language tag for the reader's voice.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en-GB",
            Self::Fi => "fi-FI",
        }
    }

    /// `1,234.50` or `1 234,50`.
    pub(super) fn amount(self, money: Money) -> String {
        let plain = jobzy_money::format(money);
        let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
        let (major, minor) = plain.split_once('.').unwrap_or((plain, ""));
        let (group, point) = match self {
            Self::En => (',', '.'),
            Self::Fi => ('\u{a0}', ','),
        };
        let mut out = sign.to_owned();
        for (at, digit) in major.chars().enumerate() {
            if at > 0 && major.len().saturating_sub(at).is_multiple_of(3) {
                out.push(group);
            }
            out.push(digit);
        }
        if !minor.is_empty() {
            out.push(point);
            out.push_str(minor);
        }
        out
    }

    /// `25.5`, `14`, with the language's point.
    pub(super) fn percent(self, rate: Rate) -> String {
        let basis_points = rate.basis_points();
        let (whole, rest) = (basis_points.div_euclid(100), basis_points.rem_euclid(100));
        let point = if self == Self::Fi { ',' } else { '.' };
        match (rest, rest.rem_euclid(10)) {
            (0, _) => whole.to_string(),
            (_, 0) => format!("{whole}{point}{}", rest.div_euclid(10)),
            _ => format!("{whole}{point}{rest:02}"),
        }
    }
}

impl Labels {
    pub(super) const fn kind(&self, kind: LineKind) -> &'static str {
        match kind {
            LineKind::Labour => self.labour,
            LineKind::Material => self.material,
            LineKind::Travel => self.travel,
        }
    }
}

/// `24.11.2026`, as everyone in Finland writes it.
pub(super) fn day(date: Date) -> String {
    format!("{}.{}.{}", date.day(), date.month(), date.year())
}

#[cfg(test)]
mod tests {
    use super::Language;
    use jobzy_money::{Money, Rate};

    #[test]
    fn amounts_are_grouped_as_the_language_does() {
        assert_eq!(Language::En.amount(Money::eur(123_456_789)), "1,234,567.89");
        assert_eq!(Language::Fi.amount(Money::eur(-123_456)), "-1\u{a0}234,56");
        assert_eq!(Language::En.amount(Money::eur(5)), "0.05");
    }

    #[test]
    fn rates_have_no_needless_decimals() {
        let percent = |language: Language, bp| language.percent(Rate::from_basis_points(bp));
        assert_eq!(percent(Language::En, 2550), "25.5");
        assert_eq!(percent(Language::Fi, 1350), "13,5");
        assert_eq!(percent(Language::En, 1400), "14");
        assert_eq!(percent(Language::En, 5), "0.05");
        assert_eq!(percent(Language::En, 0), "0");
    }
}
