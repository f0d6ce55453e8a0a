//! The counters count: exactly, by class, and only while they are on.

use super::*;

#[test]
fn names_that_are_no_class_are_refused_with_the_names_that_are() {
    let error = index_of("mail").unwrap_err();
    assert!(error.to_string().starts_with("no lock class \"mail\": the classes are body, "));
    assert_eq!(index_of("mailbox"), Ok(3));
}

fn sample() -> Vec<ClassStats> {
    let mut waits = [0; WAIT_BUCKETS];
    (waits[10], waits[20]) = (98, 2);
    let totals = Totals {
        threads: 3,
        acquisitions: 4_000,
        reads: 3_000,
        is_shared: true,
        failed_tries: 1,
        collisions: 100,
        wait_ns: 400_000,
        waits,
        hold_ns: 700,
        holds: 7,
        outside_ns: 90_000,
        outsides: 3,
    };
    let unused = ClassStats { class: "timer", is_on: false, totals: Totals::default() };
    vec![ClassStats { class: "registry", is_on: true, totals }, unused]
}

#[test]
fn the_profile_has_the_used_classes() {
    let expected = "[{\"class\":\"registry\",\"kind\":\"shared\",\"threads\":3,\
                    \"reads_permille\":750,\"hold_ns\":100,\"outside_ns\":30000,\
                    \"acquisitions\":4000,\"collisions\":100}]";
    assert_eq!(profile(&sample()), expected);
    assert_eq!(profile(&[]), "[]");
}

#[test]
fn the_table_has_a_row_a_class_and_times_with_units() {
    let text = table(&sample());
    let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3);
    let expected = "registry on 3 4000 75% 100 1 4000 ns 2097 us 400 us 100 ns 30 us";
    assert_eq!(rows[1].join(" "), expected);
    assert_eq!(rows[2][..3], ["timer", "off", "0"]);
}

#[test]
fn a_share_of_the_waits_stays_below_a_power_of_two() {
    let totals = &sample()[0].totals;
    assert_eq!(totals.wait_ns_of_all_but_one_in(2), 2 << 10);
    assert_eq!(totals.wait_ns_of_all_but_one_in(100), 2 << 20);
    assert_eq!(Totals::default().wait_ns_of_all_but_one_in(100), 0);
}

cfg_select! {
    all(feature = "lock-stats", not(any(ironsky_loom, ironsky_shuttle))) => {
        mod counting;
    }
    _ => {
        #[test]
        fn without_counters_every_call_says_how_to_get_them() {
            for result in [enable(None), disable(Some("mailbox")), reset()] {
                assert_eq!(result, Err(StatsError::NotBuilt));
            }
            let text = snapshot().unwrap_err().to_string();
            assert!(text.ends_with("build with --features lock-stats"), "{text}");
        }
    }
}
