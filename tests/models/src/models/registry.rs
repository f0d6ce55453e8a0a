//! Two threads that retire one service.

use std::sync::Arc;

use super::{explore, together};
use crate::service::{Registry, ServiceCell};
use crate::sync::Selected;

struct Place {
    registry: Registry<Selected>,
    cell: Arc<ServiceCell<Selected>>,
}

impl Place {
    fn new() -> Arc<Self> {
        let registry = Registry::new(1);
        let cell = registry.register().expect("there is room");
        Arc::new(Self { registry, cell })
    }

    fn retire(&self) {
        self.registry.remove(self.cell.address());
        // A worker looks at this before the next message, also when another thread was first.
        assert!(self.cell.is_retired());
    }
}

#[test]
fn who_finds_a_service_gone_sees_that_it_is_retired() {
    explore(|| together(&Place::new(), &[Place::retire, Place::retire]));
}
