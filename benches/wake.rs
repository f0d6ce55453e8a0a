//! Question: how long does it take to wake a sleeping thread and be woken by it in turn?
//!
//! A round is two wake-ups, one after the other, so both threads sleep for a moment only. How late
//! a thread runs that slept for long is a question for `ironsky lab --only wake`; there is also the
//! 2.5 ms tick of the reference, which has no place here.

mod lab;

use criterion::{Criterion, criterion_group, criterion_main};
use ironsky::lab::subjects::{Parker, VisitParker, parkers};
use lab::Group;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The time of `rounds` hand-overs to a sleeping thread and back. Each parker is made by the thread
/// that sleeps on it.
fn ping_pong<P: Parker>(rounds: u64) -> Duration {
    let (there, back) = (OnceLock::new(), P::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let there = there.get_or_init(P::new);
            back.unpark();
            for _ in 0..rounds {
                there.park();
                back.unpark();
            }
        });
        back.park();
        let there = there.get().expect("it was made before the first token");
        let begin = Instant::now();
        for _ in 0..rounds {
            there.unpark();
            back.park();
        }
        begin.elapsed()
    })
}

struct PingPong<'a, 'c>(&'a mut Group<'c>);

impl VisitParker for PingPong<'_, '_> {
    fn visit<P: Parker + 'static>(&mut self) {
        if P::FACTS.remark.is_none() {
            self.0.bench_function(P::FACTS.name, |bencher| bencher.iter_custom(ping_pong::<P>));
        }
    }
}

fn wake(criterion: &mut Criterion) {
    let mut group = lab::group(criterion, "wake/there-and-back", 1_500);
    parkers(&mut PingPong(&mut group));
    group.finish();
}

criterion_group!(benches, wake);
criterion_main!(benches);
