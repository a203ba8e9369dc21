//! What a compiled filter asks of its host and offers to it.
//!
//! A module that imports one function its host does not have, or has with another signature, does not
//! load at all. So the build checks every import against what both gateways provide. Only the sections
//! for types, imports and exports are read (WebAssembly core specification 2.0, 5.5.4, 5.5.5, 5.5.10).

mod permitted;

use thiserror::Error;

/// The export by which a host recognises the ABI.
const ABI_MARKER: &str = "proxy_abi_version_0_2_1";

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// `env` or `wasi_snapshot_preview1`.
    pub module: String,
    /// The function's name.
    pub name: String,
    /// One letter per parameter, a colon, the result: `i` for i32, `l` for i64, `?` for anything else.
    /// Empty for what is no function.
    pub signature: String,
}

impl Import {
    /// Whether both gateways provide it.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        permitted::contains(&self.module, &self.name, &self.signature)
    }
}

/// Imports and exported names of one module.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// In the module's order.
    pub imports: Vec<Import>,
    /// In the module's order.
    pub exports: Vec<String>,
}

/// The bytes are no WebAssembly module of version 1, or are cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a whole WebAssembly module")]
pub struct NotAModule;

impl Module {
    /// Reads a module's imports and exports.
    ///
    /// # Errors
    /// [`NotAModule`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAModule> {
        let mut reader = Reader(bytes.strip_prefix(b"\0asm\x01\0\0\0").ok_or(NotAModule)?);
        let mut module = Self::default();
        let mut signatures = Vec::new();
        while !reader.0.is_empty() {
            let id = reader.byte()?;
            let length = reader.number()?;
            let mut section = Reader(reader.take(length)?);
            match id {
                1 => signatures = section.list(Reader::signature)?,
                2 => module.imports = section.list(|reader| reader.import(&signatures))?,
                7 => module.exports = section.list(Reader::export)?,
                _ => {}
            }
        }
        Ok(module)
    }

    /// Everything that keeps the module from loading in either gateway, in words.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self
            .imports
            .iter()
            .filter(|import| !import.is_permitted())
            .map(|import| format!("imports {}::{} ({})", import.module, import.name, import.signature))
            .collect();
        if !self.exports.iter().any(|name| name == ABI_MARKER) {
            faults.push(format!("does not export {ABI_MARKER}"));
        }
        faults
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, NotAModule> {
        let (first, rest) = self.0.split_first().ok_or(NotAModule)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], NotAModule> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NotAModule)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Unsigned LEB128 of at most 32 bits.
    fn number(&mut self) -> Result<usize, NotAModule> {
        let mut value = 0_u64;
        for shift in [0_u32, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(NotAModule)?;
            if byte & 0x80 == 0 {
                let value = u32::try_from(value).map_err(|_| NotAModule)?;
                return usize::try_from(value).map_err(|_| NotAModule);
            }
        }
        Err(NotAModule)
    }

    /// A count and that many entries. Nothing is reserved for a count that may be a lie.
    fn list<T>(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Result<T, NotAModule>,
    ) -> Result<Vec<T>, NotAModule> {
        (0..self.number()?).map(|_| entry(self)).collect()
    }

    fn name(&mut self) -> Result<String, NotAModule> {
        let length = self.number()?;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| NotAModule)
    }

    fn signature(&mut self) -> Result<String, NotAModule> {
        if self.byte()? != 0x60 {
            return Err(NotAModule);
        }
        let parameters = self.list(Self::letter)?;
        let results = self.list(Self::letter)?;
        Ok(parameters.into_iter().chain([':']).chain(results).collect())
    }

    fn letter(&mut self) -> Result<char, NotAModule> {
        Ok(match self.byte()? {
            0x7f => 'i',
            0x7e => 'l',
            _ => '?',
        })
    }

    fn import(&mut self, signatures: &[String]) -> Result<Import, NotAModule> {
        let (module, name) = (self.name()?, self.name()?);
        let mut signature = String::new();
        match self.byte()? {
            0x00 => signature.clone_from(signatures.get(self.number()?).ok_or(NotAModule)?),
            0x01 => {
                self.byte()?;
                self.limits()?;
            }
            0x02 => self.limits()?,
            0x03 => _ = self.take(2)?,
            _ => return Err(NotAModule),
        }
        Ok(Import { module, name, signature })
    }

    fn limits(&mut self) -> Result<(), NotAModule> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 == 1 {
            self.number()?;
        }
        Ok(())
    }

    fn export(&mut self) -> Result<String, NotAModule> {
        let name = self.name()?;
        self.byte()?;
        self.number()?;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Import, Module, NotAModule};
    use proptest::prelude::*;

    fn name(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
    }

    fn section(id: u8, entries: &[Vec<u8>]) -> Vec<u8> {
        let body = [vec![u8::try_from(entries.len()).unwrap()], entries.concat()].concat();
        let length =
            [0x80 | u8::try_from(body.len() % 128).unwrap(), u8::try_from(body.len() / 128).unwrap()];
        [vec![id], length.to_vec(), body].concat()
    }

    /// A module whose types are `iii:i` (0) and `i:` (1).
    fn module(imports: &[(&str, &str, u8)], exports: &[&str]) -> Vec<u8> {
        let types = [vec![0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f], vec![0x60, 1, 0x7f, 0]];
        let imports: Vec<_> = imports
            .iter()
            .map(|(module, field, kind)| [name(module), name(field), vec![0, *kind]].concat())
            .collect();
        let exports: Vec<_> = exports.iter().map(|export| [name(export), vec![0, 0]].concat()).collect();
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(0, &[name("custom")]),
            section(1, &types),
            section(2, &imports),
            section(7, &exports),
        ]
        .concat()
    }

    #[test]
    fn a_filter_that_asks_for_what_both_hosts_have_is_without_fault() {
        let bytes = module(
            &[("env", "proxy_log", 0), ("wasi_snapshot_preview1", "proc_exit", 1)],
            &["memory", "proxy_abi_version_0_2_1"],
        );
        let parsed = Module::parse(&bytes).unwrap();
        let log = Import { module: "env".into(), name: "proxy_log".into(), signature: "iii:i".into() };
        assert_eq!(parsed.imports[0], log);
        assert_eq!(parsed.exports, ["memory", "proxy_abi_version_0_2_1"]);
        assert_eq!(parsed.faults(), Vec::<String>::new());
    }

    #[test]
    fn each_import_that_would_not_load_and_a_missing_abi_are_named() {
        let bytes = module(
            &[
                ("env", "proxy_get_log_level", 1),
                ("env", "proxy_log", 1),
                ("wasi_snapshot_preview1", "path_open", 0),
                ("__wbindgen_placeholder__", "proxy_log", 0),
                ("wasi_snapshot_preview1", "proxy_log", 0),
                ("env", "proxy_log", 0),
            ],
            &["proxy_abi_version_0_2_0"],
        );
        assert_eq!(
            Module::parse(&bytes).unwrap().faults(),
            [
                "imports env::proxy_get_log_level (i:)",
                "imports env::proxy_log (i:)",
                "imports wasi_snapshot_preview1::path_open (iii:i)",
                "imports __wbindgen_placeholder__::proxy_log (iii:i)",
                "imports wasi_snapshot_preview1::proxy_log (iii:i)",
                "does not export proxy_abi_version_0_2_1",
            ]
        );
    }

    #[test]
    fn imports_of_tables_memories_and_globals_are_faults_and_read_past() {
        let types = section(1, &[vec![0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f]]);
        let imports = [
            [name("env"), name("t"), vec![1, 0x70, 0, 0]].concat(),
            [name("env"), name("m"), vec![2, 1, 0, 1]].concat(),
            [name("env"), name("g"), vec![3, 0x7f, 0]].concat(),
            [name("env"), name("proxy_log"), vec![0, 0]].concat(),
        ];
        let bytes = [b"\0asm\x01\0\0\0".to_vec(), types, section(2, &imports)].concat();
        let parsed = Module::parse(&bytes).unwrap();
        let permitted: Vec<_> = parsed.imports.iter().map(|i| (i.name.as_str(), i.is_permitted())).collect();
        assert_eq!(permitted, [("t", false), ("m", false), ("g", false), ("proxy_log", true)]);
    }

    #[test]
    fn a_module_cut_short_is_refused() {
        let bytes = module(&[("env", "proxy_log", 0)], &["memory"]);
        for length in 0..bytes.len() {
            let cut = Module::parse(&bytes[..length]);
            // Between two sections a shorter module is a whole one.
            assert!(cut == Err(NotAModule) || cut.is_ok_and(|cut| cut.exports.is_empty()), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, id in 0_u8..8, count: u8) {
            let _ = Module::parse(&[b"\0asm\x01\0\0\0", bytes.as_slice()].concat());
            let lies = [&[id, u8::try_from(bytes.len() % 127).unwrap(), count], bytes.as_slice()].concat();
            let _ = Module::parse(&[b"\0asm\x01\0\0\0", lies.as_slice()].concat());
        }
    }
}
