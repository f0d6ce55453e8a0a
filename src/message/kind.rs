//! The kind of a message: skynet's PTYPE. Spec: runtime section 4.2.

/// What a message is; the number that Lua calls `PTYPE_*`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kind(u8);

impl Kind {
    /// Raw text: log lines, commands of native services, the first message of a Lua service.
    pub const TEXT: Kind = Kind(0);
    /// An answer, or the expiry of a timer.
    pub const RESPONSE: Kind = Kind(1);
    /// A message of a multicast channel.
    pub const MULTICAST: Kind = Kind(2);
    /// Traffic of an outside client; also the exit notice to the monitor service.
    pub const CLIENT: Kind = Kind(3);
    /// Runtime to logger (reopen) and runtime to harbor (outgoing message).
    pub const SYSTEM: Kind = Kind(4);
    /// Control of the harbor service.
    pub const HARBOR: Kind = Kind(5);
    /// A socket event.
    pub const SOCKET: Kind = Kind(6);
    /// "Your request failed" with a session, "I am gone" without.
    pub const ERROR: Kind = Kind(7);
    /// The protocol of the old queue library.
    pub const QUEUE: Kind = Kind(8);
    /// The debug protocol that every Lua service answers.
    pub const DEBUG: Kind = Kind(9);
    /// The usual protocol between Lua services.
    pub const LUA: Kind = Kind(10);
    /// The protocol of snax services.
    pub const SNAX: Kind = Kind(11);
    /// Announces that the next message of the same source is traced.
    pub const TRACE: Kind = Kind(12);

    /// Makes a kind of its number; every number is legal.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}
