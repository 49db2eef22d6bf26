//! Timeline of a recording: events and their order.

use std::collections::VecDeque;

use super::config::{CUE_LENGTH, MARGIN, MIN_DURATION, SynthConfig};
use super::random::{Purpose, Random};
use super::world::{CueSide, World};

/// An onset that leads to nothing is at least that long.
const MIN_FRAGMENT: f64 = 2.0;

/// Content of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An action of a class.
    Action,
    /// The cue of a class.
    Cue,
    /// A body without onset and offset.
    BodyOnly,
    /// Offset, body, onset.
    WrongOrder,
    /// An onset alone.
    OnsetOnly,
}

/// Something between `start` and `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Event {
    pub(super) kind: Kind,
    pub(super) class: usize,
    pub(super) start: f64,
    pub(super) end: f64,
    /// Stretch that no other event of the same appearance may enter.
    reserved: (f64, f64),
}

/// All events of a recording of `len` features.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    pub(super) len: usize,
    pub(super) events: Vec<Event>,
    /// Stretches of noise alone.
    pub(super) dropouts: Vec<(f64, f64)>,
}

impl Timeline {
    /// Class, start and end of the actions.
    pub(super) fn actions(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        self.events
            .iter()
            .filter(|event| event.kind == Kind::Action)
            .map(|event| (event.class, event.start, event.end))
    }
}

/// An action that waits for its place.
#[derive(Debug, Clone, Copy)]
struct Card {
    class: usize,
    duration: f64,
    /// Distance of its cue.
    distance: f64,
}

/// Lays out the recordings of one subset, one after another.
pub(super) struct Dealer<'a> {
    world: &'a World,
    config: &'a SynthConfig,
    random: Random,
    deck: VecDeque<Card>,
}

impl<'a> Dealer<'a> {
    pub(super) fn new(world: &'a World, config: &'a SynthConfig, subset: u64) -> Self {
        Self {
            world,
            config,
            random: Random::new(config.seed, Purpose::Layout, subset),
            deck: VecDeque::new(),
        }
    }

    /// The next recording.
    pub(super) fn recording(&mut self) -> Timeline {
        self.recording_of(self.config.length_range())
    }

    /// The next recording, of a length within these bounds.
    pub(super) fn recording_of(&mut self, lengths: (usize, usize)) -> Timeline {
        let len = self.random.integer(lengths);
        let mut timeline = Timeline {
            len,
            events: Vec::new(),
            dropouts: Vec::new(),
        };
        let last = len as f64 - 1.0 - MARGIN;
        let mut cursor = MARGIN;
        loop {
            let gap = snap(self.random.exponential(self.config.mean_gap));
            let is_first = timeline.events.is_empty();
            let card = self.deal(|card, context| {
                // The first action gives way to nothing, so that no recording is empty.
                let gap = if is_first { 0.0 } else { gap };
                cursor + gap + card.duration + context <= last
            });
            let Some(card) = card else { break };
            let extent = card.duration + self.context(card.class);
            cursor += gap.min(snap(last - cursor - extent).max(0.0));
            let start = cursor + self.before(card.class);
            cursor = self.place(&mut timeline, card, start);
            let overlapped = (start, start + card.duration);
            let overlaps = self.config.difficulty * self.config.overlap;
            if self.random.chance(overlaps) {
                cursor = cursor.max(self.overlap(&mut timeline, card.class, overlapped, last));
            }
            let distracted = self.config.difficulty * self.config.distractors_per_action;
            if self.random.chance(distracted) {
                cursor = self.distract(&mut timeline, cursor, last);
            }
        }
        self.drop_out(&mut timeline);
        timeline
    }

