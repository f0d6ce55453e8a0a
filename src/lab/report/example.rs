//! A made-up report for tests: every kind of question, known figures, a clear best.

use crate::lab::record::*;

/// What a made-up subject is like.
#[derive(Clone, Copy)]
struct Model {
    name: &'static str,
    own: bool,
    features: Option<&'static str>,
    /// Operations a second with two threads.
    rate: f64,
    /// 99 percent wait no longer, with two threads.
    p99_ns: u64,
    /// 1 is fair.
    jain: f64,
    cores: f64,
    spins: bool,
}

const EXCLUSIVE: &[Model] = &[
    model("mutex", Some("lock-mutex"), 20e6, 4_000, 0.9, 1.6, false),
    model("spin", Some("lock-spin"), 30e6, 90_000, 0.6, 2.0, true),
    model("fair", Some("lock-fair"), 6e6, 1_500, 1.0, 1.3, false),
    rival("std", 19.5e6, 5_000, 0.85),
    rival("parking_lot 0.13", 22e6, 9_000, 0.8),
];

const SHARED: &[Model] = &[
    model("rw-fair", Some("rwlock-fair"), 12e6, 3_000, 1.0, 1.5, false),
    model("rw-read", Some("rwlock-read"), 25e6, 40_000, 0.7, 1.7, false),
    model("rw-write", Some("rwlock-write"), 12.1e6, 3_100, 0.9, 1.5, false),
    rival("std", 14e6, 12_000, 0.8),
    rival("parking_lot 0.13", 13e6, 11_000, 0.8),
];

const QUEUES: &[Model] = &[
    model("lockfree", Some("queue-lockfree"), 30e6, 500, 1.0, 1.9, false),
    model("locked", Some("queue-locked"), 45e6, 700, 0.9, 1.8, false),
    rival("std mpsc", 22e6, 900, 0.9),
];

const fn model(
    name: &'static str,
    features: Option<&'static str>,
    rate: f64,
    p99_ns: u64,
    jain: f64,
    cores: f64,
    spins: bool,
) -> Model {
    Model { name, own: true, features, rate, p99_ns, jain, cores, spins }
}

const fn rival(name: &'static str, rate: f64, p99_ns: u64, jain: f64) -> Model {
    Model { name, own: false, features: None, rate, p99_ns, jain, cores: 1.7, spins: false }
}

/// A question with given throughputs of own subjects in five rounds that hardly differ; the first
/// is the baseline.
pub(crate) fn question(name: &str, noise: f64, rates: &[(&str, f64)]) -> Question {
    let answer = |(subject, rate): &(&str, f64)| Answer {
        subject: (*subject).to_owned(),
        own: true,
        features: Some(format!("lock-{subject}")),
        samples: (0..5).map(|round| plain_sample(round, *rate)).collect(),
        ..Answer::default()
    };
    Question {
        name: name.to_owned(),
        title: format!("Question {name}"),
        conditions: Conditions { kind: "exclusive".into(), threads: 2, ..Conditions::default() },
        noise,
        baseline: rates[0].0.to_owned(),
        answers: rates.iter().map(answer).collect(),
    }
}

/// A sample with a throughput alone; rounds differ by tenths of a percent.
pub(crate) fn plain_sample(round: u32, rate: f64) -> Sample {
    let operations = (rate * (1000.0 + f64::from(round % 3))) as u64;
    Sample { round, wall_s: 1000.0, operations, cpu_s: 1000.0, ..Sample::default() }
}

/// A whole report.
pub(crate) fn report() -> Report {
    let mut report = Report {
        schema: SCHEMA,
        command: "ironsky lab --profile quick".into(),
        started: "2026-11-22T01:32:00Z".into(),
        took_s: 58.3,
        complete: true,
        machine: machine(),
        questions: questions(),
        advice: Vec::new(),
    };
    crate::lab::advice::advise(&mut report);
    report
}

fn machine() -> Machine {
    Machine {
        cpu: "A processor of eight letters".into(),
        cores: 2,
        governor: None,
        system: "Linux 6.1 x86_64".into(),
        rustc: "rustc 1.95.0".into(),
        ironsky: "0.1.0".into(),
        strategy: "lock mutex, rwlock fair, queue lockfree".into(),
        allocator: "jemalloc".into(),
        load: [0.4, 2.1],
    }
}

fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for threads in [1, 2, 4, 8, 16] {
        for section_ns in [50, 1_000] {
            questions.push(exclusive(threads, section_ns));
        }
    }
    for threads in [1, 2, 4, 8] {
        for reads in [0, 500, 900, 990, 999] {
            questions.push(shared(threads, reads));
        }
    }
    questions.push(queue());
    questions
}

