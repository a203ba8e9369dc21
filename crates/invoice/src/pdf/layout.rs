//! Where everything stands: blocks from top to bottom, a table that goes on over pages, a foot on each.

use jobzy_money::Money;

use super::canvas::{Canvas, HEIGHT, Ink, WIDTH};
use super::font::{Milli, Style, win_ansi};
use super::labels::{Labels, Language, day};
use crate::barcode::{code_128_c, virtual_barcode};
use crate::model::{Address, Household, Invoice, Line, Payment};
use crate::vat::{LineVat, VatSummary};

const LEFT: Milli = 50_000;
const RIGHT: Milli = WIDTH - LEFT;
/// Where the right half begins.
const MIDDLE: Milli = 315_000;
const GAP: Milli = 12_000;
/// Nothing but the foot below this.
const BOTTOM: Milli = HEIGHT - 72_000;

const TITLE: Style = Style::bold(22_000);
const NAME: Style = Style::bold(10_500);
const BODY: Style = Style::regular(9_500);
const STRONG: Style = Style::bold(9_500);
const SMALL: Style = Style::regular(8_000);
const CAPTION: Style = Style::bold(8_000);
const TOTAL: Style = Style::bold(12_500);

/// Right edges of the table's number columns, and where its text ends.
const RATE_RIGHT: Milli = 340_000;
const NET_RIGHT: Milli = 410_000;
const VAT_RIGHT: Milli = 475_000;
const TEXT_END: Milli = 295_000;

pub(super) struct Page<'i> {
    pub canvas: Canvas,
    invoice: &'i Invoice,
    summary: &'i VatSummary,
    language: Language,
    labels: &'static Labels,
    y: Milli,
}

impl<'i> Page<'i> {
    pub fn new(invoice: &'i Invoice, summary: &'i VatSummary, language: Language) -> Self {
        Self { canvas: Canvas::new(), invoice, summary, language, labels: language.labels(), y: 64_000 }
    }

    pub fn draw(&mut self) {
        self.title();
        self.parties();
        self.details();
        self.table();
        self.totals();
        self.payment();
        self.household();
        self.feet();
    }

    fn title(&mut self) {
        let number = win_ansi(&self.invoice.number);
        self.canvas.text(LEFT, self.y, TITLE, Ink::Black, &win_ansi(self.labels.invoice));
        self.canvas.text_right(RIGHT, self.y.saturating_sub(6_000), NAME, Ink::Black, &number);
        let issuer = &self.invoice.issuer;
        let issued = format!("{} {} {}", self.labels.issued_by, issuer.name, self.labels.in_the_name_of);
        let issued = SMALL.truncate(&issued, RIGHT.saturating_sub(MIDDLE));
        self.canvas.text_right(RIGHT, self.y.saturating_add(7_000), SMALL, Ink::Grey, &issued);
        self.down(16_000);
        self.canvas.rule(LEFT, RIGHT, self.y, 800);
        self.down(24_000);
    }

    fn parties(&mut self) {
        let top = self.y;
        let seller = &self.invoice.seller;
        let ids = [
            format!("{}: {}", self.labels.business_id, seller.business_id),
            format!("{}: {}", self.labels.vat_number, seller.business_id.vat_number()),
        ];
        let left = self.party(LEFT, self.labels.seller, &seller.name, seller.address.as_ref(), &ids);
        self.y = top;
        let buyer = &self.invoice.buyer;
        let right = self.party(MIDDLE, self.labels.buyer, &buyer.name, buyer.address.as_ref(), &[]);
        self.y = left.max(right);
        self.down(GAP);
    }

    /// One side of the trade; the answer is where it ends.
    fn party(
        &mut self,
        x: Milli,
        caption: &str,
        name: &str,
        address: Option<&Address>,
        more: &[String],
    ) -> Milli {
        let width =
            if x == LEFT { MIDDLE.saturating_sub(LEFT).saturating_sub(GAP) } else { RIGHT.saturating_sub(x) };
        self.write(x, CAPTION, Ink::Grey, &win_ansi(caption));
        self.down(3_000);
        for line in NAME.wrap_at_most(name, width, 2) {
            self.write(x, NAME, Ink::Black, &line);
        }
        let address = address.map(|address| [address.street.clone(), place(address)]);
        for text in address.iter().flatten().chain(more) {
            for line in BODY.wrap_at_most(text, width, 2) {
                self.write(x, BODY, Ink::Black, &line);
            }
        }
        self.y
    }