    /// Takes the first waiting action that `fits`, given the room that its cue needs.
    fn deal(&mut self, fits: impl Fn(&Card, f64) -> bool) -> Option<Card> {
        let num_classes = self.world.classes.len();
        if self.deck.len() < num_classes {
            let mut classes: Vec<usize> = (0..num_classes).collect();
            self.random.shuffle(&mut classes);
            for class in classes {
                let duration = self.duration(class);
                let distance = snap(self.random.between(self.config.cue_distance));
                self.deck.push_back(Card {
                    class,
                    duration,
                    distance,
                });
            }
        }
        let mut deck = self.deck.iter();
        let index = deck.position(|card| fits(card, self.context(card.class)))?;
        self.deck.remove(index)
    }

    fn duration(&mut self, class: usize) -> f64 {
        let median = self.world.appearances[self.world.classes[class].appearance].duration;
        let drawn = self.random.log_normal(median, self.config.duration_sigma);
        let bounded = drawn.min(self.config.max_duration() - 1.0);
        snap(bounded.max(MIN_DURATION))
    }

    /// Room that a class needs beside its actions.
    fn context(&self, class: usize) -> f64 {
        match self.world.classes[class].cue {
            Some(_) => self.config.context(),
            None => 0.0,
        }
    }

    /// The part of that room that lies before an action.
    fn before(&self, class: usize) -> f64 {
        match self.world.classes[class].cue {
            Some((CueSide::Before, _)) => self.config.context(),
            _ => 0.0,
        }
    }

    /// Puts an action with its cue into the recording; the end of its room.
    fn place(&self, timeline: &mut Timeline, card: Card, start: f64) -> f64 {
        let end = start + card.duration;
        let first = start - self.before(card.class);
        let reserved = (first, first + card.duration + self.context(card.class));
        let event = |kind, start, end| Event {
            kind,
            class: card.class,
            start,
            end,
            reserved,
        };
        timeline.events.push(event(Kind::Action, start, end));
        let cue = self.world.classes[card.class].cue.as_ref();
        timeline.events.extend(cue.map(|(side, _)| {
            // All positions are multiples of 1/64, so this is exact.
            let cue = match side {
                CueSide::Before => start - card.distance - CUE_LENGTH,
                CueSide::After => end + card.distance,
            };
            event(Kind::Cue, cue, cue + CUE_LENGTH)
        }));
        reserved.1
    }

    /// Lets an action of another appearance begin within `overlapped`; the end of its room, or of the overlapped action.
    fn overlap(
        &mut self,
        timeline: &mut Timeline,
        class: usize,
        overlapped: (f64, f64),
        last: f64,
    ) -> f64 {
        let (from, to) = overlapped;
        let share = self.random.between((0.3, 0.9));
        let start = snap(from + share * (to - from));
        let world = self.world;
        let appearance = |class: usize| world.classes[class].appearance;
        let contexts: Vec<(f64, f64)> = (0..world.classes.len())
            .map(|class| (self.before(class), self.context(class)))
            .collect();
        let events = &timeline.events;
        let card = self.deal(|card, context| {
            let first = start - contexts[card.class].0;
            let reserved = (first, first + card.duration + context);
            appearance(card.class) != appearance(class)
                && first >= MARGIN
                && reserved.1 <= last
                && events.iter().all(|event| {
                    appearance(event.class) != appearance(card.class)
                        || event.reserved.1 <= reserved.0
                        || reserved.1 <= event.reserved.0
                })
        });
        match card {
            Some(card) => self.place(timeline, card, start),
            None => to,
        }
    }

    /// Puts a distractor behind the cursor if there is room; the new cursor.
    fn distract(&mut self, timeline: &mut Timeline, cursor: f64, last: f64) -> f64 {
        let gap = snap(self.random.exponential(self.config.mean_gap));
        let class = self.random.below(self.world.classes.len());
        let duration = self.duration(class);
        let has_cue = self.world.classes[class].cue.is_some();
        let (kind, duration) = match self.random.below(if has_cue { 4 } else { 3 }) {
            0 => (Kind::BodyOnly, duration),
            1 => (Kind::WrongOrder, duration),
            2 => (Kind::OnsetOnly, snap(0.3 * duration).max(MIN_FRAGMENT)),
            _ => (Kind::Cue, CUE_LENGTH),
        };
        let start = cursor + gap;
        let end = start + duration;
        if end > last {
            return cursor;
        }
        timeline.events.push(Event {
            kind,
            class,
            start,
            end,
            reserved: (start, end),
        });
        end
    }