fn exclusive(threads: u32, section_ns: u64) -> Question {
    let conditions =
        Conditions { kind: "exclusive".into(), threads, section_ns, ..Conditions::default() };
    Question {
        name: format!("exclusive/t{threads}/s{section_ns}"),
        title: format!("One exclusive lock, {threads} threads, sections of {section_ns} ns"),
        noise: 0.04,
        baseline: "mutex".into(),
        answers: EXCLUSIVE.iter().map(|model| answer(model, &conditions)).collect(),
        conditions,
    }
}

fn shared(threads: u32, reads: u32) -> Question {
    let conditions = Conditions {
        kind: "shared".into(),
        threads,
        reads_permille: Some(reads),
        ..Conditions::default()
    };
    Question {
        name: format!("shared/t{threads}/r{reads}/s0"),
        title: format!("One shared lock, {threads} threads, {} % reads", f64::from(reads) / 10.0),
        noise: 0.06,
        baseline: "rw-fair".into(),
        answers: SHARED.iter().map(|model| answer(model, &conditions)).collect(),
        conditions,
    }
}

fn queue() -> Question {
    let conditions = Conditions {
        kind: "queue".into(),
        threads: 5,
        sides: Some([4, 1]),
        ..Conditions::default()
    };
    Question {
        name: "queue/4p1c".into(),
        title: "A queue, 4 producers, 1 consumer".into(),
        noise: 0.08,
        baseline: "lockfree".into(),
        answers: QUEUES.iter().map(|model| answer(model, &conditions)).collect(),
        conditions,
    }
}

fn answer(model: &Model, conditions: &Conditions) -> Answer {
    let samples = (0..5).map(|round| sample(model, conditions, round)).collect();
    let p99 = p99_of(model, conditions);
    Answer {
        subject: model.name.into(),
        own: model.own,
        features: model.features.map(str::to_owned),
        remark: (model.spins && conditions.threads > 2)
            .then(|| "spins with more threads than cores".to_owned()),
        samples,
        curve: curve(p99),
        owners: owners(model, conditions.threads),
    }
}

fn p99_of(model: &Model, conditions: &Conditions) -> u64 {
    model.p99_ns * u64::from(conditions.threads).pow(2)
}

fn sample(model: &Model, conditions: &Conditions, round: u32) -> Sample {
    let wave = 1.0 + 0.03 * f64::from(round * 7 % 5) - 0.06;
    let crowd = 1.0 + f64::from(conditions.threads.saturating_sub(1)) * 0.25;
    let section = 1.0 + conditions.section_ns as f64 / 100.0;
    let reads = f64::from(conditions.reads_permille.unwrap_or(0)) / 1000.0;
    let rate = model.rate * wave / crowd / section * (0.5 + reads);
    let wall_s = 0.05;
    let p99 = p99_of(model, conditions);
    let operations = (rate * wall_s) as u64;
    Sample {
        round,
        wall_s,
        operations,
        latency: Some(Latency {
            count: operations,
            p50_ns: p99 / 50,
            p90_ns: p99 / 10,
            p99_ns: p99,
            p999_ns: p99 * 8,
            max_ns: p99 * 40,
        }),
        threads: shares(model, conditions.threads, operations),
        jain_operations: Some(model.jain),
        jain_held: Some(model.jain),
        bypass_max: Some(u64::from(conditions.threads) * if model.jain < 1.0 { 90 } else { 1 }),
        starved_ns: Some(p99 * 30),
        cpu_s: wall_s * model.cores,
        wasted_s: Some(wall_s * model.cores * 0.4),
        switches: Some([operations / 900, operations / 5_000]),
        futex_calls: model.own.then_some(operations / 300),
        bytes_per_element: (conditions.kind == "queue").then_some(40.0),
        ..Sample::default()
    }
}

/// The less fair, the more the first thread gets.
fn shares(model: &Model, threads: u32, operations: u64) -> Vec<Share> {
    let weight = |index: u32| 1.0 + (1.0 - model.jain) * 4.0 * f64::from(threads - index);
    let sum: f64 = (0..threads).map(weight).sum();
    let share = |index: u32| {
        let own = (operations as f64 * weight(index) / sum) as u64;
        Share { operations: own, held_ns: own * 50, reader: false }
    };
    (0..threads).map(share).collect()
}

fn curve(p99_ns: u64) -> Vec<(f64, u64)> {
    let quantiles = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 0.99999, 1.0];
    let scale = [0.01, 0.02, 0.05, 0.1, 0.4, 1.0, 2.0, 8.0, 20.0, 35.0, 40.0];
    let value = |scale: f64| (p99_ns as f64 * scale) as u64;
    quantiles.into_iter().zip(scale.map(value)).collect()
}

/// A fair subject goes round; an unfair one stays with a thread for a while.
fn owners(model: &Model, threads: u32) -> Vec<Tenure> {
    let run = if model.jain < 1.0 { 12 } else { 1 };
    let tenure = |index: u32| Tenure {
        thread: index / run % threads,
        from_ns: u64::from(index) * 60,
        to_ns: u64::from(index) * 60 + 50,
    };
    (0..240).map(tenure).collect()
}