    /// Two columns of facts.
    fn details(&mut self) {
        let invoice = self.invoice;
        let labels = self.labels;
        let mut left = vec![(labels.number, invoice.number.clone()), (labels.issued, day(invoice.issued))];
        left.extend(invoice.agreed.map(|agreed| (labels.agreed, day(agreed))));
        left.push((labels.delivered, day(invoice.delivered)));
        let mut right = vec![match &invoice.payment {
            Payment::Card { paid, .. } => (labels.paid, day(*paid)),
            Payment::Transfer { due, .. } => (labels.due, day(*due)),
        }];
        right.push((labels.reference, invoice.reference.grouped()));
        right.push((labels.rf, invoice.reference.rf()));
        let top = self.y;
        self.facts(LEFT, &left, MIDDLE.saturating_sub(GAP));
        let end = self.y;
        self.y = top;
        self.facts(MIDDLE, &right, RIGHT);
        self.y = self.y.max(end);
        self.down(GAP);
        let mut work = vec![(labels.work, invoice.work.title.clone())];
        let place =
            invoice.work.address.as_ref().map(|address| format!("{}, {}", address.street, place(address)));
        work.extend(place.map(|place| (labels.place, place)));
        work.push((labels.job, invoice.work.job.clone()));
        self.facts(LEFT, &work, RIGHT);
        self.down(GAP);
    }

    fn facts(&mut self, x: Milli, facts: &[(&str, String)], right: Milli) {
        let widest = facts.iter().map(|(label, _)| BODY.width(&win_ansi(label))).max().unwrap_or(0);
        let value_x = x.saturating_add(widest.max(72_000)).saturating_add(8_000);
        for (label, value) in facts {
            self.canvas.text(x, self.y, BODY, Ink::Grey, &win_ansi(label));
            let lines = BODY.wrap_at_most(value, right.saturating_sub(value_x), 3);
            if lines.is_empty() {
                self.down(BODY.leading());
            }
            for line in lines {
                self.write(value_x, BODY, Ink::Black, &line);
            }
        }
    }

    fn table(&mut self) {
        self.table_head();
        let shares = &self.summary.lines;
        for (line, share) in self.invoice.lines.iter().zip(shares) {
            self.row(line, *share);
        }
        self.down(8_000);
    }

    fn table_head(&mut self) {
        self.canvas.fill(Ink::Panel, LEFT, self.y.saturating_sub(11_000), RIGHT.saturating_sub(LEFT), 17_000);
        self.canvas.text(
            LEFT.saturating_add(6_000),
            self.y,
            CAPTION,
            Ink::Black,
            &win_ansi(self.labels.description),
        );
        self.columns(CAPTION, [self.labels.rate, self.labels.net, self.labels.vat, self.labels.gross]);
        self.down(20_000);
    }

    /// Four right-aligned columns on the present line.
    fn columns(&mut self, style: Style, texts: [&str; 4]) {
        let edges = [RATE_RIGHT, NET_RIGHT, VAT_RIGHT, RIGHT.saturating_sub(6_000)];
        for (edge, text) in edges.into_iter().zip(texts) {
            self.canvas.text_right(edge, self.y, style, Ink::Black, &win_ansi(text));
        }
    }

    fn row(&mut self, line: &Line, share: LineVat) {
        let text = TEXT_END.saturating_sub(LEFT).saturating_sub(6_000);
        let kind = self.labels.kind(line.kind);
        // What needs no words beyond its kind has none.
        let words = line.description.trim();
        let description = if words.is_empty() { Vec::new() } else { BODY.wrap_at_most(words, text, 4) };
        let rows = Milli::try_from(description.len()).unwrap_or(4);
        let height =
            BODY.leading().saturating_mul(rows).saturating_add(STRONG.leading()).saturating_add(9_000);
        if self.need(height) {
            self.table_head();
        }
        let amounts = [share.net_minor, share.vat_minor, line.gross_minor].map(|minor| self.amount(minor));
        let [net, vat, gross] = &amounts;
        self.columns(BODY, [&self.language.percent(line.vat_rate), net, vat, gross]);
        self.write(LEFT.saturating_add(6_000), STRONG, Ink::Black, &win_ansi(kind));
        for part in description {
            self.write(LEFT.saturating_add(6_000), BODY, Ink::Grey, &part);
        }
        self.canvas.rule(LEFT, RIGHT, self.y.saturating_sub(5_000), 400);
        self.down(9_000);
    }

