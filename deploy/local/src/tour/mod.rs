//! The tour: one job from price quote to paid invoice, through the gateway alone, and what must fail.
//!
//! Each step is one line: what was done, the status, the time in milliseconds and the correlation id.
//! A step holds when its status and the facts looked for in its answer are as expected; the first
//! step on the way of the job that does not hold ends the tour, since the rest would follow from it.

mod guide;
mod job;
mod refusals;

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use guide::Guide;
pub use job::tomorrow;

/// Where a tour goes.
#[derive(Debug, Clone)]
pub struct TourConfig {
    /// The gateway, for example `http://127.0.0.1:8000`.
    pub gateway: String,
    /// The issuer, for example `http://127.0.0.1:8180/realms/jobzy`.
    pub issuer: String,
    /// Where the invoice is written.
    pub out_dir: PathBuf,
    /// Now: the job is booked for the next day in Finland.
    pub now: Timestamp,
}

/// What a tour found.
#[derive(Debug)]
pub struct Outcome {
    /// Steps that held.
    pub held: usize,
    /// Steps that did not, each with its reason.
    pub failed: Vec<String>,
    /// The invoice of the tour's job.
    pub invoice: Option<PathBuf>,
}

/// Walks the whole tour, printing to `out`.
///
/// # Errors
/// When the output cannot be written. A step that does not hold is not an error: see [`Outcome`].
pub async fn walk(config: TourConfig, out: &mut (dyn Write + Send)) -> std::io::Result<Outcome> {
    let out_dir = config.out_dir.clone();
    let mut guide = Guide::new(config, out);
    let invoice = match everything(&mut guide, &out_dir).await {
        Ok(invoice) => Some(invoice),
        Err(error) => {
            guide.abandon(&error)?;
            None
        }
    };
    let (held, failed) = guide.finish()?;
    Ok(Outcome { held, failed, invoice })
}

async fn everything(guide: &mut Guide<'_>, out_dir: &std::path::Path) -> anyhow::Result<PathBuf> {
    guide.log_in(&["customer", "customer2", "provider", "operator", "finance"]).await?;
    let job = job::walk(guide, out_dir).await?;
    refusals::walk(guide, &job).await?;
    Ok(job.invoice)
}
