//! Starting a node and waiting for its end. Spec: runtime sections 2.1, 2.2 and 2.4.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::Node;
use crate::config::{Config, SocketConfig};
use crate::message::Address;
use crate::net;
use crate::sched::Settings;
use crate::service::Recorder;
use crate::{affinity, sched::Scheduler};

/// Opens the message log of a service: node, commanding service, service, directory.
type OpenMessageLog = fn(&Arc<Node>, Address, Address, &Path) -> Option<Box<dyn Recorder>>;

/// What a node needs to know to start; everything else is in its environment.
#[derive(Clone)]
pub struct NodeSettings {
    /// Number of worker threads.
    pub threads: NonZeroUsize,
    /// This node's id, the top byte of every address; 0 for a node of its own.
    pub harbor: u8,
    /// Whether CPU time is counted for each service.
    pub profile: bool,
    /// From which age on a call without an answer is reported, in seconds; 0 for never.
    pub call_warning: u32,
    /// For how long a message may run before it is interrupted, in seconds; 0 for ever.
    pub message_limit: u32,
    /// The cores to pin workers to, in turn; empty for no pinning.
    pub cores: Vec<usize>,
    /// The kind of the log service, and its argument.
    pub log_service: (String, Option<String>),
    /// The first service: its kind, a blank, its argument.
    pub bootstrap: String,
    /// How sockets behave.
    pub net: net::Settings,
    /// How per-service message logs are opened, if the node has them.
    pub message_log: Option<OpenMessageLog>,
}

impl NodeSettings {
    /// Takes what a config says. Message logs are set by whoever has a recorder for them.
    pub fn of(config: &Config) -> Self {
        Self {
            threads: NonZeroUsize::new(config.threads).unwrap_or(NonZeroUsize::MIN),
            harbor: config.harbor,
            profile: config.profile,
            call_warning: config.call_warning,
            message_limit: config.message_limit,
            cores: config.affinity.cores(affinity::cores()),
            log_service: (config.logservice.clone(), config.logger.clone()),
            bootstrap: config.bootstrap.clone(),
            net: net_settings(&config.sockets),
            message_log: None,
        }
    }

    pub(super) fn scheduler(&self) -> Settings {
        Settings {
            harbor: self.harbor,
            workers: self.threads.get(),
            profile: self.profile,
            message_limit: Duration::from_secs(self.message_limit.into()),
        }
    }
}

impl Default for NodeSettings {
    /// One worker for each core, no id, profiling on, log to standard output.
    fn default() -> Self {
        Self {
            threads: NonZeroUsize::new(affinity::cores()).unwrap_or(NonZeroUsize::MIN),
            harbor: 0,
            profile: true,
            call_warning: 0,
            message_limit: 0,
            cores: Vec::new(),
            log_service: ("logger".to_owned(), None),
            bootstrap: "snlua bootstrap".to_owned(),
            net: net::Settings::default(),
            message_log: None,
        }
    }
}

/// Takes what a config says about sockets.
fn net_settings(config: &SocketConfig) -> net::Settings {
    net::Settings {
        nodelay: config.nodelay,
        backlog: config.backlog,
        unsent_bytes_max: config.unsent_bytes_max,
        grace: (config.grace_seconds > 0).then(|| Duration::from_secs(config.grace_seconds)),
        spin: Duration::from_micros(config.spin_microseconds),
    }
}

/// Why a node could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The log service did not start.
    #[error("Can't launch {0} service")]
    Logger(String),
    /// The first service did not start; the log says why.
    #[error("Bootstrap error : {0}")]
    Bootstrap(String),
    /// The system gave no thread.
    #[error("Create thread failed: {0}")]
    Thread(#[from] std::io::Error),
}

impl Node {
    /// Starts the log service and the first service, runs the node on threads of its own, and
    /// returns the exit status when its last service has ended.
    ///
    /// # Errors
    /// When one of the two services or a thread cannot be started.
    ///
    /// # Blocking
    /// Until the node has ended.
    pub fn run(self: &Arc<Self>) -> Result<u8, RunError> {
        self.prepare().map_err(|error| self.give_up(error))?;
        self.run_threads()
    }

