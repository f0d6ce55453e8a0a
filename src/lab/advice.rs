//! From answers to advice: which strategy to choose for which use, and why.
//!
//! Called once, when all questions are answered. Questions are grouped by purpose.
//! Within a group:
//!
//! 1. Candidates are the subjects of the house that a feature can choose, and the baseline.
//! 2. A candidate with a heavy tail is out: 99 percent of its waits are bounded only by more than
//!    `TAIL_FREE_NS` and by more than `TAIL_TIMES` times the lowest of the candidates, in some
//!    question. (Of readers and writers the worse counts.) So is one under which some thread gets
//!    nothing in `STARVED` of a round, unless that happens to all candidates. Waits are cut off
//!    by the end of a round, so a quantile alone does not show it. But a light tail is not worth
//!    every price: when nobody with one has a `PRICE_MAX`th of the throughput of those with a
//!    heavy one, tails do not count.
//! 3. Of the rest the highest throughput wins: the geometric mean over the group's questions,
//!    compared round by round as `report::stats` does it. The baseline wins unless somebody is
//!    certainly faster. Of many candidates one leads by luck, so for this the noise counts
//!    sqrt(log2(candidates)) times: once for two, two and a half times for eighty.
//!
//! Rivals are not candidates, since no feature chooses them; one that was faster is named.

use super::record::{Advice, Answer, Conditions, Question, Report, Sample};
use super::report::columns::{Column, Unit, subject_of_verdicts};
use super::report::stats::{Band, Verdict};
use super::report::table::{baseline, times_text};

/// Waits below this harm nobody, however much more they are than another's: a time slice of the
/// system is longer.
const TAIL_FREE_NS: f64 = 1e6;

/// How many times the lowest tail is a heavy one.
const TAIL_TIMES: f64 = 10.0;

/// How many times the throughput a light tail may cost.
const PRICE_MAX: f64 = 5.0;

/// The part of a round in which a thread that gets nothing starves.
const STARVED: f64 = 0.9;

/// Fills the advice of a report from its questions.
pub fn advise(report: &mut Report) {
    let mut groups: Vec<(String, Vec<&Question>)> = Vec::new();
    for question in &report.questions {
        for purpose in purposes(question, report.machine.cores) {
            match groups.iter_mut().find(|(name, _)| *name == purpose) {
                Some((_, questions)) => questions.push(question),
                None => groups.push((purpose, vec![question])),
            }
        }
    }
    // One workload of actors alone is also all of them.
    let same = groups.first().zip(groups.get(1)).is_some_and(|(one, two)| one.1 == two.1);
    let groups = if same { &groups[1..] } else { &groups[..] };
    let advice = groups.iter().filter_map(|(purpose, group)| Group::of(group)?.advice(purpose));
    let mut advice: Vec<Advice> = advice.collect();
    advice.extend(together(&advice));
    report.advice = advice;
}

/// The uses that a question stands for: workloads of actors count together and by name.
fn purposes(question: &Question, cores: u32) -> Vec<String> {
    let mut purposes = vec![purpose(&question.conditions, cores)];
    if question.conditions.kind == "actors" {
        let workload = question.name.split('/').nth(1);
        purposes.extend(workload.map(|workload| format!("actors, {workload}")));
    }
    purposes
}

const SHORT: &str = "short exclusive sections";
const READS: &str = "read-mostly tables";
const QUEUE: &str = "run queue";
const EXCLUSIVE_ASLEEP: &str = "exclusive sections that sleep";
const SHARED_ASLEEP: &str = "shared sections that sleep";

/// One line for a whole node, where all its roles were measured.
fn together(advice: &[Advice]) -> Option<Advice> {
    let of = |purpose: &str| advice.iter().find(|advice| advice.purpose == purpose);
    let roles = [of(SHORT)?, of(READS)?, of(QUEUE)?];
    let sleeping = [(EXCLUSIVE_ASLEEP, roles[0]), (SHARED_ASLEEP, roles[1])];
    let others = sleeping.into_iter().filter_map(|(purpose, awake)| {
        let asleep = &of(purpose)?.choice;
        (*asleep != awake.choice).then(|| format!("; for {purpose} it is {asleep}"))
    });
    let lines = roles.iter().filter_map(|role| role.features.as_deref()?.strip_prefix(COMMAND));
    let features = lines.collect::<Vec<_>>().join(",");
    Some(Advice {
        purpose: "a node, all roles together".to_owned(),
        choice: roles.map(|role| role.choice.as_str()).join(" + "),
        features: (!features.is_empty()).then(|| command(&features)),
        because: format!(
            "these are the choices for {SHORT}, {READS} and the {QUEUE}; `ironsky lab actors` \
             measures the combination{}",
            others.collect::<String>()
        ),
        ..Advice::default()
    })
}

