//! Encryption of exports to the custodian's public key (TF-5), in the `age` format, version 1 (age-encryption.org/v1).
//!
//! Invariant: nothing is kept that could open the file. Its key is drawn at random for each download, wrapped to the recipients and
//! forgotten with the [`Seal`]. At most one chunk of 64 KiB of plain text and what it became are in memory.

use std::io::Write;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use age::stream::StreamWriter;
use age::x25519;

/// Why nothing could be encrypted. None of these hangs on the list's contents.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The header could not be made.
    #[error("age: {0}")]
    Header(String),
    /// The stream could not be written.
    #[error("age: {0}")]
    Stream(#[from] std::io::Error),
}

/// A public key `age1…` of the native kind (X25519).
#[derive(Clone, Debug)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    /// Reads a public key; `None` for any other text, an identity (`AGE-SECRET-KEY-…`) included.
    pub fn parse(text: &str) -> Option<Self> {
        x25519::Recipient::from_str(text).ok().map(Self)
    }
}

/// Ciphertext on its way out.
#[derive(Clone, Default)]
struct Outlet(Arc<Mutex<Vec<u8>>>);

impl Outlet {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file that is being encrypted.
pub struct Seal {
    writer: StreamWriter<Outlet>,
    outlet: Outlet,
}

impl Seal {
    /// Begins a file that each of `recipients` can open.
    ///
    /// # Errors
    /// When there is no recipient.
    pub fn new(recipients: &[Recipient]) -> Result<Self, SealError> {
        let keys = recipients
            .iter()
            .map(|recipient| &recipient.0 as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(keys)
            .map_err(|error| SealError::Header(error.to_string()))?;
        let outlet = Outlet::default();
        let writer = encryptor.wrap_output(outlet.clone())?;
        Ok(Self { writer, outlet })
    }

    /// Adds plain text, and gives the ciphertext that is ready.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn write(&mut self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.writer.write_all(plain)?;
        Ok(self.outlet.take())
    }

    /// Ends the file, and gives the rest of it. A file without its end is refused by whoever opens it.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn finish(self) -> Result<Vec<u8>, SealError> {
        self.writer.finish()?;
        Ok(self.outlet.take())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn opened(file: &[u8], identity: &x25519::Identity) -> Option<Vec<u8>> {
        let decryptor = age::Decryptor::new(file).ok()?;
        let mut reader = decryptor
            .decrypt(std::iter::once(identity as &dyn age::Identity))
            .ok()?;
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).ok().map(|_| plain)
    }

    /// Goal: each recipient opens the file, nobody else does, and a file that was cut or changed opens for nobody.
    #[test]
    fn only_the_recipients_open_it() {
        let identities: Vec<_> = (0..3).map(|_| x25519::Identity::generate()).collect();
        let recipients: Vec<_> = identities[..2]
            .iter()
            .map(|identity| Recipient::parse(&identity.to_public().to_string()).unwrap())
            .collect();
        let plain: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        let mut seal = Seal::new(&recipients).unwrap();
        let mut file = Vec::new();
        for piece in plain.chunks(1_000) {
            let ready = seal.write(piece).unwrap();
            assert!(ready.len() <= 2 * 65_552, "memory stays bounded");
            file.extend(ready);
        }
        file.extend(seal.finish().unwrap());
        assert!(!file.windows(16).any(|window| window == &plain[..16]));
        assert_eq!(opened(&file, &identities[0]).as_ref(), Some(&plain));
        assert_eq!(opened(&file, &identities[1]).as_ref(), Some(&plain));
        assert_eq!(opened(&file, &identities[2]), None);
        assert_eq!(opened(&file[..file.len() - 1], &identities[0]), None);
        assert_eq!(opened(&file[..70_000], &identities[0]), None);
        let middle = file.len() / 2;
        file[middle] ^= 1;
        assert_eq!(opened(&file, &identities[0]), None);
    }

    #[test]
    fn only_public_keys_are_recipients() {
        use age::secrecy::ExposeSecret as _;
        let identity = x25519::Identity::generate();
        assert!(Recipient::parse(&identity.to_public().to_string()).is_some());
        for text in [
            "",
            "age1",
            "ssh-ed25519 AAAA",
            identity.to_string().expose_secret(),
        ] {
            assert!(Recipient::parse(text).is_none());
        }
        assert!(matches!(Seal::new(&[]), Err(SealError::Header(_))));
    }
}
