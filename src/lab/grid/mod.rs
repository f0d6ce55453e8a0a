//! The questions of a run: which subjects under which conditions.
//!
//! Called by `run`. `axes` has the points of each profile; here they become questions with their
//! subjects, and the options take out what was not asked for.

mod axes;
mod names;

use std::time::Duration;

use super::measure::{self, Ends, Entry, Load, Mix, Outcome, Round};
use super::options::{LabError, Options};
use super::record::{Conditions, Question};
use super::replay::{Class, Kind};
use super::subjects::{self, Facts, Spins, default_subjects};
use crate::sync::describe;
use axes::{Axes, Point, SLEEP_NS};

/// A question with everything that is needed to answer it.
pub struct Asked {
    /// The question, still without answers.
    pub question: Question,
    /// Who answers it.
    pub contestants: Vec<Contestant>,
    /// Which of them is measured twice in every round, to know the noise.
    pub control: usize,
    /// How many rounds.
    pub rounds: u32,
    /// How long a contestant is measured in a round.
    pub cell: Duration,
    /// Whether threads are pinned.
    pub pin: bool,
}

/// A subject under the conditions of a question.
pub struct Contestant {
    /// What it is; the feature is none where it would not choose this role.
    pub facts: Facts,
    measure: Box<dyn Fn(Round) -> Outcome>,
}

impl Contestant {
    /// Measures it for one round.
    #[must_use]
    pub fn measure(&self, round: Round) -> Outcome {
        (self.measure)(round)
    }
}

/// What a cell costs besides its duration: starting threads and merging what they found.
const CELL_EXTRA: Duration = Duration::from_millis(2);

/// The same for each thread.
const THREAD_EXTRA: Duration = Duration::from_micros(80);

impl Asked {
    /// How many cells there are, the control's included.
    #[must_use]
    pub fn cells(&self) -> u32 {
        self.rounds * (self.contestants.len() as u32 + 1)
    }

    /// About how long one cell takes.
    #[must_use]
    pub fn cell_estimate(&self) -> Duration {
        self.cell + CELL_EXTRA + THREAD_EXTRA * self.question.conditions.threads
    }

    /// About how long the question takes.
    #[must_use]
    pub fn estimate(&self) -> Duration {
        self.cell_estimate() * self.cells()
    }
}

/// Makes the questions that the options ask for on a machine with so many cores.
///
/// # Errors
/// [`LabError::Unknown`] for a word that fits no question or subject, [`LabError::Nothing`] when
/// nothing is left to measure.
pub fn plan(options: &Options, cores: usize) -> Result<Vec<Asked>, LabError> {
    let chooser = names::Chooser::new(&options.locks)?;
    let axes = axes::axes(options, cores);
    let maker = Maker { options, cores, axes, chooser };
    let all = match &options.replay {
        Some(classes) => classes.iter().map(|class| maker.class(class)).collect(),
        None => maker.grid(),
    };
    let known: Vec<String> = all.iter().map(|asked| asked.question.name.clone()).collect();
    names::check_only(&options.only, &known)?;
    let is_wanted = |asked: &Asked| names::is_wanted(&options.only, &asked.question.name);
    let plan: Vec<Asked> =
        all.into_iter().filter(|asked| !asked.contestants.is_empty() && is_wanted(asked)).collect();
    if plan.is_empty() {
        let reason = "the subjects of --locks take no part in the questions of --only".to_owned();
        return Err(LabError::Nothing { reason });
    }
    Ok(plan)
}

/// What makes questions.
struct Maker<'a> {
    options: &'a Options,
    cores: usize,
    axes: Axes,
    chooser: names::Chooser,
}

/// What a subject is for in a question.
#[derive(Clone, Copy)]
enum Role {
    Exclusive,
    Shared,
    Queue,
    Parker,
}