/// Names the use that conditions stand for.
fn purpose(conditions: &Conditions, cores: u32) -> String {
    let crowded = conditions.threads > cores.max(1);
    let reads = conditions.reads_permille.unwrap_or(0);
    let name = match conditions.kind.as_str() {
        "exclusive" if conditions.threads == 1 => "exclusive, nobody else there",
        "exclusive" if crowded => "exclusive, more threads than cores",
        "exclusive" if conditions.section_ns <= 1_000 => SHORT,
        "exclusive" => "long exclusive sections",
        "shared" if conditions.threads == 1 => "shared, nobody else there",
        "shared" if reads >= 900 => READS,
        "shared" => "tables that are written often",
        "blocking" => EXCLUSIVE_ASLEEP,
        "blocking-rw" => SHARED_ASLEEP,
        "queue" => QUEUE,
        "wake" => "sleep of workers",
        "actors" => "actors, all workloads",
        "lua" | "replay" => "this workload",
        other => other,
    };
    name.to_owned()
}

/// A subject in all questions of a group.
#[derive(Clone, Copy)]
struct Subject<'a> {
    answer: &'a Answer,
    group: &'a [&'a Question],
}

impl<'a> Subject<'a> {
    /// What is compared.
    fn column(self) -> &'static Column {
        subject_of_verdicts(self.group.first().map_or("", |question| &question.conditions.kind))
    }

    fn name(self) -> &'a str {
        &self.answer.subject
    }

    fn answers(self) -> impl Iterator<Item = &'a Answer> {
        let name = self.name();
        let find = move |question: &&'a Question| {
            question.answers.iter().find(move |answer| answer.subject == name)
        };
        self.group.iter().filter_map(find)
    }

    /// The geometric mean of the throughputs, round by round: rounds in which all questions have
    /// a figure.
    fn rates(self) -> Vec<(u32, f64)> {
        let column = self.column();
        let all: Vec<Vec<(u32, f64)>> =
            self.answers().map(|answer| column.rounds(answer)).collect();
        let Some(first) = all.first() else { return Vec::new() };
        let mean = |round: u32| {
            let in_round =
                |rates: &Vec<(u32, f64)>| Some(rates.iter().find(|r| r.0 == round)?.1.ln());
            let logs: Option<Vec<f64>> = all.iter().map(in_round).collect();
            Some((logs?.iter().sum::<f64>() / all.len() as f64).exp())
        };
        first.iter().filter_map(|(round, _)| Some((*round, mean(*round)?))).collect()
    }

    /// The median over the rounds.
    fn rate(self) -> f64 {
        Band::of(self.rates().into_iter().map(|(_, rate)| rate)).map_or(0.0, |band| band.median)
    }

    /// The tail in each question, where it is known.
    fn tails(self) -> Vec<Option<f64>> {
        self.answers().map(|answer| tail(answer).map(|band| band.median)).collect()
    }

    /// Whether some thread starves, question by question.
    fn starvation(self) -> Vec<bool> {
        self.answers().map(starves).collect()
    }

    fn worst_tail(self) -> Option<f64> {
        self.tails().into_iter().flatten().max_by(f64::total_cmp)
    }

    /// Its figures in words.
    fn figures(self) -> String {
        let column = self.column();
        let rate = format!("{} {}", column.unit.show(self.rate()), column.title);
        match self.worst_tail() {
            Some(tail) => format!("{rate}, p99 up to {}", Unit::Time.show(tail)),
            None => rate,
        }
    }
}

/// The bound of 99 percent of the waits; of readers and writers the worse.
fn tail(answer: &Answer) -> Option<Band> {
    let worst = |sample: &Sample| {
        let sides = [sample.readers, sample.writers].into_iter().flatten();
        let side = sides.map(|latency| latency.p99_ns).max();
        Some(side.or_else(|| sample.latency.map(|latency| latency.p99_ns))? as f64)
    };
    Band::of(answer.samples.iter().filter_map(worst))
}

