//! Sentences that several outputs share: where it ran, how noisy it was, what is advised.

use super::columns::Unit;
use crate::lab::record::{Advice, Question, Report};

/// The conditions of the whole run, a line each.
pub(crate) fn conditions_of_run(report: &Report) -> Vec<String> {
    let machine = &report.machine;
    let governor = machine.governor.as_deref().unwrap_or("unknown");
    let mut lines = vec![
        format!("machine:   {} x {}, governor {governor}", machine.cores, machine.cpu),
        format!("system:    {}", machine.system),
        format!("build:     ironsky {}, {}", machine.ironsky, machine.rustc),
        format!("strategy:  {}; allocator {}", machine.strategy, machine.allocator),
        format!("load:      {:.2} before, {:.2} after", machine.load[0], machine.load[1]),
        format!("run:       {}, {}", report.started, Unit::Time.show(report.took_s * 1e9)),
        format!("repeat by: {}", report.command),
    ];
    if machine.load.iter().any(|load| *load > f64::from(machine.cores) / 2.0) && machine.cores > 0 {
        lines
            .push("NOTE: other work was going on; figures within the noise say nothing".to_owned());
    }
    if !report.complete {
        lines.push("INTERRUPTED: cells are missing or have fewer rounds".to_owned());
    }
    lines
}

/// How far two measurements of the same subject were apart.
pub(crate) fn noise(question: &Question) -> String {
    format!("noise {:.1} %", question.noise * 100.0)
}

/// What a piece of advice says below its choice.
pub(crate) fn advice_lines(advice: &Advice) -> Vec<String> {
    let mut lines = vec![match &advice.features {
        Some(features) => features.clone(),
        None => "the default already: nothing to set".to_owned(),
    }];
    lines.push(advice.because.clone());
    if let Some(runner_up) = &advice.runner_up {
        lines.push(format!("runner-up: {runner_up}"));
    }
    if !advice.within_noise.is_empty() {
        lines.push(format!("indistinguishable from it: {}", some_of(&advice.within_noise)));
    }
    lines
}

/// The first of a list of names, and how many others there are.
fn some_of(names: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    match names.get(..SHOWN_MAX) {
        Some(first) if names.len() > SHOWN_MAX + 1 => {
            format!("{} and {} others", first.join(", "), names.len() - SHOWN_MAX)
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (1..=9).map(|number| number.to_string()).collect();
        assert_eq!(some_of(&names[..6]), "1, 2, 3, 4, 5, 6");
        assert_eq!(some_of(&names), "1, 2, 3, 4, 5 and 4 others");
    }
}
