//! The node: owns the scheduler, the timer and the environment, and knows how to launch services,
//! carry out commands, log, and end in order.
//!
//! There are no globals: a [`Node`] is made once and shared as `Arc`; several nodes can live in
//! one process. From here on upwards only the selected lock strategy is named.

mod caller;
mod command;
mod context;
pub mod daemon;
mod launch;
mod locks;
mod log;
mod net;
mod outbound;
mod reports;
mod run;
mod running;
mod send;
mod shutdown;
mod signals;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

pub use caller::{CallError, Caller};
pub use context::Context;
pub use launch::{Factory, Modules, StartError};
pub use outbound::{Destination, Outbound};
pub use run::{NodeSettings, RunError};
pub use running::Running;
pub use send::SendError;
pub use shutdown::Ended;

use crate::config::Environment;
use crate::message::Address;
use crate::net::Net;
use crate::sched::Scheduler;
use crate::service::NameTaken;
use crate::timer::{Centis, Clock, Timer};

/// A running runtime: services, threads, settings.
pub struct Node {
    scheduler: Arc<Scheduler>,
    net: Net,
    timer: Timer,
    environment: Environment,
    modules: Modules,
    settings: NodeSettings,
    logger: AtomicU32,
    monitor: AtomicU32,
    bootstrap: AtomicU32,
    outbound: OnceLock<Box<dyn Outbound>>,
    ended: Ended,
}

impl Node {
    /// Makes a node; nothing runs before [`Node::run`].
    pub fn new(settings: NodeSettings, environment: Environment, modules: Modules) -> Arc<Self> {
        Arc::new_cyclic(|node: &Weak<Node>| {
            let reports = Box::new(reports::NodeReports::new(Weak::clone(node)));
            let scheduler = Arc::new(Scheduler::new(settings.scheduler(), reports));
            let clock = Clock::start();
            let home = Box::new(net::NetHome::new(&scheduler, clock, node));
            Self {
                net: Net::new(settings.net, home),
                scheduler,
                timer: Timer::new(clock),
                environment,
                modules,
                settings,
                logger: AtomicU32::new(0),
                monitor: AtomicU32::new(0),
                bootstrap: AtomicU32::new(0),
                outbound: OnceLock::new(),
                ended: Ended::new(),
            }
        })
    }

    /// Returns the settings that applications read with `getenv`.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the clock of this node.
    pub fn clock(&self) -> &Clock {
        self.timer.clock()
    }

    /// Returns the timer of this node.
    pub fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Returns the scheduler of this node.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Returns the sockets of this node.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// Returns from which age on a call without an answer is reported; 0 for never.
    pub fn call_warning(&self) -> Centis {
        Centis::from(self.settings.call_warning) * 100
    }

    /// Returns this node's id, the top byte of its addresses.
    pub fn harbor(&self) -> u8 {
        self.scheduler.registry.harbor()
    }

    /// Tells whether an address belongs to another node. A node id of 0 counts as local.
    pub fn is_remote(&self, address: Address) -> bool {
        address.harbor() != 0 && address.harbor() != self.harbor()
    }

    /// Binds a local name to an address: services then find it as `.name`.
    ///
    /// # Errors
    /// When the name is bound already.
    pub fn name(&self, name: &str, address: Address) -> Result<(), NameTaken> {
        let name = name.strip_prefix('.').unwrap_or(name);
        self.scheduler.registry.name(name.as_bytes(), address)
    }

    /// Returns the service that a local name is bound to.
    pub fn resolve(&self, name: &str) -> Option<Address> {
        let name = name.strip_prefix('.').unwrap_or(name);
        self.scheduler.registry.resolve(name.as_bytes())
    }

    /// Returns the service that hears of every service that ends, if one is set.
    pub fn monitor(&self) -> Option<Address> {
        let address = Address::new(self.monitor.load(Ordering::Relaxed));
        (address != Address::NOBODY).then_some(address)
    }

    fn set_monitor(&self, address: Address) {
        self.monitor.store(address.bits(), Ordering::Relaxed);
    }

    /// Sets the service that hears of every service that ends.
    pub fn set_outbound(&self, outbound: Box<dyn Outbound>) {
        // The first harbor service counts, as there is one way out of a node.
        let _ = self.outbound.set(outbound);
    }
}
