//! What the sockets of a node use of it.

use std::sync::{Arc, Weak};

use super::Node;
use crate::message::{Address, Message};
use crate::net::{Home, Net};
use crate::sched::{Outside, Scheduler};
use crate::timer::Clock;

pub(super) struct NetHome {
    scheduler: Arc<Scheduler>,
    clock: Clock,
    node: Weak<Node>,
}

impl NetHome {
    pub(super) fn new(scheduler: &Arc<Scheduler>, clock: Clock, node: &Weak<Node>) -> Self {
        Self { scheduler: Arc::clone(scheduler), clock, node: Weak::clone(node) }
    }
}

impl Home for NetHome {
    fn deliver(&self, to: Address, message: Message) -> Result<(), Message> {
        self.scheduler.post(to, message)
    }

    fn together(&self, deliver: &mut dyn FnMut() -> bool) {
        self.scheduler.wake_after(deliver);
    }

    fn set_alarm(&self, alarm: Box<dyn Fn() + Send + Sync>) {
        self.scheduler.set_alarm(alarm);
    }

    fn log(&self, source: Address, line: &str) {
        // A node that is gone has no log.
        if let Some(node) = self.node.upgrade() {
            node.log(source, line.as_bytes());
        }
    }

    fn now_cs(&self) -> u64 {
        self.clock.now()
    }
}

/// Workers with nothing to do wait for the sockets.
impl Outside for Net {
    fn claim(&self) -> bool {
        Net::claim(self)
    }

    fn wait(&self, block: bool) -> bool {
        Net::wait(self, block)
    }

    fn carry_out(&self) {
        Net::carry_out(self);
    }

    fn release(&self) {
        Net::release(self);
    }
}