    fn drop_out(&mut self, timeline: &mut Timeline) {
        let rate = self.config.difficulty * self.config.dropouts_per_100 / 100.0;
        if rate <= 0.0 {
            return;
        }
        let mut position: f64 = 0.0;
        loop {
            position += snap(self.random.exponential(1.0 / rate));
            let end = position + snap(self.random.between((1.0, 3.0)));
            if end > timeline.len as f64 {
                break;
            }
            // If a cue is missing nothing could tell the classes apart; a feature's window reaches further.
            let reach = 1.0 + f64::from(self.config.num_frames / self.config.feat_stride);
            let hits_cue = timeline.events.iter().any(|event| {
                event.kind == Kind::Cue && position < event.end + reach && event.start - reach < end
            });
            let hides_action = timeline
                .actions()
                .any(|(_, start, stop)| 2.0 * (end.min(stop) - position.max(start)) > stop - start);
            if !hits_cue && !hides_action {
                timeline.dropouts.push((position, end));
            }
            position = end;
        }
    }
}

/// Rounds to 1/64 feature, far coarser than platforms' logarithms differ.
fn snap(position: f64) -> f64 {
    (position * 64.0).round() / 64.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timelines(config: &SynthConfig, count: usize) -> (World, Vec<Timeline>) {
        config.validate().unwrap();
        let world = World::new(config);
        let mut dealer = Dealer::new(&world, config, 0);
        let timelines = (0..count).map(|_| dealer.recording()).collect();
        (world, timelines)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn events_stay_inside_and_cues_belong_to_one_action(
            seed: u64, difficulty in 0.0..=1.0f64, num_classes in 1..9usize, mean_length in 140..300usize,
        ) {
            let config = SynthConfig { seed, difficulty, num_classes, mean_length, ..SynthConfig::default() };
            let (world, timelines) = timelines(&config, 10);
            for timeline in &timelines {
                prop_assert!(timeline.actions().count() > 0);
                let last = timeline.len as f64 - 1.0 - MARGIN;
                for event in &timeline.events {
                    prop_assert!(event.start >= MARGIN && event.end <= last && event.end - event.start >= 2.0);
                }
                for action in timeline.events.iter().filter(|e| e.kind == Kind::Action) {
                    let near = |event: &&Event| {
                        event.kind == Kind::Cue
                            && world.classes[event.class].appearance == world.classes[action.class].appearance
                            && event.start >= action.reserved.0
                            && event.end <= action.reserved.1
                    };
                    let cues: Vec<&Event> = timeline.events.iter().filter(near).collect();
                    if world.classes[action.class].cue.is_none() {
                        continue;
                    }
                    prop_assert_eq!(cues.len(), 1);
                    prop_assert_eq!(cues[0].class, action.class);
                    let distance = (action.start - cues[0].end).max(cues[0].start - action.end);
                    let (least, most) = config.cue_distance;
                    // Positions are rounded.
                    prop_assert!((least - 0.01..=most + 0.01).contains(&distance));
                }
            }
        }
    }

    #[test]
    fn classes_are_balanced_and_hard_recordings_have_overlap() {
        let config = SynthConfig {
            difficulty: 1.0,
            ..SynthConfig::default()
        };
        let (_, timelines) = timelines(&config, 200);
        let mut counts = vec![0usize; config.num_classes];
        let mut num_overlaps = 0;
        for timeline in &timelines {
            let actions: Vec<_> = timeline.actions().collect();
            for (i, a) in actions.iter().enumerate() {
                counts[a.0] += 1;
                let meets = |b: &(usize, f64, f64)| a.1 < b.2 && b.1 < a.2;
                num_overlaps += actions[i + 1..].iter().filter(|b| meets(b)).count();
            }
        }
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 6, "{counts:?}");
        assert!(num_overlaps > 20, "{num_overlaps}");
    }
}
