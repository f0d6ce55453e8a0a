//! The harbor service of a node that is alone (`harbor = 0`): global names, and an answer for
//! messages to nodes that do not exist. Spec: cluster sections H.5 and H.6.
//!
//! Messages to a name that nobody has registered wait for it, in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::message::{Address, Kind, Message};
use crate::node::{Context, Destination, Node, Outbound, StartError};
use crate::service::Service;

/// Global names are at most this long on their way out of a node.
const NAME_BYTES: usize = 16;

/// The service: takes the names that the slave service registers.
pub(super) struct Harbor {
    context: Context,
    names: Arc<Mutex<Names>>,
}

#[derive(Default)]
struct Names {
    known: HashMap<Vec<u8>, Address>,
    waiting: HashMap<Vec<u8>, Vec<Message>>,
}

/// The way out of the node: called on the senders' threads.
///
/// The node owns it, so it must not keep the node alive.
struct SingleNode {
    node: Weak<Node>,
    service: Address,
    names: Arc<Mutex<Names>>,
}

fn lock(names: &Mutex<Names>) -> MutexGuard<'_, Names> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Harbor {
    /// Becomes the node's way out.
    pub(super) fn start(
        context: &Context,
        _args: Option<&[u8]>,
    ) -> Result<Box<dyn Service>, StartError> {
        let names = Arc::new(Mutex::new(Names::default()));
        let out = SingleNode {
            node: Arc::downgrade(context.node()),
            service: context.address(),
            names: Arc::clone(&names),
        };
        context.node().set_outbound(Box::new(out));
        // The node ends although this service lives.
        context.node().scheduler().exempt(context.address());
        Ok(Box::new(Self { context: context.clone(), names }))
    }

    /// `N name`: the name belongs to the source of the message from now on.
    fn register(&self, command: &[u8], address: Address) {
        let name = match command.strip_prefix(b"N ") {
            Some(name) if (1..NAME_BYTES).contains(&name.len()) => name,
            Some(name) => return self.complain("Invalid global name ", name),
            None => return self.complain("Unknown command ", command),
        };
        let waiting = {
            let mut names = lock(&self.names);
            names.known.insert(name.to_vec(), address);
            names.waiting.remove(name).unwrap_or_default()
        };
        for message in waiting {
            deliver(self.context.node(), address, message);
        }
    }

    fn complain(&self, what: &str, text: &[u8]) {
        self.context.node().log(self.context.address(), &[what.as_bytes(), text].concat());
    }
}

impl Service for Harbor {
    fn dispatch(&mut self, message: Message) {
        match message.kind {
            Kind::HARBOR => self.register(message.payload.as_bytes(), message.source),
            _ => {
                if message.session.number() != 0 {
                    refuse(self.context.node(), self.context.address(), &message);
                }
            }
        }
    }
}

impl Outbound for SingleNode {
    fn send(&self, destination: Destination<'_>, message: Message) {
        let Some(node) = self.node.upgrade() else { return };
        match destination {
            Destination::Remote(to) => self.drop_remote(&node, to, &message),
            Destination::Name(name) => self.send_to_name(&node, name, message),
        }
    }
}

impl SingleNode {
    fn send_to_name(&self, node: &Node, name: &[u8], message: Message) {
        let name = &name[..name.len().min(NAME_BYTES)];
        let known = {
            let mut names = lock(&self.names);
            match names.known.get(name) {
                Some(address) => *address,
                None => {
                    names.waiting.entry(name.to_vec()).or_default().push(message);
                    return;
                }
            }
        };
        deliver(node, known, message);
    }

    /// There is no other node.
    fn drop_remote(&self, node: &Node, to: Address, message: &Message) {
        let line = format!(
            "Drop message to harbor {} from {:x} to {:x} (session = {}, msgsz = {})",
            to.harbor(),
            message.source.bits(),
            to.bits(),
            message.session.number(),
            message.payload.len()
        );
        node.log(self.service, line.as_bytes());
        refuse(node, to, message);
    }
}

/// Delivers to a service of this node; if it is gone, its sender learns.
fn deliver(node: &Node, to: Address, message: Message) {
    if let Err(message) = node.scheduler().post(to, message) {
        refuse(node, to, &message);
    }
}

/// Tells the sender of a message that it could not be delivered to `to`.
fn refuse(node: &Node, to: Address, message: &Message) {
    if let Some((source, error)) = message.bounce(to) {
        // A sender that is gone needs no notice.
        let _ = node.scheduler().post(source, error);
    }
}
