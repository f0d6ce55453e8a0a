//! The process environment: strings by name, written once, readable by every service.
//!
//! The config file fills it, `skynet.setenv` adds to it, `skynet.getenv` and the C interface read
//! it. Names and values are bytes without NUL, because Lua strings are bytes and C reads them.
//!
//! # Invariants
//!
//! 1. A name that has a value keeps exactly that value as long as the environment lives; so the
//!    pointer of a value that was handed to C stays valid as long.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::Arc;

use crate::sync::{RwLock, Selected, class};

/// The strings that services share; see the module's text.
#[derive(Debug, Default)]
pub struct Environment {
    values: RwLock<Selected, class::Environment, HashMap<Vec<u8>, Arc<CStr>>>,
}

/// A name has a value already, and keeps it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Can't setenv exist key : {key}")]
pub struct AlreadySet {
    /// The name in question.
    pub key: String,
}

impl Environment {
    /// Makes an empty environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Arc<CStr>> {
        self.values.read().get(key.as_ref()).cloned()
    }

    /// Gives `key` a value, which ends at its first NUL byte.
    ///
    /// # Errors
    ///
    /// [`AlreadySet`] when `key` has a value, even the same one.
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), AlreadySet> {
        let key = key.as_ref();
        let mut values = self.values.write();
        if values.contains_key(key) {
            return Err(AlreadySet { key: String::from_utf8_lossy(key).into_owned() });
        }
        values.insert(key.to_vec(), terminated(value.as_ref()).into());
        Ok(())
    }
}

fn terminated(value: &[u8]) -> CString {
    let text = value.split(|&byte| byte == 0).next().unwrap_or_default();
    CString::new(text).expect("it was cut at the first NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_once() {
        let environment = Environment::new();
        assert_eq!(environment.get("key"), None);
        assert_eq!(environment.set("key", "a value"), Ok(()));
        let refused = environment.set("key", "a value").unwrap_err();
        assert_eq!(refused.to_string(), "Can't setenv exist key : key");
        assert_eq!(environment.get("key").as_deref(), Some(c"a value"));
    }

    #[test]
    fn values_may_be_empty_or_not_text_and_end_at_nul() {
        let environment = Environment::new();
        environment.set("empty", "").unwrap();
        environment.set(b"\xff", b"\xfe\0rest").unwrap();
        assert_eq!(environment.get("empty").as_deref(), Some(c""));
        assert_eq!(environment.get(b"\xff").as_deref(), Some(c"\xfe"));
    }

    #[test]
    fn a_pointer_handed_out_stays_where_it_is() {
        let environment = Environment::new();
        environment.set("first", "1").unwrap();
        let before = environment.get("first").unwrap().as_ptr();
        for index in 0..1000 {
            environment.set(format!("other {index}"), "x").unwrap();
        }
        assert_eq!(environment.get("first").unwrap().as_ptr(), before);
    }
}
