//! Question: how many acquisitions does an exclusive lock let through, by threads and by the length
//! of the section?
//!
//! From one thread to eight for each core; sections of nothing, 50 ns, 1 us and 20 us, and nothing
//! between two of them. Throughput only: a lock that lets one thread have everything looks best
//! here. `ironsky lab` says who waited how long. Locks that spin in order are left out with more
//! threads than cores: each row of them would take minutes.

mod lab;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ironsky::lab::measure::Stretch;
use ironsky::lab::subjects::{Lock, VisitLock, exclusive_locks};
use lab::{Group, Work};

struct Crowd<'a, 'c> {
    group: &'a mut Group<'c>,
    threads: usize,
    work: Work,
}

impl VisitLock for Crowd<'_, '_> {
    fn visit<L: Lock + 'static>(&mut self) {
        let (threads, work) = (self.threads, self.work);
        if lab::collapses(&L::FACTS, threads) {
            return;
        }
        let id = BenchmarkId::new(L::FACTS.name, threads);
        self.group.bench_function(id, |bencher| {
            bencher.iter_custom(|rounds| lab::crowd::<L>(threads, rounds, work));
        });
    }
}

fn contended(criterion: &mut Criterion) {
    for (section_ns, name) in [(0, "nothing"), (50, "50 ns"), (1_000, "1 us"), (20_000, "20 us")] {
        let mut group = lab::group(criterion, &format!("contended/{name}"), 120);
        let (inside, outside) = (Stretch::busy(section_ns), Stretch::busy(0));
        for threads in lab::ladder() {
            let work = Work { reads: 0, inside, outside };
            exclusive_locks(&mut Crowd { group: &mut group, threads, work });
        }
        group.finish();
    }
}

criterion_group!(benches, contended);
criterion_main!(benches);
