//! Invoices as files: written once when they are first asked for, whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use jobzy_ids::InvoiceId;
use sha2::{Digest, Sha256};

/// A folder.
#[derive(Clone, Debug)]
pub struct Files {
    invoices: PathBuf,
}

impl Files {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn open(folder: &Path) -> io::Result<Self> {
        let invoices = folder.join("invoices");
        tokio::fs::create_dir_all(&invoices).await?;
        Ok(Self { invoices })
    }

    /// The file of an invoice, if it is there and has this SHA-256: a file that somebody changed is none.
    pub async fn read(&self, id: InvoiceId, hash: [u8; 32]) -> Option<Vec<u8>> {
        let bytes = tokio::fs::read(self.path(id)).await.ok()?;
        let whole = sha256(&bytes) == hash;
        if !whole {
            tracing::error!(invoice.id = %id, "the file of an invoice is not the one that was issued");
        }
        whole.then_some(bytes)
    }

    /// Writes the file of an invoice; readers see the old one or the new one. `unique` keeps two writers apart.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn write(&self, id: InvoiceId, bytes: &[u8], unique: [u8; 8]) -> io::Result<()> {
        let draft = self.invoices.join(format!("{id}.{}.tmp", hex::encode(unique)));
        tokio::fs::write(&draft, bytes).await?;
        tokio::fs::rename(&draft, self.path(id)).await
    }

    fn path(&self, id: InvoiceId) -> PathBuf {
        self.invoices.join(format!("{id}.pdf"))
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::{Files, sha256};
    use jobzy_ids::InvoiceId;

    #[tokio::test]
    async fn a_file_that_was_changed_is_not_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).await.unwrap();
        let id = InvoiceId::new(1, [1; 10]);
        assert_eq!(files.read(id, sha256(b"page")).await, None);
        files.write(id, b"page", [1; 8]).await.unwrap();
        assert_eq!(files.read(id, sha256(b"page")).await.as_deref(), Some(b"page".as_slice()));
        files.write(id, b"pagf", [2; 8]).await.unwrap();
        assert_eq!(files.read(id, sha256(b"page")).await, None);
        assert_eq!(std::fs::read_dir(folder.path().join("invoices")).unwrap().count(), 1);
    }
}
