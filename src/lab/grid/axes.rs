//! Which points of the grid each profile asks about.
//!
//! Called by `grid`. A list in the options replaces the profile's.

use std::time::Duration;

use crate::lab::options::{Options, Profile, THREADS_MAX};

/// The section that sleeps, in nanoseconds: long enough that the scheduler of the system does not
/// blur who is next.
pub(super) const SLEEP_NS: u64 = 300_000;

/// Threads and sections of an exclusive lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) threads: usize,
    pub(super) section_ns: u64,
    pub(super) outside_ns: u64,
    /// Tenths of a percent; 0 for exclusive locks.
    pub(super) reads: u32,
}

/// What a profile asks.
#[derive(Clone, Debug)]
pub(super) struct Axes {
    pub(super) rounds: u32,
    /// How long a subject is measured in a round, with sections that work.
    pub(super) busy: Duration,
    /// The same with sections that sleep.
    pub(super) blocking: Duration,
    /// The same with readers and writers that sleep.
    pub(super) sides: Duration,
    /// The same for wake-ups.
    pub(super) wake: Duration,
    pub(super) exclusive: Vec<Point>,
    pub(super) sleepers: Vec<usize>,
    pub(super) shared: Vec<Point>,
    pub(super) readers_writers: Vec<[usize; 2]>,
    pub(super) producers_consumers: Vec<[usize; 2]>,
    /// Whether locks that spin in order are measured with more threads than cores. They need
    /// seconds to come to an end there.
    pub(super) collapses: bool,
}

/// What the options leave of their profile on a machine with so many cores.
pub(super) fn axes(options: &Options, cores: usize) -> Axes {
    let mut axes = match options.profile {
        Profile::Quick => quick(options, cores),
        Profile::Standard => standard(options, cores),
        Profile::Full => full(options, cores),
    };
    axes.rounds = options.rounds.unwrap_or(axes.rounds);
    if let Some(threads) = &options.threads {
        axes.sleepers.clone_from(threads);
    }
    if let Some(ms) = options.cell_ms {
        let cell = Duration::from_millis(ms);
        (axes.busy, axes.blocking, axes.sides, axes.wake) = (cell, cell, cell, cell);
    }
    axes
}

fn quick(options: &Options, cores: usize) -> Axes {
    let mut exclusive = product(options, &[1, cores, 4 * cores], &[50, 1_000], &[0], &[0]);
    exclusive.extend(with_outside(options, &[4 * cores]));
    Axes {
        rounds: 5,
        busy: Duration::from_millis(25),
        blocking: Duration::from_millis(100),
        sides: Duration::from_millis(140),
        wake: Duration::from_millis(120),
        exclusive,
        sleepers: vec![8],
        shared: product(options, &[cores, 4 * cores], &[50], &[0], &[900, 990]),
        readers_writers: vec![[4, 4]],
        producers_consumers: vec![[1, 1], [4, 1], [4, 4]],
        collapses: false,
    }
}

fn standard(options: &Options, cores: usize) -> Axes {
    let threads = ladder(cores);
    let mut exclusive = product(options, &threads, &[0, 50, 1_000, 20_000], &[0], &[0]);
    exclusive.extend(with_outside(options, &[cores, 4 * cores]));
    let reads = [0, 500, 900, 990, 999];
    Axes {
        rounds: 5,
        busy: Duration::from_millis(60),
        blocking: Duration::from_millis(300),
        sides: Duration::from_millis(400),
        wake: Duration::from_millis(300),
        exclusive,
        sleepers: vec![4, 8],
        shared: product(options, &[cores, 4 * cores], &[0, 1_000], &[0], &reads),
        readers_writers: vec![[4, 1], [1, 4], [4, 4]],
        producers_consumers: vec![[1, 1], [4, 1], [4, 4]],
        collapses: true,
    }
}

fn full(options: &Options, cores: usize) -> Axes {
    let (threads, sections) = (ladder(cores), [0, 50, 1_000, 20_000]);
    let reads = [0, 500, 900, 990, 999];
    Axes {
        rounds: 11,
        busy: Duration::from_millis(300),
        blocking: Duration::from_millis(1_500),
        sides: Duration::from_millis(1_500),
        wake: Duration::from_millis(1_000),
        exclusive: product(options, &threads, &sections, &[0, 500, 5_000], &[0]),
        sleepers: vec![2, 4, 8, 16],
        shared: product(options, &threads, &sections, &[0, 500], &reads),
        readers_writers: vec![[4, 1], [1, 4], [4, 4], [8, 1], [8, 8]],
        producers_consumers: vec![[1, 1], [4, 1], [1, 4], [2, 2], [4, 4]],
        collapses: true,
    }
}

/// From one thread to eight for each core.
fn ladder(cores: usize) -> Vec<usize> {
    let mut steps: Vec<usize> = [1, 2, cores, 2 * cores, 4 * cores, 8 * cores].to_vec();
    steps.sort_unstable();
    steps
}

/// Short sections with some work between them, as in a scheduler; not a loop around a lock.
fn with_outside(options: &Options, threads: &[usize]) -> Vec<Point> {
    product(options, threads, &[50], &[500], &[0])
}

/// All combinations, each once. Lists in the options replace those of the profile.
fn product(
    options: &Options,
    threads: &[usize],
    sections: &[u64],
    outsides: &[u64],
    reads: &[u32],
) -> Vec<Point> {
    let threads = options.threads.as_deref().unwrap_or(threads);
    let sections = options.sections.as_deref().unwrap_or(sections);
    let reads = if reads == [0] { reads } else { options.reads.as_deref().unwrap_or(reads) };
    let mut points = Vec::new();
    for &outside_ns in outsides {
        for &section_ns in sections {
            for &reads in reads {
                for &threads in threads {
                    let threads = threads.min(THREADS_MAX);
                    let point = Point { threads, section_ns, outside_ns, reads };
                    if !points.contains(&point) {
                        points.push(point);
                    }
                }
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_asked_about_once() {
        for cores in [1, 2, 4, 1_000] {
            for profile in [Profile::Quick, Profile::Standard, Profile::Full] {
                let axes = axes(&Options { profile, ..Options::default() }, cores);
                for points in [&axes.exclusive, &axes.shared] {
                    for (index, point) in points.iter().enumerate() {
                        assert!(!points[..index].contains(point), "{cores} cores: {point:?}");
                        assert!((1..=THREADS_MAX).contains(&point.threads), "{point:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn lists_replace_those_of_the_profile() {
        let options = Options {
            threads: Some(vec![3]),
            sections: Some(vec![7, 9]),
            reads: Some(vec![10]),
            rounds: Some(2),
            cell_ms: Some(4),
            ..Options::default()
        };
        let axes = axes(&options, 2);
        assert_eq!((axes.rounds, axes.busy, axes.sleepers), (2, Duration::from_millis(4), vec![3]));
        assert!(axes.exclusive.iter().all(|point| point.threads == 3 && point.reads == 0));
        let sections: Vec<u64> = axes.shared.iter().map(|point| point.section_ns).collect();
        assert_eq!(sections, [7, 9]);
        assert!(axes.shared.iter().all(|point| point.reads == 10));
    }
}
