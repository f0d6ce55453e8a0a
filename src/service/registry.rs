//! Finds services: by address in a table of slots, by local name in a map. Spec: runtime section 3.
//!
//! Invariants:
//! 1. A slot holds the service whose index is the slot's number modulo the table's size.
//! 2. Indices grow and are not used again before the 24 bits have wrapped.
//! 3. A name leaves together with the service it points to.

use std::collections::HashMap;
use std::sync::Arc;

use super::ServiceCell;
use crate::message::Address;
use crate::sync::{RwLock, Strategy, class};

/// The table starts with this many slots, as the reference does: the numbers of a young node's
/// services depend on it.
const FIRST_SLOTS: usize = 4;

/// All 2^24 - 1 addresses of the node are taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no free address: {} services live on this node", Address::INDEX_MAX)]
pub struct RegistryFull;

/// The name belongs to a service already.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the name is taken")]
pub struct NameTaken;

/// The services of a node.
pub struct Registry<S: Strategy> {
    harbor: u8,
    table: RwLock<S, class::Registry, Table<S>>,
}

struct Table<S: Strategy> {
    slots: Vec<Option<Arc<ServiceCell<S>>>>,
    live: usize,
    cursor: u32,
    names: HashMap<Vec<u8>, Address>,
    names_of: HashMap<Address, Vec<Vec<u8>>>,
}

impl<S: Strategy> Registry<S> {
    /// Makes an empty registry of the node `harbor`.
    pub fn new(harbor: u8) -> Self {
        let table = Table {
            slots: (0..FIRST_SLOTS).map(|_| None).collect(),
            live: 0,
            cursor: 1,
            names: HashMap::new(),
            names_of: HashMap::new(),
        };
        Self { harbor, table: RwLock::<S, class::Registry, _>::new(table) }
    }

    /// Returns the id of this node.
    pub fn harbor(&self) -> u8 {
        self.harbor
    }

    /// Makes the cell of a new service and gives it the next address.
    ///
    /// # Errors
    /// When every address is taken.
    pub fn register(&self) -> Result<Arc<ServiceCell<S>>, RegistryFull> {
        let mut table = self.table.write();
        let index = table.next_index()?;
        let cell = Arc::new(ServiceCell::new(Address::of(self.harbor, index)));
        let slot = table.slot_of(index);
        table.slots[slot] = Some(Arc::clone(&cell));
        table.live += 1;
        Ok(cell)
    }

    /// Returns the service at an address.
    pub fn find(&self, address: Address) -> Option<Arc<ServiceCell<S>>> {
        self.with(address, Arc::clone)
    }

    /// Looks at the service at an address without touching its reference count.
    ///
    /// `look` runs under the registry's read lock: it must be short and must not call the
    /// registry.
    pub fn with<R>(
        &self,
        address: Address,
        look: impl FnOnce(&Arc<ServiceCell<S>>) -> R,
    ) -> Option<R> {
        let table = self.table.read();
        let slot = table.slots[table.slot_of(address.index())].as_ref()?;
        (slot.address() == address).then(|| look(slot))
    }

    /// Takes a service and its names out, marked as retired. From now on nobody finds it, and
    /// whoever finds it gone also sees the mark: a service that retires itself while another thread
    /// does handles no further message.
    pub fn remove(&self, address: Address) -> Option<Arc<ServiceCell<S>>> {
        let mut table = self.table.write();
        let slot = table.slot_of(address.index());
        let cell = table.slots[slot].take_if(|cell| cell.address() == address)?;
        cell.set_retired();
        table.live -= 1;
        for name in table.names_of.remove(&address).unwrap_or_default() {
            table.names.remove(&name);
        }
        Some(cell)
    }

    /// Returns how many services live.
    pub fn len(&self) -> usize {
        self.table.read().live
    }

    /// Tells whether no service lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the addresses of all services, in the order of the table.
    pub fn addresses(&self) -> Vec<Address> {
        self.table.read().slots.iter().flatten().map(|cell| cell.address()).collect()
    }

    /// Binds a local name (without its dot) to an address, which need not live.
    ///
    /// # Errors
    /// When the name is bound already, to whomever.
    pub fn name(&self, name: &[u8], address: Address) -> Result<(), NameTaken> {
        let mut table = self.table.write();
        if table.names.contains_key(name) {
            return Err(NameTaken);
        }
        table.names.insert(name.to_vec(), address);
        table.names_of.entry(address).or_default().push(name.to_vec());
        Ok(())
    }

    /// Returns the address behind a local name (without its dot).
    pub fn resolve(&self, name: &[u8]) -> Option<Address> {
        self.table.read().names.get(name).copied()
    }
}

impl<S: Strategy> Table<S> {
    /// Returns the slot of an index; the size is a power of two.
    fn slot_of(&self, index: u32) -> usize {
        index as usize & (self.slots.len() - 1)
    }

    /// Takes the next index whose slot is free, with a larger table when there is none.
    fn next_index(&mut self) -> Result<u32, RegistryFull> {
        if self.live >= Address::INDEX_MAX as usize {
            return Err(RegistryFull);
        }
        loop {
            let mut index = self.cursor;
            for _ in 0..self.slots.len() {
                let next = if index == Address::INDEX_MAX { 1 } else { index + 1 };
                if self.slots[self.slot_of(index)].is_none() {
                    self.cursor = next;
                    return Ok(index);
                }
                index = next;
            }
            self.grow();
        }
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, (0..size).map(|_| None).collect());
        for cell in old.into_iter().flatten() {
            let slot = self.slot_of(cell.address().index());
            self.slots[slot] = Some(cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Selected;

    fn registry(harbor: u8) -> Registry<Selected> {
        Registry::new(harbor)
    }

    #[test]
    fn addresses_start_at_one_and_carry_the_node() {
        let registry = registry(3);
        let first = registry.register().expect("there is room");
        assert_eq!(first.address().bits(), 0x0300_0001);
        assert_eq!(registry.register().expect("there is room").address().index(), 2);
    }

    #[test]
    fn an_address_is_not_used_again() {
        let registry = registry(0);
        let first = registry.register().expect("there is room").address();
        registry.remove(first).expect("it lives");
        let second = registry.register().expect("there is room").address();
        assert!(second > first && registry.find(first).is_none());
    }

    #[test]
    fn occupied_slots_are_skipped() {
        let registry = registry(0);
        for _ in 0..15 {
            registry.register().expect("there is room");
        }
        for expected in [0x10, 0x20, 0x30] {
            let next = registry.register().expect("there is room").address();
            assert_eq!(next.index(), expected);
            registry.remove(next);
        }
    }

    #[test]
    fn the_first_binding_of_a_name_wins() {
        let registry = registry(0);
        registry.name(b"abc", Address::new(5)).expect("the name is free");
        assert_eq!(registry.name(b"abc", Address::new(5)), Err(NameTaken));
        assert_eq!(registry.resolve(b"abc"), Some(Address::new(5)));
    }

    #[test]
    fn names_leave_with_their_service() {
        let registry = registry(0);
        let cell = registry.register().expect("there is room");
        registry.name(b"x", cell.address()).expect("the name is free");
        registry.name(b"", cell.address()).expect("the empty name is one too");
        registry.remove(cell.address());
        assert_eq!((registry.resolve(b"x"), registry.resolve(b"")), (None, None));
    }

    #[test]
    fn another_node_s_address_is_not_found() {
        let registry = registry(1);
        let cell = registry.register().expect("there is room");
        assert!(registry.find(Address::new(cell.address().index())).is_none());
    }
}
