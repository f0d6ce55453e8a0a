//! Question: from which share of reads on does a shared lock pay, and which one?
//!
//! Every shared lock, and an exclusive one that makes readers wait for each other; as many threads
//! as cores and four times as many; sections of 50 ns. Throughput only: whether writers or readers
//! starve is a question for `ironsky lab --only blocking-rw`.

mod lab;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ironsky::affinity::cores;
use ironsky::lab::measure::Stretch;
use ironsky::lab::subjects::{Lock, VisitLock, shared_locks};
use lab::{Group, Work};

struct Readers<'a, 'c> {
    group: &'a mut Group<'c>,
    threads: usize,
    work: Work,
}

impl VisitLock for Readers<'_, '_> {
    fn visit<L: Lock + 'static>(&mut self) {
        let (threads, work) = (self.threads, self.work);
        let id = BenchmarkId::new(L::FACTS.name, threads);
        self.group.bench_function(id, |bencher| {
            bencher.iter_custom(|rounds| lab::crowd::<L>(threads, rounds, work));
        });
    }
}

fn read_share(criterion: &mut Criterion) {
    for (reads, name) in [(0, "0"), (500, "50"), (900, "90"), (990, "99"), (999, "99.9")] {
        let mut group = lab::group(criterion, &format!("read-share/{name} percent"), 250);
        let (inside, outside) = (Stretch::busy(50), Stretch::busy(0));
        for threads in [cores(), 4 * cores()] {
            let work = Work { reads, inside, outside };
            shared_locks(&mut Readers { group: &mut group, threads, work });
        }
        group.finish();
    }
}

criterion_group!(benches, read_share);
criterion_main!(benches);