impl Maker<'_> {
    fn grid(&self) -> Vec<Asked> {
        let axes = &self.axes;
        let mut all = Vec::new();
        all.extend(axes.exclusive.iter().map(|point| self.exclusive(point)));
        all.extend(axes.sleepers.iter().map(|&threads| self.blocking(threads)));
        all.extend(axes.shared.iter().map(|point| self.shared(point)));
        all.extend(axes.readers_writers.iter().map(|&sides| self.blocking_sides(sides)));
        all.extend(axes.producers_consumers.iter().map(|&sides| self.queue(sides)));
        all.push(self.wake());
        all
    }

    fn exclusive(&self, point: &Point) -> Asked {
        let question = self.question("exclusive", point.conditions());
        self.locks(question, Role::Exclusive, point.load(Mix::Exclusive), self.axes.busy)
    }

    fn shared(&self, point: &Point) -> Asked {
        let reads_permille = Some(point.reads);
        let conditions = Conditions { reads_permille, ..point.conditions() };
        let question = self.question("shared", conditions);
        self.locks(question, Role::Shared, point.load(Mix::Random(point.reads)), self.axes.busy)
    }

    fn blocking(&self, threads: usize) -> Asked {
        let load = asleep(threads, Mix::Exclusive);
        let question = self.question("blocking", conditions(&load));
        self.locks(question, Role::Exclusive, load, self.axes.blocking)
    }

    fn blocking_sides(&self, [readers, writers]: [usize; 2]) -> Asked {
        let load = asleep(readers + writers, Mix::Readers(readers));
        let sides = Some([readers as u32, writers as u32]);
        let question = self.question("blocking-rw", Conditions { sides, ..conditions(&load) });
        let mut asked = self.locks(question, Role::Shared, load, self.axes.sides);
        // A reader that works on a copy does not hold anything for as long as it reads.
        asked.retain(|facts| facts.remark.is_none());
        asked
    }

    fn queue(&self, [producers, consumers]: [usize; 2]) -> Asked {
        let sides = Some([producers as u32, consumers as u32]);
        let threads = (producers + consumers) as u32;
        let question =
            self.question("queue", Conditions { threads, sides, ..Conditions::default() });
        let ends = Ends { producers, consumers };
        let mut asked = self.asked(question, Role::Queue, measure::queues(), ends, self.axes.busy);
        // A channel with one receiver would do with several consumers what it does with one.
        asked.retain(|facts| consumers == 1 || facts.name != "std mpsc");
        asked
    }

    fn wake(&self) -> Asked {
        let question = self.question("wake", Conditions { threads: 2, ..Conditions::default() });
        self.asked(question, Role::Parker, measure::parkers(), (), self.axes.wake)
    }

    fn class(&self, class: &Class) -> Asked {
        let (role, mix) = match class.kind {
            Kind::Exclusive => (Role::Exclusive, Mix::Exclusive),
            Kind::Shared => (Role::Shared, Mix::Random(class.reads_permille)),
        };
        let load = Load {
            threads: class.threads,
            mix,
            section_ns: class.hold_ns,
            blocking: false,
            outside_ns: class.outside_ns.min(Class::OUTSIDE_MAX_NS),
        };
        let reads_permille = matches!(mix, Mix::Random(_)).then_some(class.reads_permille);
        let mut question =
            self.question("replay", Conditions { reads_permille, ..conditions(&load) });
        question.name = format!("replay/{}", class.class);
        question.title = format!(
            "{}: {}; {:.2} % of its acquisitions had to wait in the real load",
            class.class,
            question.title,
            class.waited_percent()
        );
        self.locks(question, role, load, self.axes.sides)
    }

    fn question(&self, kind: &str, conditions: Conditions) -> Question {
        let kind = kind.to_owned();
        let conditions = Conditions { kind, pinned: self.options.pin, ..conditions };
        let (name, title) = (names::name(&conditions), names::title(&conditions));
        Question { name, title, conditions, ..Question::default() }
    }

    fn locks(&self, question: Question, role: Role, load: Load, cell: Duration) -> Asked {
        let entries = match role {
            Role::Shared => measure::shared(),
            _ => measure::exclusive(),
        };
        let mut asked = self.asked(question, role, entries, load, cell);
        if !self.axes.collapses && load.threads > self.cores {
            asked.retain(|facts| facts.spins != Spins::InOrder);
        }
        asked
    }

    fn asked<L: Copy + 'static>(
        &self,
        question: Question,
        role: Role,
        entries: Vec<Entry<L>>,
        load: L,
        cell: Duration,
    ) -> Asked {
        let chosen = entries.into_iter().filter(|entry| self.chooser.takes(entry.facts.name));
        let contestants = chosen.map(|entry| Contestant {
            facts: Facts { feature: feature(role, &entry.facts), ..entry.facts },
            measure: Box::new(move |round| (entry.measure)(&load, round)),
        });
        let contestants = contestants.collect();
        let (rounds, pin) = (self.axes.rounds, self.options.pin);
        let mut asked = Asked { question, contestants, control: 0, rounds, cell, pin };
        asked.choose_control(role);
        asked
    }
}

