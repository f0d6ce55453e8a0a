//! Launching services by the name of their kind. Spec: runtime section 8.2.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Context, Node};
use crate::message::Address;
use crate::sched::panic_text;
use crate::service::{RegistryFull, Service, ServiceCell};
use crate::sync::Selected;

/// Why a service could not start; the text goes to the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Starts a service of one kind, with the argument text behind its name.
pub type Factory =
    Arc<dyn Fn(&Context, Option<&[u8]>) -> Result<Box<dyn Service>, StartError> + Send + Sync>;

type Search = Box<dyn Fn(&str) -> Result<Factory, StartError> + Send + Sync>;

/// The kinds of native services that a node can launch.
#[derive(Default)]
pub struct Modules {
    factories: HashMap<String, Factory>,
    search: Option<Search>,
}

impl Modules {
    /// Makes an empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a kind of service under a name; a later registration replaces an earlier one.
    ///
    /// `start` is called once for each service, on the thread that launches it, with the
    /// argument text behind the name. The service can be addressed while `start` runs; messages
    /// wait until it has returned.
    pub fn register<F>(&mut self, name: &str, start: F)
    where
        F: Fn(&Context, Option<&[u8]>) -> Result<Box<dyn Service>, StartError>
            + Send
            + Sync
            + 'static,
    {
        self.factories.insert(name.to_owned(), Arc::new(start));
    }

    /// Sets where kinds of services are looked for that nobody has registered.
    pub fn search<F>(&mut self, find: F)
    where
        F: Fn(&str) -> Result<Factory, StartError> + Send + Sync + 'static,
    {
        self.search = Some(Box::new(find));
    }

    fn find(&self, module: &str) -> Result<Factory, Vec<String>> {
        if let Some(factory) = self.factories.get(module) {
            return Ok(Arc::clone(factory));
        }
        let unknown = format!("error: no native service {module:?}");
        match &self.search {
            None => Err(vec![unknown]),
            Some(search) => search(module).map_err(|why| vec![unknown, format!("error: {why}")]),
        }
    }
}

/// Why a node takes no new service.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Full(#[from] RegistryFull),
    #[error("the node ends")]
    Ending,
}

impl Node {
    /// Gives a new service its address, unless the node ends.
    pub(super) fn admit(&self) -> Result<Arc<ServiceCell<Selected>>, Refused> {
        let cell = self.scheduler.register()?;
        // In this order: whoever ends the node says so before it retires what is registered.
        if self.ended.is_ending() {
            self.scheduler.abandon(&cell);
            return Err(Refused::Ending);
        }
        Ok(cell)
    }

    /// Launches a native service: the address it got, or `None` when there is no such kind or it
    /// failed to start (the log says why).
    ///
    /// # Blocking
    /// Runs the service's start function on the calling thread.
    pub fn launch(self: &Arc<Self>, module: &str, args: Option<&[u8]>) -> Option<Address> {
        let factory = match self.modules.find(module) {
            Ok(factory) => factory,
            Err(lines) => {
                for line in lines {
                    self.log(Address::NOBODY, line.as_bytes());
                }
                return None;
            }
        };
        let cell = match self.admit() {
            Ok(cell) => cell,
            Err(refused) => {
                self.log(Address::NOBODY, format!("error: launch {module}: {refused}").as_bytes());
                return None;
            }
        };
        let address = cell.address();
        let context = Context::new(Arc::clone(self), Arc::clone(&cell));
        // A panic must not leave a service behind that has an address and never runs.
        let started = catch_unwind(AssertUnwindSafe(|| factory(&context, args)))
            .unwrap_or_else(|panic| Err(StartError(format!("panic: {}", panic_text(&*panic)))));
        match started {
            Ok(service) => {
                self.log(address, &launch_line(module, args));
                self.scheduler.start(&cell, service);
                Some(address)
            }
            Err(error) => {
                self.log(address, format!("error: launch {module} FAILED").as_bytes());
                self.log(address, format!("error: {error}").as_bytes());
                self.scheduler.abandon(&cell);
                None
            }
        }
    }
}

fn launch_line(module: &str, args: Option<&[u8]>) -> Vec<u8> {
    [b"LAUNCH ", module.as_bytes(), b" ", args.unwrap_or_default()].concat()
}