fn starves(answer: &Answer) -> bool {
    let part = |sample: &Sample| Some(sample.starved_ns? as f64 / 1e9 / sample.wall_s);
    let band = Band::of(answer.samples.iter().filter_map(part));
    band.is_some_and(|band| band.median > STARVED)
}

/// The subjects of one purpose.
struct Group<'a> {
    baseline: Subject<'a>,
    /// The baseline included.
    candidates: Vec<Subject<'a>>,
    rivals: Vec<Subject<'a>>,
    noise: f64,
}

impl<'a> Group<'a> {
    /// Returns nothing for a group without answers. Only who answered every question takes part.
    fn of(group: &'a [&'a Question]) -> Option<Self> {
        let first = group.first()?;
        let subject = |answer: &'a Answer| Subject { answer, group };
        let is_everywhere = |s: &Subject<'_>| s.answers().count() == group.len();
        let everywhere = first.answers.iter().map(subject).filter(is_everywhere);
        let (own, rivals): (Vec<_>, Vec<_>) = everywhere.partition(|s| s.answer.own);
        let baseline = subject(baseline(first)?);
        let is_candidate =
            |s: &Subject<'_>| s.answer.features.is_some() || s.name() == baseline.name();
        let noise = group.iter().map(|question| question.noise).sum::<f64>() / group.len() as f64;
        let candidates = own.into_iter().filter(is_candidate).collect();
        Some(Self { baseline, candidates, rivals, noise })
    }

    fn advice(&self, purpose: &str) -> Option<Advice> {
        let (calm, heavy) = self.by_tail();
        let choice = self.choose(&calm)?;
        let is_default = choice.name() == self.baseline.name();
        let others = || calm.iter().copied().filter(|other| other.name() != choice.name());
        let within_noise =
            others().filter(|o| self.compare(*o, choice) == Verdict::Indistinguishable);
        let runner_up = others().max_by(|a, b| a.rate().total_cmp(&b.rate()));
        Some(Advice {
            purpose: purpose.to_owned(),
            choice: choice.name().to_owned(),
            features: if is_default {
                None
            } else {
                choice.answer.features.as_deref().map(command)
            },
            gain: self.gain(choice),
            runner_up: runner_up.map(|other| self.beside(other, choice)),
            within_noise: within_noise.map(|other| other.name().to_owned()).collect(),
            because: self.because(choice, &calm, &heavy),
        })
    }

    /// Those to choose from, and those that are out for their tail or because they starve.
    fn by_tail(&self) -> (Vec<Subject<'a>>, Vec<Subject<'a>>) {
        let (served, starving): (Vec<_>, Vec<_>) =
            self.candidates.iter().copied().partition(|subject| !self.starves_alone(*subject));
        let (calm, mut heavy): (Vec<_>, Vec<_>) =
            served.iter().copied().partition(|subject| !self.has_heavy_tail(*subject));
        let best = |subjects: &[Subject<'_>]| subjects.iter().map(|s| s.rate()).fold(0.0, f64::max);
        if best(&calm) * PRICE_MAX < best(&heavy) {
            return (served, starving);
        }
        heavy.extend(starving);
        // If each has a heavy tail somewhere, that decides nothing.
        if calm.is_empty() { (heavy, calm) } else { (calm, heavy) }
    }

    /// The baseline, unless somebody is certainly faster or its tail is heavy.
    fn choose(&self, calm: &[Subject<'a>]) -> Option<Subject<'a>> {
        let fastest = *calm.iter().max_by(|a, b| a.rate().total_cmp(&b.rate()))?;
        let default = calm.iter().copied().find(|subject| subject.name() == self.baseline.name());
        match default {
            Some(default) if !self.leads(fastest, default) => Some(default),
            _ => Some(fastest),
        }
    }

    /// Whether the fastest is faster than the default by more than the luck of the first of many.
    fn leads(&self, fastest: Subject<'_>, default: Subject<'_>) -> bool {
        let luck = (self.candidates.len().max(2) as f64).log2().sqrt();
        Verdict::of(&fastest.rates(), &default.rates(), self.noise * luck).is_more()
    }

    fn compare(&self, first: Subject<'_>, second: Subject<'_>) -> Verdict {
        Verdict::of(&first.rates(), &second.rates(), self.noise)
    }

    fn gain(&self, choice: Subject<'_>) -> Option<f64> {
        match self.compare(choice, self.baseline) {
            Verdict::Times(times) if choice.name() != self.baseline.name() => Some(times - 1.0),
            _ => None,
        }
    }

    fn has_heavy_tail(&self, subject: Subject<'_>) -> bool {
        let lowest = |index: usize| {
            let tails = self.candidates.iter().filter_map(|other| *other.tails().get(index)?);
            tails.min_by(f64::total_cmp)
        };
        let is_heavy = |(index, tail): (usize, Option<f64>)| {
            let (Some(tail), Some(lowest)) = (tail, lowest(index)) else { return false };
            tail > TAIL_FREE_NS && tail > lowest * TAIL_TIMES
        };
        subject.tails().into_iter().enumerate().any(is_heavy)
    }

    /// Whether some thread starves under it where none does under another candidate.
    fn starves_alone(&self, subject: Subject<'_>) -> bool {
        let others: Vec<Vec<bool>> =
            self.candidates.iter().map(|other| other.starvation()).collect();
        let all = |index: usize| others.iter().all(|other| other.get(index) == Some(&true));
        let starvation = subject.starvation().into_iter().enumerate();
        starvation.into_iter().any(|(index, starves)| starves && !all(index))
    }

    /// Names a subject with its distance from another.
    fn beside(&self, subject: Subject<'_>, other: Subject<'_>) -> String {
        match self.compare(subject, other) {
            Verdict::Indistinguishable => format!("{}, indistinguishable", subject.name()),
            Verdict::Times(times) => format!("{}, {}", subject.name(), times_text(times)),
        }
    }

    fn because(&self, choice: Subject<'a>, calm: &[Subject<'a>], heavy: &[Subject<'a>]) -> String {
        let mut text = match choice.name() == self.baseline.name() {
            true if heavy.is_empty() => {
                format!("nobody is certainly faster than the default ({})", choice.figures())
            }
            true if calm.len() > 1 => format!(
                "nobody without a heavy tail is certainly faster than the default ({})",
                choice.figures()
            ),
            true => format!("the default alone has no heavy tail ({})", choice.figures()),
            false => {
                format!("{} against {} of the default", choice.figures(), self.baseline.figures())
            }
        };
        let faster = |other: &&Subject<'a>| self.compare(**other, choice).is_more();
        for other in heavy.iter().filter(faster) {
            let figures = other.figures();
            text.push_str(&format!(
                "; {} was faster, but its tail is heavy ({figures})",
                other.name()
            ));
        }
        let rivals = self.rivals.iter().filter(faster);
        if let Some(rival) = rivals.max_by(|a, b| a.rate().total_cmp(&b.rate())) {
            let beside = self.beside(*rival, choice);
            text.push_str(&format!("; of the rivals {beside}, was faster ({})", rival.figures()));
        }
        text.push_str(&format!("; noise {:.1} %", self.noise * 100.0));
        text
    }
}

const COMMAND: &str = "cargo build --release --features ";

/// The line to paste. A line that is a command already stays.
fn command(features: &str) -> String {
    match features.contains(' ') {
        true => features.to_owned(),
        false => format!("{COMMAND}{features}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::record::Latency;
    use crate::lab::report::example::question;

    fn advice_of(questions: Vec<Question>) -> Vec<Advice> {
        let mut report = Report { questions, ..Report::default() };
        report.machine.cores = 2;
        advise(&mut report);
        report.advice
    }

    fn one(question: Question) -> Advice {
        let mut advice = advice_of(vec![question]);
        assert_eq!(advice.len(), 1);
        advice.remove(0)
    }

    fn set_tail(question: &mut Question, subject: &str, p99_ns: u64) {
        let answers = question.answers.iter_mut();
        for answer in answers.filter(|answer| answer.subject == subject) {
            for sample in &mut answer.samples {
                sample.latency = Some(Latency { p99_ns, ..Latency::default() });
            }
        }
    }

    #[test]
    fn the_fastest_is_chosen_with_its_line_and_its_gain() {
        let advice = one(question("q", 0.05, &[("mutex", 10.0), ("spin", 15.0), ("fair", 4.0)]));
        assert_eq!(advice.choice, "spin");
        assert_eq!(advice.features.as_deref(), Some("cargo build --release --features lock-spin"));
        assert!((advice.gain.unwrap() - 0.5).abs() < 0.01);
        assert_eq!(advice.runner_up.as_deref(), Some("mutex, -33 %"));
        assert_eq!(advice.within_noise, [""; 0]);
        assert!(advice.because.contains("15 ops/s against 10 ops/s"), "{}", advice.because);
    }

    #[test]
    fn the_default_stays_when_all_is_within_the_noise() {
        let advice = one(question("q", 0.2, &[("mutex", 10.0), ("spin", 11.0), ("fair", 9.5)]));
        assert_eq!((advice.choice.as_str(), advice.features, advice.gain), ("mutex", None, None));
        assert_eq!(advice.within_noise, ["spin", "fair"]);
        assert_eq!(advice.runner_up.as_deref(), Some("spin, indistinguishable"));
    }

    #[test]
    fn the_first_of_many_needs_a_larger_lead() {
        let names: Vec<String> = (0..64).map(|index| format!("s{index}")).collect();
        let choice = |best: f64| {
            let mut rates: Vec<(&str, f64)> = names.iter().map(|name| (&**name, 10.0)).collect();
            rates[9].1 = best;
            one(question("q", 0.1, &rates)).choice
        };
        assert_eq!(choice(12.0), "s0", "64 candidates: the noise counts 2.4 times");
        assert_eq!(choice(13.0), "s9");
    }

    #[test]
    fn a_heavy_tail_costs_the_choice_and_is_told() {
        let mut question = question("q", 0.05, &[("mutex", 10.0), ("spin", 15.0)]);
        set_tail(&mut question, "mutex", 200_000);
        set_tail(&mut question, "spin", 50_000_000);
        let advice = one(question);
        assert_eq!(advice.choice, "mutex");
        assert!(advice.because.contains("spin was faster, but its tail is heavy"));
        assert!(advice.because.contains("50.0 ms"), "{}", advice.because);
    }

    #[test]
    fn a_default_with_a_heavy_tail_is_not_kept() {
        let mut question = question("q", 0.05, &[("mutex", 10.0), ("fair", 4.0)]);
        set_tail(&mut question, "mutex", 90_000_000);
        set_tail(&mut question, "fair", 2_000_000);
        let advice = one(question);
        assert_eq!(advice.choice, "fair");
        assert!((advice.gain.unwrap() + 0.6).abs() < 0.01, "the price is told");
    }

    #[test]
    fn a_light_tail_is_not_worth_every_price() {
        let mut question = question("q", 0.05, &[("mutex", 10.0), ("fair", 1.0)]);
        set_tail(&mut question, "mutex", 90_000_000);
        set_tail(&mut question, "fair", 2_000_000);
        assert_eq!(one(question).choice, "mutex");
    }

    #[test]
    fn waits_that_harm_nobody_do_not_count() {
        let mut question = question("q", 0.05, &[("mutex", 10.0), ("spin", 15.0)]);
        set_tail(&mut question, "mutex", 1_000);
        set_tail(&mut question, "spin", 900_000);
        assert_eq!(one(question).choice, "spin");
    }

    #[test]
    fn the_side_that_starves_counts() {
        let mut question = question("q", 0.05, &[("fair", 10.0), ("read", 30.0)]);
        for sample in &mut question.answers[1].samples {
            sample.readers = Some(Latency { p99_ns: 100, ..Latency::default() });
            sample.writers = Some(Latency { p99_ns: 1_000_000_000, ..Latency::default() });
        }
        set_tail(&mut question, "fair", 3_000_000);
        assert_eq!(one(question).choice, "fair");
    }

    #[test]
    fn who_lets_a_thread_starve_is_not_chosen() {
        let starving = |subjects: &[usize]| {
            let mut question = question("q", 0.05, &[("fair", 10.0), ("read", 30.0)]);
            for subject in subjects {
                for sample in &mut question.answers[*subject].samples {
                    sample.starved_ns = Some((sample.wall_s * 1e9) as u64);
                }
            }
            one(question).choice
        };
        assert_eq!(starving(&[1]), "fair");
        assert_eq!(starving(&[0, 1]), "read", "what happens to all decides nothing");
        assert_eq!(starving(&[]), "read");
    }

    #[test]
    fn a_rival_is_named_but_never_chosen() {
        let rates = [("mutex", 10.0), ("spin", 12.0), ("rival", 30.0), ("other", 20.0)];
        let mut question = question("q", 0.05, &rates);
        question.answers[2].own = false;
        question.answers[3].own = false;
        let advice = one(question);
        assert_eq!(advice.choice, "spin");
        assert!(advice.because.contains("of the rivals rival, x 2.50, was faster"));
    }

    #[test]
    fn what_no_feature_chooses_is_not_advised() {
        let mut question = question("q", 0.05, &[("mutex", 10.0), ("reentrant", 30.0)]);
        question.answers[1].features = None;
        assert_eq!(one(question).choice, "mutex");
    }

    #[test]
    fn a_purpose_weighs_all_its_questions() {
        let first = question("a", 0.05, &[("mutex", 10.0), ("spin", 13.0), ("fair", 1.0)]);
        let second = question("b", 0.05, &[("mutex", 100.0), ("spin", 50.0), ("fair", 980.0)]);
        let advice = advice_of(vec![first, second]);
        assert_eq!(advice.len(), 1);
        assert_eq!(advice[0].choice, "mutex", "{advice:?}");
        assert_eq!(advice[0].within_noise, ["fair"]);
    }

    #[test]
    fn purposes_are_kept_apart() {
        let calm = question("a", 0.05, &[("mutex", 10.0), ("spin", 15.0)]);
        let mut crowded = question("b", 0.05, &[("mutex", 10.0), ("spin", 5.0)]);
        crowded.conditions.threads = 16;
        let advice = advice_of(vec![calm, crowded]);
        let choices: Vec<_> = advice.iter().map(|a| (&*a.purpose, &*a.choice)).collect();
        let expected =
            [("short exclusive sections", "spin"), ("exclusive, more threads than cores", "mutex")];
        assert_eq!(choices, expected);
    }

    #[test]
    fn the_roles_of_a_node_come_together_in_one_line() {
        let exclusive = question("a", 0.05, &[("mutex", 10.0), ("spin", 15.0)]);
        let mut shared = question("b", 0.05, &[("rw-fair", 10.0), ("rw-read", 10.0)]);
        shared.conditions.kind = "shared".into();
        shared.conditions.reads_permille = Some(990);
        let mut queue = question("c", 0.05, &[("lockfree", 10.0), ("locked", 15.0)]);
        queue.conditions.kind = "queue".into();
        let mut asleep = question("d", 0.05, &[("mutex", 10.0), ("fair", 15.0)]);
        asleep.conditions.kind = "blocking".into();
        let advice = advice_of(vec![exclusive, shared, queue, asleep]);
        let node = advice.last().unwrap();
        assert_eq!(node.choice, "spin + rw-fair + locked");
        let line = "cargo build --release --features lock-spin,lock-locked";
        assert_eq!(node.features.as_deref(), Some(line));
        assert!(node.because.ends_with("; for exclusive sections that sleep it is fair"));
    }

    #[test]
    fn workloads_of_actors_count_together_and_by_name() {
        let ask = |name: &str, spin: f64| {
            let mut question = question(name, 0.05, &[("mutex", 10.0), ("spin", spin)]);
            question.conditions.kind = "actors".into();
            question
        };
        let advice = advice_of(vec![ask("actors/pair/w1", 20.0), ask("actors/ring/w1", 5.0)]);
        let choices: Vec<_> = advice.iter().map(|a| (&*a.purpose, &*a.choice)).collect();
        let expected = [
            ("actors, all workloads", "mutex"),
            ("actors, pair", "spin"),
            ("actors, ring", "mutex"),
        ];
        assert_eq!(choices, expected);
    }

    #[test]
    fn wake_ups_are_compared_by_their_latency() {
        let mut question = question("q", 0.05, &[("futex", 10.0), ("condvar", 10.0)]);
        question.conditions.kind = "wake".into();
        for (answer, p50_ns) in question.answers.iter_mut().zip([8_000, 4_000]) {
            for sample in &mut answer.samples {
                sample.latency = Some(Latency { p50_ns, ..Latency::default() });
            }
        }
        let advice = one(question);
        assert_eq!(advice.choice, "condvar");
        assert!(advice.because.contains("250 k wake-ups/s"), "{}", advice.because);
    }

    #[test]
    fn an_interrupted_run_gives_no_verdict() {
        let mut question = question("q", 0.05, &[("mutex", 10.0), ("spin", 50.0)]);
        question.answers.iter_mut().for_each(|answer| answer.samples.truncate(1));
        assert_eq!(one(question).choice, "mutex");
        assert_eq!(advice_of(vec![Question::default()]), []);
    }
}
