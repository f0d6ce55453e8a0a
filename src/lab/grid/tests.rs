//! What is asked: names, contestants, the control, and how long a profile takes.

use std::collections::HashSet;

use super::*;
use crate::lab::options::Profile;

fn options(profile: Profile) -> Options {
    Options { profile, ..Options::default() }
}

fn names(plan: &[Asked]) -> Vec<&str> {
    plan.iter().map(|asked| asked.question.name.as_str()).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn seconds(profile: Profile, cores: usize) -> f64 {
    let plan = plan(&options(profile), cores).unwrap();
    plan.iter().map(Asked::estimate).sum::<Duration>().as_secs_f64()
}

#[test]
fn profiles_keep_to_their_time() {
    for cores in [1, 2, 4, 8, 64] {
        let (quick, standard) = (seconds(Profile::Quick, cores), seconds(Profile::Standard, cores));
        assert!(quick < 55.0, "{cores} cores: {quick}");
        assert!(standard < 550.0, "{cores} cores: {standard}");
        assert!(seconds(Profile::Full, cores) < 12.0 * 3_600.0, "{cores} cores");
    }
}

#[test]
fn names_are_unique_and_every_question_has_its_control() {
    let plan = plan(&options(Profile::Standard), 2).unwrap();
    let unique: HashSet<&str> = names(&plan).into_iter().collect();
    assert_eq!(unique.len(), plan.len());
    for name in [
        "exclusive/t16/s50",
        "exclusive/t8/s50/o500",
        "blocking/t8",
        "shared/t8/r999/s1000",
        "blocking-rw/4r1w",
        "queue/4p1c",
        "wake/idle",
    ] {
        assert!(unique.contains(name), "{name} is not in {unique:?}");
    }
    let defaults = default_subjects();
    for asked in &plan {
        let control = asked.contestants[asked.control].facts.name;
        assert_eq!(asked.question.baseline, control);
        let expected: &str = match asked.question.conditions.kind.as_str() {
            "exclusive" | "blocking" => &defaults[0],
            "shared" | "blocking-rw" => &defaults[1],
            "queue" => &defaults[2],
            _ => "futex",
        };
        let known = asked.contestants.iter().any(|contestant| contestant.facts.name == expected);
        assert!(control == expected || !known, "{}: {control}", asked.question.name);
        assert!(asked.rounds >= 5);
    }
}

#[test]
fn a_feature_is_told_only_where_it_chooses_the_role() {
    let plan = plan(&options(Profile::Quick), 2).unwrap();
    let feature = |kind: &str, name: &str| {
        let asked = plan.iter().find(|asked| asked.question.conditions.kind == kind).unwrap();
        asked.contestants.iter().find(|c| c.facts.name == name).unwrap().facts.feature
    };
    assert_eq!(feature("exclusive", "mutex"), Some("lock-mutex"));
    assert_eq!(feature("shared", "mutex"), None);
    assert_eq!(feature("shared", "rw-read"), Some("rwlock-read"));
    assert_eq!(feature("queue", "lockfree"), Some("queue-lockfree"));
    assert_eq!(feature("wake", "futex"), None);
}

#[test]
fn locks_that_spin_in_order_are_spared_a_quick_run() {
    let has_ticket = |profile, name: &str| {
        let plan = plan(&options(profile), 2).unwrap();
        let asked = plan.into_iter().find(|asked| asked.question.name == name).unwrap();
        asked.contestants.iter().any(|contestant| contestant.facts.name == "mcslock")
    };
    assert!(has_ticket(Profile::Quick, "exclusive/t2/s50"));
    assert!(!has_ticket(Profile::Quick, "exclusive/t8/s50"));
    assert!(has_ticket(Profile::Standard, "exclusive/t8/s50"));
}

#[test]
fn only_and_locks_choose() {
    let mut options = options(Profile::Quick);
    options.only = words(&["blocking"]);
    assert_eq!(names(&plan(&options, 2).unwrap()), ["blocking/t8"]);
    options.only = words(&["exclusive", "4w"]);
    options.locks = words(&["FAIR", "parking_lot 0.1"]);
    let plan = plan(&options, 2).unwrap();
    assert!(names(&plan).contains(&"blocking-rw/4r4w"));
    let subjects = |name: &str| {
        let asked = plan.iter().find(|asked| asked.question.name == name).unwrap();
        asked.contestants.iter().map(|contestant| contestant.facts.name).collect::<Vec<_>>()
    };
    let three = ["fair", "parking_lot 0.12", "parking_lot 0.13", "parking_lot 0.13 fair"];
    assert_eq!(subjects("exclusive/t2/s50"), three);
    assert_eq!(subjects("blocking-rw/4r4w"), ["parking_lot 0.12", "parking_lot 0.13"]);
}

#[test]
fn words_that_fit_nothing_are_named_with_what_there_is() {
    let error = |only: &[&str], locks: &[&str]| {
        let options = Options { only: words(only), locks: words(locks), ..options(Profile::Quick) };
        plan(&options, 2).err().unwrap().to_string()
    };
    let only = error(&["blockng"], &[]);
    assert!(only.contains("--only \"blockng\"") && only.contains("blocking/t8"), "{only}");
    let locks = error(&[], &["fare"]);
    assert!(locks.contains("--locks \"fare\"") && locks.contains("rw-fair"), "{locks}");
    assert!(error(&["wake"], &["fair"]).contains("no question"));
}

#[test]
fn a_replay_has_one_question_for_each_class() {
    let class = |name: &str, kind, reads_permille| Class {
        class: name.to_owned(),
        kind,
        threads: 3,
        reads_permille,
        hold_ns: 80,
        outside_ns: 5_000_000,
        acquisitions: 10,
        collisions: 1,
    };
    let classes = vec![class("mailbox", Kind::Exclusive, 0), class("registry", Kind::Shared, 998)];
    let options = Options { replay: Some(classes), ..Options::default() };
    let plan = plan(&options, 2).unwrap();
    assert_eq!(names(&plan), ["replay/mailbox", "replay/registry"]);
    let conditions = &plan[1].question.conditions;
    assert_eq!((conditions.kind.as_str(), conditions.reads_permille), ("replay", Some(998)));
    assert_eq!((conditions.threads, conditions.section_ns), (3, 80));
    assert_eq!(conditions.outside_ns, Class::OUTSIDE_MAX_NS);
    assert_eq!(plan[1].question.baseline, default_subjects()[1]);
}

#[test]
fn titles_are_sentences() {
    let plan = plan(&options(Profile::Quick), 2).unwrap();
    let title =
        |name: &str| &plan.iter().find(|asked| asked.question.name == name).unwrap().question.title;
    assert_eq!(title("exclusive/t1/s50"), "1 thread, sections of 50 ns");
    assert_eq!(
        title("exclusive/t8/s50/o500"),
        "8 threads, sections of 50 ns, 500 ns of work between them"
    );
    assert_eq!(title("blocking/t8"), "8 threads, sections that sleep 300 us");
    assert_eq!(title("shared/t8/r990/s50"), "8 threads, 99 % reads, sections of 50 ns");
    assert_eq!(title("blocking-rw/4r4w"), "4 readers, 4 writers, sections that sleep 300 us");
    assert_eq!(title("queue/4p1c"), "4 producers to 1 consumer");
}
