//! What one execution does, drawn from a seed.

/// One execution.
pub(super) struct Plan {
    pub(super) workers: usize,
    pub(super) servers: Vec<Server>,
    pub(super) clients: Vec<Client>,
    pub(super) kills: Vec<Kill>,
    /// How many messages a thread that is no worker sends.
    pub(super) outside: usize,
    /// How many messages come in where an idle worker waits for them; `None`: no such place.
    pub(super) tide: Option<usize>,
}

/// A service that answers.
#[derive(Clone)]
pub(super) struct Server {
    /// How many messages it handles before it ends, if it ends by itself.
    pub(super) lives: Option<usize>,
    /// Whether it then panics instead of retiring.
    pub(super) panics: bool,
}

/// A service that asks.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) steps: Vec<Step>,
    /// How many steps are under way at once.
    pub(super) window: usize,
}

/// What a client does; each step ends once.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// Asks a server.
    Ask(usize),
    /// Tells a server something; ends at once.
    Tell(usize),
    /// Sets a timeout of so many ticks.
    Sleep(u32),
    /// Launches a service that ends when it is idle, and asks it.
    Launch,
    /// The same, and keeps the worker until that service has run: on another worker, then.
    Meet,
}

/// The end of a server from outside.
pub(super) struct Kill {
    pub(super) server: usize,
    pub(super) when_idle: bool,
}

impl Plan {
    pub(super) fn draw(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut plan = Self {
            workers: 1 + random.below(3),
            servers: (0..=random.below(2)).map(|_| Server::draw(&mut random)).collect(),
            clients: (0..=random.below(2)).map(|_| Client::draw(&mut random)).collect(),
            kills: (0..random.below(3)).map(|_| Kill::draw(&mut random)).collect(),
            outside: random.below(4),
            tide: seed.is_multiple_of(3).then(|| 1 + random.below(4)),
        };
        // One at most: each that waits takes a worker away.
        if plan.workers > 1 && random.below(2) == 0 {
            plan.clients[0].steps.push(Step::Meet);
        }
        plan
    }
}

impl Server {
    fn draw(random: &mut Random) -> Self {
        let ends = random.below(3) == 0;
        Self { lives: ends.then(|| 1 + random.below(3)), panics: random.below(2) == 0 }
    }
}

impl Client {
    fn draw(random: &mut Random) -> Self {
        let steps = (0..=random.below(4)).map(|_| Step::draw(random)).collect();
        Self { steps, window: 1 + random.below(3) }
    }
}

impl Step {
    fn draw(random: &mut Random) -> Self {
        match random.below(8) {
            0..4 => Self::Ask(random.below(2)),
            4 | 5 => Self::Tell(random.below(2)),
            6 => Self::Sleep(1 + random.below(2) as u32),
            _ => Self::Launch,
        }
    }
}

impl Kill {
    fn draw(random: &mut Random) -> Self {
        Self { server: random.below(2), when_idle: random.below(2) == 0 }
    }
}

/// A small generator of our own: the numbers of a seed must never change.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }
}