    fn totals(&mut self) {
        let rows = Milli::try_from(self.summary.rates.len()).unwrap_or(1);
        let height = BODY.leading().saturating_mul(rows.saturating_add(1)).saturating_add(60_000);
        self.need(height);
        self.canvas.text(
            MIDDLE.saturating_sub(70_000),
            self.y,
            CAPTION,
            Ink::Grey,
            &win_ansi(self.labels.summary),
        );
        self.columns(CAPTION, [self.labels.rate, self.labels.net, self.labels.vat, self.labels.gross]);
        self.down(BODY.leading());
        for rate in &self.summary.rates {
            let amounts = [rate.net_minor, rate.vat_minor, rate.gross_minor].map(|minor| self.amount(minor));
            let [net, vat, gross] = &amounts;
            self.columns(BODY, [&self.language.percent(rate.rate), net, vat, gross]);
            self.down(BODY.leading());
        }
        self.canvas.rule(MIDDLE.saturating_sub(70_000), RIGHT, self.y.saturating_sub(4_000), 800);
        self.down(12_000);
        let total = format!("{} {}", self.amount(self.summary.gross_minor), self.invoice.currency.code());
        self.canvas.text(
            MIDDLE.saturating_sub(70_000),
            self.y,
            TOTAL,
            Ink::Black,
            &win_ansi(self.labels.total),
        );
        self.canvas.text_right(RIGHT.saturating_sub(6_000), self.y, TOTAL, Ink::Black, &win_ansi(&total));
        self.down(26_000);
    }

    fn payment(&mut self) {
        match &self.invoice.payment {
            Payment::Card { paid, processor_reference } => {
                self.need(34_000);
                let headline =
                    format!("{} {}. {}", self.labels.paid_by_card, day(*paid), self.labels.nothing_left);
                self.write(LEFT, STRONG, Ink::Black, &STRONG.truncate(&headline, RIGHT.saturating_sub(LEFT)));
                let reference = SMALL.truncate(
                    &format!("{}: {processor_reference}", self.labels.card_reference),
                    RIGHT.saturating_sub(LEFT),
                );
                self.write(LEFT, SMALL, Ink::Grey, &reference);
            }
            Payment::Transfer { iban, due } => self.bill(iban, *due),
        }
        self.down(10_000);
    }

    /// What a person or a bank's app needs to pay.
    fn bill(&mut self, iban: &str, due: jiff::civil::Date) {
        self.need(150_000);
        let total = format!("{} {}", self.amount(self.summary.gross_minor), self.invoice.currency.code());
        let facts = [
            (self.labels.to_pay, total),
            (self.labels.due, day(due)),
            (self.labels.account, iban.to_owned()),
            (self.labels.reference, self.invoice.reference.grouped()),
        ];
        self.facts(LEFT, &facts, RIGHT);
        // A bill that has no barcode (another country's account, a huge amount) is still a bill.
        let Ok(code) = virtual_barcode(iban, self.summary.gross_minor, &self.invoice.reference, Some(due))
        else {
            return;
        };
        self.facts(LEFT, &[(self.labels.barcode, code.clone())], RIGHT);
        let Ok(bars) = code_128_c(&code) else { return };
        // 332 modules of 1.2 points: 40 mm too wide for a stamp, right for a till.
        self.canvas.bars(LEFT, self.y, 36_000, 1_200, &bars);
        self.down(50_000);
    }

