//! Question: what does it cost to pass a message through a mailbox, beside the queues that one
//! would take off the shelf?
//!
//! Rivals: a `Mutex<VecDeque>` emptied one by one, std's channel, crossbeam's channel, `SegQueue`
//! and bounded `ArrayQueue`, and `concurrent-queue`. None of them has an owner: they do not say who
//! must run the service, which the mailbox does in the same step.
//! This is *not* the cost of a message in a node: no registry, no run queue, no handler is in it.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::{ArrayQueue, SegQueue};
use ironsky::message::{Address, Kind, Message, Session};
use ironsky::service::{Mailbox, Pushed, Taken};
use ironsky::sync::{Selected, describe};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// One way of passing messages to one consumer.
trait Queue: Sync {
    fn make() -> Self;
    fn push(&self, message: Message);
    /// Takes what waits, at least one message if there is one; returns how many.
    fn take(&self, batch: &mut VecDeque<Message>) -> usize;
}

/// The mailbox with what a run queue would hold: whether somebody must look at it.
struct Owned {
    mailbox: Mailbox<Selected>,
    ready: AtomicBool,
}

impl Queue for Owned {
    fn make() -> Self {
        Self { mailbox: Mailbox::new(), ready: AtomicBool::new(true) }
    }

    fn push(&self, message: Message) {
        if let Ok(Pushed::Ready) = self.mailbox.push(message) {
            // Release: pairs with the Acquire in `take`; the owner's token passes through it.
            self.ready.store(true, Ordering::Release);
        }
    }

    fn take(&self, batch: &mut VecDeque<Message>) -> usize {
        // Acquire: pairs with the Release in `push`.
        if !self.ready.load(Ordering::Acquire) {
            return 0;
        }
        batch.clear();
        // Relaxed: whoever sets it again got the token from the mailbox's lock.
        self.ready.store(false, Ordering::Relaxed);
        let taken = self.mailbox.take(batch);
        if taken == Taken::Messages {
            self.ready.store(true, Ordering::Relaxed);
        }
        batch.len()
    }
}

impl Queue for Mutex<VecDeque<Message>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, message: Message) {
        self.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
    }

    fn take(&self, _batch: &mut VecDeque<Message>) -> usize {
        usize::from(self.lock().unwrap_or_else(PoisonError::into_inner).pop_front().is_some())
    }
}

impl Queue for SegQueue<Message> {
    fn make() -> Self {
        Self::new()
    }

    fn push(&self, message: Message) {
        SegQueue::push(self, message);
    }

    fn take(&self, _batch: &mut VecDeque<Message>) -> usize {
        usize::from(self.pop().is_some())
    }
}

type ConcurrentQueue = concurrent_queue::ConcurrentQueue<Message>;

impl Queue for ConcurrentQueue {
    fn make() -> Self {
        Self::unbounded()
    }

    fn push(&self, message: Message) {
        assert!(Self::push(self, message).is_ok(), "an unbounded queue takes everything");
    }

    fn take(&self, _batch: &mut VecDeque<Message>) -> usize {
        usize::from(self.pop().is_ok())
    }
}

impl Queue for ArrayQueue<Message> {
    fn make() -> Self {
        Self::new(8_192)
    }

    fn push(&self, message: Message) {
        let mut message = Some(message);
        while let Some(waiting) = message.take() {
            message = Self::push(self, waiting).err();
            if message.is_some() {
                std::thread::yield_now();
            }
        }
    }

    fn take(&self, _batch: &mut VecDeque<Message>) -> usize {
        usize::from(self.pop().is_some())
    }
}

/// Both ends of crossbeam's channel.
type Channel = (crossbeam_channel::Sender<Message>, crossbeam_channel::Receiver<Message>);

impl Queue for Channel {
    fn make() -> Self {
        crossbeam_channel::unbounded()
    }

    fn push(&self, message: Message) {
        self.0.send(message).expect("the receiver is beside the sender");
    }

    fn take(&self, _batch: &mut VecDeque<Message>) -> usize {
        usize::from(self.1.try_recv().is_ok())
    }
}

/// std's channel. Its receiver belongs to one thread, so a lock that nobody competes for is around
/// it: some nanoseconds too many.
struct StdChannel(mpsc::Sender<Message>, Mutex<mpsc::Receiver<Message>>);

impl Queue for StdChannel {
    fn make() -> Self {
        let (send, receive) = mpsc::channel();
        Self(send, Mutex::new(receive))
    }

    fn push(&self, message: Message) {
        self.0.send(message).expect("the receiver is beside the sender");
    }

    fn take(&self, _batch: &mut VecDeque<Message>) -> usize {
        let receive = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        usize::from(receive.try_recv().is_ok())
    }
}

fn message(session: u64) -> Message {
    Message::empty(Address::new(1), Session::new(session as i32), Kind::LUA)
}

/// Pushes and takes in one thread, so many messages at a time.
fn alone<Q: Queue>(messages: u64, burst: u64) -> Duration {
    let (queue, mut batch) = (Q::make(), VecDeque::new());
    let begin = Instant::now();
    for _ in 0..messages.div_ceil(burst) {
        (0..burst).for_each(|session| queue.push(message(session)));
        let mut taken = 0;
        while taken < burst {
            taken += queue.take(&mut batch) as u64;
        }
    }
    begin.elapsed()
}

/// Producers on threads of their own, the consumer on this one.
fn together<Q: Queue>(messages: u64, producers: u64) -> Duration {
    let queue = Q::make();
    let each = messages.div_ceil(producers);
    std::thread::scope(|scope| {
        let begin = Instant::now();
        for _ in 0..producers {
            scope.spawn(|| (0..each).for_each(|session| queue.push(message(session))));
        }
        let (mut taken, mut batch) = (0, VecDeque::new());
        while taken < each * producers {
            match queue.take(&mut batch) {
                0 => std::thread::yield_now(),
                count => taken += count as u64,
            }
        }
        begin.elapsed()
    })
}

fn compare<Q: Queue>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("mailbox");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2)).throughput(Throughput::Elements(1));
    for burst in [1, 100] {
        let id = BenchmarkId::new(format!("one thread, {burst} at a time"), name);
        group.bench_function(id, |b| b.iter_custom(|count| alone::<Q>(count, burst)));
    }
    for producers in [1, 4] {
        let id = BenchmarkId::new(format!("{producers} producers, 1 consumer"), name);
        group.bench_function(id, |b| b.iter_custom(|count| together::<Q>(count, producers)));
    }
    group.finish();
}

fn mailbox(c: &mut Criterion) {
    compare::<Owned>(c, &format!("mailbox ({})", describe()));
    compare::<Mutex<VecDeque<Message>>>(c, "Mutex<VecDeque>");
    compare::<StdChannel>(c, "std mpsc");
    compare::<Channel>(c, "crossbeam-channel");
    compare::<SegQueue<Message>>(c, "SegQueue");
    compare::<ArrayQueue<Message>>(c, "ArrayQueue");
    compare::<ConcurrentQueue>(c, "concurrent-queue");
}

criterion_group!(benches, mailbox);
criterion_main!(benches);
