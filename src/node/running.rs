//! A node beside the rest of a Rust program: it runs on threads of its own, until it ends by
//! itself, is stopped, or its handle is dropped.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::{Node, RunError};

/// A node that runs. Dropping it stops the node and waits for its end.
pub struct Running {
    node: Arc<Node>,
    thread: Option<JoinHandle<Result<u8, RunError>>>,
}

impl Node {
    /// As [`Node::run`], but returns when the log service and the first service have started.
    ///
    /// # Errors
    /// When one of the two services or a thread cannot be started.
    pub fn start(self: &Arc<Self>) -> Result<Running, RunError> {
        self.prepare().map_err(|error| self.give_up(error))?;
        let node = Arc::clone(self);
        let thread = Builder::new()
            .name("node".to_owned())
            .spawn(move || node.run_threads())
            .map_err(|error| self.give_up(error.into()))?;
        Ok(Running { node: Arc::clone(self), thread: Some(thread) })
    }
}

impl Running {
    /// Returns the node.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Waits for the end of the node and returns its exit status.
    ///
    /// # Errors
    /// When a thread of the node could not be started.
    ///
    /// # Blocking
    /// Until a service ends the node, or everything in it has ended.
    pub fn wait(mut self) -> Result<u8, RunError> {
        self.join()
    }

    /// Ends the node in order and waits for that.
    ///
    /// # Errors
    /// As [`Self::wait`].
    ///
    /// # Blocking
    /// Until every service has finished its current message.
    pub fn stop(self) -> Result<u8, RunError> {
        self.node.abort(0);
        self.wait()
    }

    fn join(&mut self) -> Result<u8, RunError> {
        let Some(thread) = self.thread.take() else { return Ok(0) };
        // The threads of a node end the process when they panic; this one only waits for them.
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.node.abort(0);
        // Whoever wants to know the status waits for it.
        let _ = self.join();
    }
}