impl Asked {
    /// Takes contestants out.
    fn retain(&mut self, keep: impl Fn(&Facts) -> bool) {
        let control = self.contestants.get(self.control).map(|control| control.facts.name);
        self.contestants.retain(|contestant| keep(&contestant.facts));
        let is_it = |contestant: &Contestant| Some(contestant.facts.name) == control;
        self.control = self.contestants.iter().position(is_it).unwrap_or(0);
        self.name_baseline();
    }

    /// The control is what this build's node uses, or the house's default, or the first.
    fn choose_control(&mut self, role: Role) {
        let [exclusive, shared, queue] = default_subjects();
        let wanted = match role {
            Role::Exclusive => [exclusive, subjects::BASE_EXCLUSIVE.to_owned()],
            Role::Shared => [shared, subjects::BASE_SHARED.to_owned()],
            Role::Queue => [queue, subjects::BASE_QUEUE.to_owned()],
            Role::Parker => [subjects::BASE_PARKER.to_owned(), String::new()],
        };
        let position = |name: &String| self.contestants.iter().position(|c| c.facts.name == name);
        self.control = wanted.iter().find_map(position).unwrap_or(0);
        self.name_baseline();
    }

    fn name_baseline(&mut self) {
        let control = self.contestants.get(self.control);
        self.question.baseline = control.map_or("", |control| control.facts.name).to_owned();
    }
}

/// The feature that makes a subject the default in this role, if there is one.
fn feature(role: Role, facts: &Facts) -> Option<&'static str> {
    let feature = facts.feature?;
    let chooses = match role {
        Role::Exclusive => feature.starts_with("lock-"),
        Role::Shared => feature.starts_with("rwlock-"),
        // The feature takes the exclusive lock in effect; the other queues are not to be had by it.
        Role::Queue if feature == "queue-locked" => {
            facts.name.strip_prefix("locked ") == Some(describe().exclusive)
        }
        Role::Queue => true,
        Role::Parker => false,
    };
    chooses.then_some(feature)
}

impl Point {
    fn load(&self, mix: Mix) -> Load {
        let Self { threads, section_ns, outside_ns, .. } = *self;
        Load { threads, mix, section_ns, blocking: false, outside_ns }
    }

    fn conditions(&self) -> Conditions {
        conditions(&self.load(Mix::Exclusive))
    }
}

fn asleep(threads: usize, mix: Mix) -> Load {
    Load { threads, mix, section_ns: SLEEP_NS, blocking: true, outside_ns: 0 }
}

fn conditions(load: &Load) -> Conditions {
    Conditions {
        threads: load.threads as u32,
        section_ns: load.section_ns,
        outside_ns: load.outside_ns,
        blocking: load.blocking,
        ..Conditions::default()
    }
}

#[cfg(test)]
mod tests;
