//! Finds the shared object of a C service along `cpath`, and its functions. Called by the module
//! table of this folder. Spec: runtime section 8.1.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;

/// `void *xxx_create(void)`.
type Create = unsafe extern "C" fn() -> *mut c_void;
/// `int xxx_init(void *, struct skynet_context *, const char *)`.
type Init = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_char) -> c_int;
/// `void xxx_release(void *)`.
type Release = unsafe extern "C" fn(*mut c_void);
/// `void xxx_signal(void *, int)`.
type Signal = unsafe extern "C" fn(*mut c_void, c_int);

/// Why a module cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum LibraryError {
    /// No file of that name along the path.
    #[error("cpath: {tried}")]
    Missing { tried: String },
    /// An entry of the path without a place for the name.
    #[error("cpath: {entry:?} has no ? for the name of the service")]
    Entry { entry: String },
    /// The file does not load.
    #[error("cpath: {file}: {why}")]
    Load { file: String, why: String },
    /// The file has no `xxx_init`.
    #[error("cpath: {file} has no function {symbol}")]
    NoInit { file: String, symbol: String },
}

/// The functions of a C service. Its file stays open for ever: code of it may be anywhere.
pub(super) struct Library {
    pub(super) create: Option<Create>,
    pub(super) init: Init,
    pub(super) release: Option<Release>,
    pub(super) signal: Option<Signal>,
}

impl Library {
    /// Opens the first file along `cpath` that there is for a module.
    pub(super) fn find(name: &str, cpath: &str) -> Result<Self, LibraryError> {
        let mut tried = Vec::new();
        for entry in cpath.split(';').filter(|entry| !entry.is_empty()) {
            if !entry.contains('?') {
                return Err(LibraryError::Entry { entry: entry.to_owned() });
            }
            let file = entry.replacen('?', name, 1);
            if Path::new(&file).is_file() {
                return Self::open(&file, name);
            }
            tried.push(format!("no file {file}"));
        }
        Err(LibraryError::Missing { tried: tried.join(", ") })
    }

    fn open(file: &str, name: &str) -> Result<Self, LibraryError> {
        let load = |why: String| LibraryError::Load { file: file.to_owned(), why };
        let path = CString::new(file).map_err(|error| load(error.to_string()))?;
        // SAFETY: a C string; the code that runs at loading is rule 1's.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        if handle.is_null() {
            return Err(load(last_error()));
        }
        let prefix = name.rsplit('.').next().unwrap_or(name);
        let find = |function: &str| symbol(handle, &format!("{prefix}_{function}"));
        let init = find("init").ok_or_else(|| LibraryError::NoInit {
            file: file.to_owned(),
            symbol: format!("{prefix}_init"),
        })?;
        // SAFETY: rule 1: functions of these names have these types.
        unsafe {
            Ok(Self {
                create: find("create").map(|f| std::mem::transmute::<*mut c_void, Create>(f)),
                init: std::mem::transmute::<*mut c_void, Init>(init),
                release: find("release").map(|f| std::mem::transmute::<*mut c_void, Release>(f)),
                signal: find("signal").map(|f| std::mem::transmute::<*mut c_void, Signal>(f)),
            })
        }
    }
}

fn symbol(handle: *mut c_void, name: &str) -> Option<*mut c_void> {
    let name = CString::new(name).ok()?;
    // SAFETY: an open handle and a C string.
    let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

fn last_error() -> String {
    // SAFETY: dlerror gives null or a C string that lives until the next call on this thread.
    unsafe {
        let text = libc::dlerror();
        match text.is_null() {
            true => "it does not load".to_owned(),
            false => CStr::from_ptr(text).to_string_lossy().into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_is_wrong_with_it() {
        let entry = Library::find("x", "./cservice/x.so").err();
        assert_eq!(entry, Some(LibraryError::Entry { entry: "./cservice/x.so".into() }));
        let missing = Library::find("none", "./nowhere/?.so;").err();
        assert!(matches!(missing, Some(LibraryError::Missing { .. })), "{missing:?}");
    }
}