    fn household(&mut self) {
        let labour = self.invoice.labour_minor();
        if self.invoice.household == Household::No || labour == 0 {
            return;
        }
        let (labels, language) = (self.labels, self.language);
        let mut facts = vec![(labels.credit_labour.to_owned(), labour)];
        let note = if let Some(rules) = self.invoice.household_rules() {
            let share = format!("{} % {}", language.percent(rules.share), labels.credit_share);
            facts.push((share, rules.share_minor(labour)));
            facts.push((labels.credit_own.to_owned(), rules.own_share_minor.saturating_neg()));
            facts.push((labels.credit_estimate.to_owned(), rules.credit(labour).minor()));
            labels.credit_note
        } else {
            labels.credit_review
        };
        let inner = RIGHT.saturating_sub(LEFT).saturating_sub(20_000);
        let note = SMALL.wrap(note, inner);
        let lines =
            |count: usize, style: Style| style.leading().saturating_mul(Milli::try_from(count).unwrap_or(8));
        let height = lines(facts.len(), BODY).saturating_add(lines(note.len(), SMALL)).saturating_add(40_000);
        self.need(height);
        self.canvas.fill(
            Ink::Panel,
            LEFT,
            self.y.saturating_sub(6_000),
            RIGHT.saturating_sub(LEFT),
            height.saturating_sub(8_000),
        );
        self.down(9_000);
        let x = LEFT.saturating_add(10_000);
        self.write(x, STRONG, Ink::Black, &win_ansi(labels.credit));
        let last = facts.len().saturating_sub(1);
        for (at, (label, minor)) in facts.into_iter().enumerate() {
            let style = if at == last && at > 0 { STRONG } else { BODY };
            let amount = format!("{} {}", self.amount(minor), self.invoice.currency.code());
            self.canvas.text_right(
                RIGHT.saturating_sub(10_000),
                self.y,
                style,
                Ink::Black,
                &win_ansi(&amount),
            );
            self.write(x, style, Ink::Black, &style.truncate(&label, inner.saturating_sub(100_000)));
        }
        self.down(2_000);
        for line in note {
            self.write(x, SMALL, Ink::Grey, &line);
        }
    }

    fn feet(&mut self) {
        let pages = self.canvas.page_count();
        let seller = format!(
            "{}, {} {}",
            self.invoice.seller.name, self.labels.business_id, self.invoice.seller.business_id
        );
        let issuer = &self.invoice.issuer;
        let issued = format!("{} {}, {}", self.labels.issued_by, issuer.name, issuer.contact);
        let y = HEIGHT.saturating_sub(44_000);
        for page in 0..pages {
            let count = format!("{} {} / {pages}", self.labels.page, page.saturating_add(1));
            let count = win_ansi(&count);
            let right = RIGHT.saturating_sub(SMALL.width(&count));
            self.canvas.text_on(page, (right, y), SMALL, Ink::Grey, &count);
            let width = right.saturating_sub(LEFT).saturating_sub(GAP);
            self.canvas.text_on(page, (LEFT, y), SMALL, Ink::Grey, &SMALL.truncate(&seller, width));
            let below = y.saturating_add(SMALL.leading());
            self.canvas.text_on(page, (LEFT, below), SMALL, Ink::Grey, &SMALL.truncate(&issued, width));
        }
    }

    /// Makes room for `height`, on a further page if need be; true if it did.
    fn need(&mut self, height: Milli) -> bool {
        if self.y.saturating_add(height) <= BOTTOM {
            return false;
        }
        self.canvas.add_page();
        self.y = 58_000;
        let head = format!("{} {} ({})", self.labels.invoice, self.invoice.number, self.labels.continued);
        self.canvas.text(LEFT, self.y, SMALL, Ink::Grey, &SMALL.truncate(&head, RIGHT.saturating_sub(LEFT)));
        self.down(26_000);
        true
    }

    /// Writes a line and goes to the next.
    fn write(&mut self, x: Milli, style: Style, ink: Ink, bytes: &[u8]) {
        self.canvas.text(x, self.y, style, ink, bytes);
        self.down(style.leading());
    }

    fn down(&mut self, by: Milli) {
        self.y = self.y.saturating_add(by);
    }

    fn amount(&self, minor: i64) -> String {
        self.language.amount(Money { minor, currency: self.invoice.currency })
    }
}

fn place(address: &Address) -> String {
    format!("{} {}", address.postal_code, address.city)
}
