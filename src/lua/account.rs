//! The allocator of a Lua state: counts bytes, keeps a limit, warns. Spec: runtime section 9.6.
//!
//! Lua calls [`allocate`] for every block. The memory comes from the C heap (jemalloc in the
//! default build), so C modules and Lua share one allocator.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::message::Address;
use crate::node::{Context, Node};

/// The first warning comes above this many bytes; each warning doubles it.
const FIRST_WARNING: usize = 32 << 20;

const MEBIBYTE: f64 = (1 << 20) as f64;

/// What one Lua state has allocated. Written only by whoever runs the state, read by signals too;
/// `Relaxed` throughout, as the numbers order nothing.
///
/// It knows the service by its address only: the service's cell holds the account (for signals),
/// so a way back would keep both alive for ever.
pub(super) struct Account {
    node: Arc<Node>,
    service: Address,
    used: AtomicUsize,
    limit: AtomicUsize,
    warning: AtomicUsize,
}

impl Account {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            node: Arc::clone(context.node()),
            service: context.address(),
            used: AtomicUsize::new(0),
            limit: AtomicUsize::new(usize::MAX),
            warning: AtomicUsize::new(FIRST_WARNING),
        }
    }

    /// Returns the bytes in use, as Lua asked for them.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Lets no allocation go beyond `bytes` from now on.
    pub(super) fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
        self.log(&format!("Set memory limit to {:.2} M", bytes as f64 / MEBIBYTE));
    }

    /// Books a change of a block's size; false when the limit forbids it.
    fn book(&self, old: usize, new: usize) -> bool {
        let used = self.used.load(Ordering::Relaxed) - old + new;
        if new > old && used > self.limit.load(Ordering::Relaxed) {
            return false;
        }
        self.used.store(used, Ordering::Relaxed);
        if used > self.warning.load(Ordering::Relaxed) {
            self.warn(used);
        }
        true
    }

    fn log(&self, line: &str) {
        self.node.log(self.service, line.as_bytes());
    }

    #[cold]
    fn warn(&self, used: usize) {
        self.warning.store(self.warning.load(Ordering::Relaxed) * 2, Ordering::Relaxed);
        self.log(&format!("Memory warning {:.2} M", used as f64 / MEBIBYTE));
    }
}

/// Lua's allocation function; `account` is the state's [`Account`].
///
/// # Safety
/// Called by Lua with the account that the state was made with, `old` being null or a block of
/// this function with `old_size` bytes.
pub(super) unsafe extern "C" fn allocate(
    account: *mut c_void,
    old: *mut c_void,
    old_size: usize,
    new_size: usize,
) -> *mut c_void {
    // SAFETY: the account outlives the state (both belong to the same `Vm`), and only the thread
    // that runs the state gets here.
    let account = unsafe { &*account.cast::<Account>() };
    // For a new block Lua passes the kind of object instead of a size.
    let booked = if old.is_null() { 0 } else { old_size };
    if new_size == 0 {
        account.book(booked, 0);
        // SAFETY: `old` is null or a block of realloc below that Lua gives up.
        unsafe { libc::free(old) };
        return std::ptr::null_mut();
    }
    if !account.book(booked, new_size) {
        return std::ptr::null_mut();
    }
    // SAFETY: `old` is null or a live block of this function. A new block comes from malloc, which
    // is the faster way to one.
    let new = unsafe {
        if old.is_null() { libc::malloc(new_size) } else { libc::realloc(old, new_size) }
    };
    if new.is_null() {
        account.book(new_size, booked);
    }
    new
}