    /// Runs the node on threads of its own until its end.
    pub(super) fn run_threads(self: &Arc<Self>) -> Result<u8, RunError> {
        let status = std::thread::scope(|scope| {
            let threads = self.spawn_threads(scope);
            let status = self.ended.wait();
            self.stop_threads();
            threads.map(|_| status)
        });
        self.scheduler.clear();
        status
    }

    /// Starts the log service and the first service; they run when there are workers.
    pub(super) fn prepare(self: &Arc<Self>) -> Result<(), RunError> {
        let (kind, argument) = &self.settings.log_service;
        let logger = self
            .launch(kind, argument.as_deref().map(str::as_bytes))
            .ok_or_else(|| RunError::Logger(kind.clone()))?;
        // The registry is empty of names, so this one is free.
        let _ = self.scheduler.registry.name(b"logger", logger);
        let line = self.settings.bootstrap.trim_start();
        let (kind, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        // Known before it runs: its failure ends the node.
        let first = self.launch(kind, Some(argument.trim_start().as_bytes()));
        let first = first.ok_or_else(|| self.bootstrap_failed())?;
        self.bootstrap.store(first.bits(), Ordering::Relaxed);
        Ok(())
    }

    fn bootstrap_failed(&self) -> RunError {
        let error = RunError::Bootstrap(self.settings.bootstrap.clone());
        self.log(Address::NOBODY, format!("{error}\n").as_bytes());
        error
    }

    /// Ends a node that could not start: runs it just long enough for the log service to write
    /// what waits for it, and returns the error.
    pub(super) fn give_up(self: &Arc<Self>, error: RunError) -> RunError {
        self.abort(1);
        if self.scheduler.unfinished() > 0 {
            // That its threads do not start either is no news.
            let _ = self.run_threads();
        }
        self.scheduler.clear();
        error
    }

    fn stop_threads(&self) {
        self.timer.stop();
        self.net.stop();
        self.scheduler.stop();
    }

    /// Starts the watcher, the timer and the workers.
    fn spawn_threads<'scope>(
        self: &'scope Arc<Self>,
        scope: &'scope Scope<'scope, '_>,
    ) -> Result<(), RunError> {
        let spawned = self.try_spawn(scope);
        if spawned.is_err() {
            // Those that did start end again.
            self.abort(1);
        }
        spawned
    }

    fn try_spawn<'scope>(
        self: &'scope Arc<Self>,
        scope: &'scope Scope<'scope, '_>,
    ) -> Result<(), RunError> {
        let node: &'scope Node = self;
        spawn(scope, "watcher".to_owned(), || node.scheduler.run_watcher())?;
        spawn(scope, "timer".to_owned(), || node.timer.run(&*node.scheduler))?;
        for index in 0..self.settings.threads.get() {
            spawn(scope, format!("worker-{index}"), move || node.run_worker(index))?;
        }
        Ok(())
    }

    fn run_worker(&self, index: usize) {
        if let Some(core) = pick(&self.settings.cores, index)
            && let Err(error) = affinity::pin_current(core)
        {
            let line = format!("error: worker {index} is not pinned: {error}");
            self.log(Address::NOBODY, line.as_bytes());
        }
        Scheduler::run_worker(&self.scheduler, index, Some(&self.net));
    }
}

fn pick(cores: &[usize], worker: usize) -> Option<usize> {
    cores.get(worker % cores.len().max(1)).copied()
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: String,
    run: impl FnOnce() + Send + 'scope,
) -> std::io::Result<ScopedJoinHandle<'scope, ()>> {
    Builder::new().name(name).spawn_scoped(scope, || abort_on_panic(run))
}

/// Runs a thread of the runtime. There is no half-alive runtime: a panic in it ends the process.
fn abort_on_panic(run: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
        std::process::abort();
    }
}
