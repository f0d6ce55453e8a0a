//! Services in C: shared objects found along `cpath`, written against skynet's C API, run
//! unchanged. Spec: runtime section 8.
//!
//! | file | what |
//! |---|---|
//! | `library.rs` | finds and opens a shared object, and its four functions |
//! | `service.rs` | one such service as the scheduler sees it |
//! | `exports.rs` | the functions that C code calls |
//! | `sockets.rs` | those of sockets |
//! | `symbols.rs` | their names, exported by the executable |
//!
//! *Rules of this folder* (the safety arguments refer to them by number):
//!
//! 1. What a shared object exports under the names of skynet's API has the types of that API.
//!    Nothing can check it; whoever puts a file into `cpath` vouches for it.
//! 2. `struct skynet_context *` is a pointer to a `service::Host`, which lives from before
//!    `xxx_create` until after `xxx_release`. C code uses it in that time only.
//! 3. Callback, result and debts of a host are touched by the thread that runs the service, or
//!    that starts or drops it; only `xxx_signal` runs beside it, and the API says what it may call.
//! 4. Blocks that cross the boundary belong to the C heap, which both sides share.
//! 5. A panic does not enter C code: in an `extern "C"` function it ends the process.

mod exports;
mod library;
mod service;
mod sockets;
mod symbols;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::node::{Context, Factory, Modules, StartError};
use library::Library;

/// The shared objects that have been opened, by the full name of the module.
struct Libraries {
    cpath: String,
    open: Mutex<HashMap<String, Arc<Library>>>,
}

impl Libraries {
    /// Returns a module, opened the first time it is wanted. It stays open.
    fn get(&self, name: &str) -> Result<Arc<Library>, StartError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = open.get(name) {
            return Ok(Arc::clone(library));
        }
        let library =
            Library::find(name, &self.cpath).map_err(|why| StartError(why.to_string()))?;
        let library = Arc::new(library);
        open.insert(name.to_owned(), Arc::clone(&library));
        Ok(library)
    }
}

/// Lets a node launch the C services along `cpath`, when it has no service of its own by a name.
pub fn install(modules: &mut Modules, cpath: &str) {
    symbols::keep();
    let libraries = Libraries { cpath: cpath.to_owned(), open: Mutex::default() };
    modules.search(move |name| {
        let library = libraries.get(name)?;
        let start = move |context: &Context, args: Option<&[u8]>| -> Result<_, _> {
            service::start(&library, context, args)
        };
        Ok(Arc::new(start) as Factory)
    });
}
