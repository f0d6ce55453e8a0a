//! Question: what does taking and leaving a lock cost when nobody else is there?
//!
//! Every lock of the house and its rivals; shared locks once for reading, once for writing. This is
//! *not* what a lock costs in a program with threads: see `contended` and `read_share`.

mod lab;

use criterion::{Criterion, criterion_group, criterion_main};
use ironsky::lab::subjects::{Lock, VisitLock, exclusive_locks, shared_locks};
use lab::Group;
use std::hint::black_box;

struct Alone<'a, 'c> {
    group: &'a mut Group<'c>,
    reads: bool,
}

impl VisitLock for Alone<'_, '_> {
    fn visit<L: Lock + 'static>(&mut self) {
        let (lock, reads) = (L::new(), self.reads);
        self.group.bench_function(L::FACTS.name, |bencher| match reads {
            true => bencher.iter(|| lock.read(black_box)),
            false => bencher.iter(|| lock.write(|value| *value += 1)),
        });
    }
}

fn uncontended(criterion: &mut Criterion) {
    let mut group = lab::group(criterion, "uncontended/exclusive", 400);
    exclusive_locks(&mut Alone { group: &mut group, reads: false });
    group.finish();
    for (reads, name) in [(true, "uncontended/read"), (false, "uncontended/write")] {
        let mut group = lab::group(criterion, name, 400);
        shared_locks(&mut Alone { group: &mut group, reads });
        group.finish();
    }
}

criterion_group!(benches, uncontended);
criterion_main!(benches);
