//! Random schedules of three tabs that ask together: of each token that one hands on it is said beforehand whether another may take it (rule 23).
//!
//! Turns come in any order, too early and never: locks are granted late, to nobody, or taken away. Messages are lost, late, twice and in any
//! order, and come to tabs that were loaded anew meanwhile; tabs are frozen. What may be taken, where an attempt waits for its turn:
//! - a record under the mark that stands, and of which this tab knows no later one; for the person for whom the attempt was begun, if the
//!   tab's own identity still says so;
//! - of a token that is not from the future, and usable for who asks;
//! - not older than the call where a fresh one is asked for, nor than the first call after an invalidate; newer than the one in hand, where
//!   that is to be refreshed ahead.

use std::collections::BTreeMap;

use custom_identity_provider::core::{
    Attempt, Cache, Caller, Effect, Event, FoundMark, News, Policy, Reason, Reply, RequestId, Settings, SignOutOrigin,
    SignOuts, first_mark,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::stage::json::{Json, raw};
use crate::stage::{Stage, livechat, scope_of, settings, token_of};

const CALLER: Caller = Caller(1);

/// Where a number chooses among what there is, it is taken modulo their count.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    Get {
        tab: usize,
        policy: usize,
    },
    Fresh {
        tab: usize,
    },
    Invalidate {
        tab: usize,
    },
    Person {
        tab: usize,
        person: Option<&'static str>,
    },
    SignOut {
        tab: usize,
    },
    ClearStorage,
    Load {
        tab: usize,
    },
    /// It is this attempt's turn, or it waits no longer.
    Turn {
        tab: usize,
        which: usize,
    },
    Answer {
        tab: usize,
        which: usize,
        seconds: i64,
    },
    /// An attempt that waits asks the other tabs.
    AskTabs {
        tab: usize,
    },
    Deliver {
        which: usize,
        again: bool,
    },
    Lose {
        which: usize,
    },
    /// A record on its way says another time of creation.
    Tamper {
        which: usize,
        by: i64,
    },
    Freeze {
        tab: usize,
    },
    Thaw {
        tab: usize,
    },
    Pass {
        milliseconds: i64,
    },
    SetClock {
        milliseconds: i64,
    },
}

pub fn schedule() -> impl Strategy<Value = Vec<Action>> {
    let tab = || 0..3_usize;
    let which = || 0..6_usize;
    let person = select(vec![Some("alice"), Some("alice"), Some("bob"), None]);
    let milliseconds = || prop_oneof![0..300_i64, 0..20_000_i64, 0..4_000_000_i64];
    let action = prop_oneof![
        8 => (tab(), 0..3_usize).prop_map(|(tab, policy)| Action::Get { tab, policy }),
        3 => tab().prop_map(|tab| Action::Fresh { tab }),
        1 => tab().prop_map(|tab| Action::Invalidate { tab }),
        1 => (tab(), person).prop_map(|(tab, person)| Action::Person { tab, person }),
        1 => tab().prop_map(|tab| Action::SignOut { tab }),
        1 => Just(Action::ClearStorage),
        1 => tab().prop_map(|tab| Action::Load { tab }),
        4 => (tab(), which()).prop_map(|(tab, which)| Action::Turn { tab, which }),
        6 => (tab(), which(), select(vec![60, 3_600, 28_800]))
            .prop_map(|(tab, which, seconds)| Action::Answer { tab, which, seconds }),
        6 => tab().prop_map(|tab| Action::AskTabs { tab }),
        16 => (which(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Action::Deliver { which, again }),
        1 => which().prop_map(|which| Action::Lose { which }),
        1 => (which(), select(vec![-70_000, 5_001, 20_000_000])).prop_map(|(which, by)| Action::Tamper { which, by }),
        1 => tab().prop_map(|tab| Action::Freeze { tab }),
        2 => tab().prop_map(|tab| Action::Thaw { tab }),
        3 => milliseconds().prop_map(|milliseconds| Action::Pass { milliseconds }),
        1 => milliseconds().prop_map(|milliseconds| Action::SetClock { milliseconds: -milliseconds }),
    ];
    prop::collection::vec(action, 1..60)
}

fn policies() -> [Policy; 3] {
    let policy = Policy::default();
    [policy, Policy { margin: Some(1_800_000), ..policy }, Policy { refresh_ahead: 3_600_000, ..policy }]
}

#[derive(Clone, Debug)]
enum Message {
    Mark(String),
    Wanted { scope: String, mark: String },
    Record(Value),
}

struct Turn {
    attempt: Attempt,
    waits: bool,
    person: Option<&'static str>,
    policy: Policy,
}

struct Tab {
    stage: Stage,
    sign_outs: SignOuts,
    /// What was told or found of sign-outs last, and what stood in storage at the last look.
    latest: Option<String>,
    stood: Option<String>,
    turns: Vec<Turn>,
    /// Since when a token for a request has to be, by the wall clock; none may be taken where it is the end of time.
    not_before: BTreeMap<RequestId, i64>,
    was_invalidated: bool,
    invalidated: i64,
    is_frozen: bool,
}

struct World {
    tabs: Vec<Tab>,
    local: Option<String>,
    marks: u32,
    tokens: u32,
    on_their_way: Vec<(usize, Message)>,
}

fn tab() -> Tab {
    let settings = Settings { seed: 7, ..settings(Cache::Memory, livechat()) };
    let mut stage = Stage::new(settings);
    stage.person = Some("alice");
    Tab {
        stage,
        sign_outs: SignOuts::default(),
        latest: None,
        stood: None,
        turns: Vec::new(),
        not_before: BTreeMap::new(),
        was_invalidated: false,
        invalidated: i64::MIN,
        is_frozen: false,
    }
}

/// Plays it, and panics where something is taken or refused otherwise than was said.
pub fn play(actions: &Vec<Action>) {
    let tabs = vec![tab(), tab(), tab()];
    let mut world = World { tabs, local: None, marks: 0, tokens: 0, on_their_way: Vec::new() };
    (0..3).for_each(|tab| world.begin(tab));
    for action in actions {
        world.act(*action);
    }
}

impl World {
    fn new_mark(&mut self) -> String {
        self.marks += 1;
        format!("{:032x}", self.marks)
    }

    fn begin(&mut self, tab: usize) {
        match self.local.clone() {
            Some(mark) => self.tabs[tab].sign_outs.begin(FoundMark::Mark(&mark)),
            None => self.write_first_mark(tab),
        }
        (self.tabs[tab].stood, self.tabs[tab].latest) = (self.local.clone(), self.local.clone());
    }

    fn write_first_mark(&mut self, tab: usize) {
        let mark = first_mark(&self.new_mark());
        self.tabs[tab].sign_outs.wrote(&mark);
        (self.tabs[tab].stood, self.tabs[tab].latest) = (Some(mark.clone()), Some(mark.clone()));
        self.local = Some(mark);
    }

    fn look(&mut self, tab: usize) {
        let found = self.local.clone();
        if self.tabs[tab].stood == found && found.is_some() {
            return;
        }
        let news = match &found {
            Some(mark) => self.tabs[tab].sign_outs.compare(FoundMark::Mark(mark)),
            None => self.tabs[tab].sign_outs.compare(FoundMark::Missing),
        };
        (self.tabs[tab].stood, self.tabs[tab].latest) = (found.clone(), found.clone());
        if found.is_none() {
            self.write_first_mark(tab);
        }
        self.hear(tab, news);
    }

    fn hear(&mut self, tab: usize, news: News) {
        match news {
            News::Nothing => {}
            News::MayHaveLeft => self.tabs[tab].stage.may_have_left(),
            News::SignedOut => self.tabs[tab].stage.sign_out(SignOutOrigin::OtherTab),
        }
        self.carry_out(tab, &Policy::default());
    }

    /// The mark under which this tab shares: it stands, and none is known that came after it.
    fn mark(&self, tab: usize) -> Option<String> {
        let Tab { stood, latest, sign_outs, .. } = &self.tabs[tab];
        let mark = stood.clone().filter(|stood| latest.as_ref() == Some(stood));
        assert_eq!(sign_outs.shared_generation(), mark.as_deref(), "under which mark it shares");
        mark
    }

    fn tell_others(&mut self, from: usize, message: &Message) {
        for other in (0..3).filter(|other| *other != from) {
            self.on_their_way.push((other, message.clone()));
        }
    }

    fn want(&mut self, tab: usize) {
        if let Some(mark) = self.mark(tab) {
            let scope = scope_of(self.tabs[tab].stage.session.identity());
            self.tell_others(tab, &Message::Wanted { scope, mark });
        }
    }

    fn hand_on(&mut self, tab: usize) {
        if let Some(mark) = self.mark(tab)
            && let Some(record) = self.tabs[tab].stage.handed_on(&mark)
        {
            self.tell_others(tab, &Message::Record(record));
        }
    }

    /// What the session said: attempts that begin wait for their turn. Answers with what was resolved, and whether another tab's was taken.
    fn carry_out(&mut self, tab: usize, policy: &Policy) -> (Vec<String>, bool) {
        let mut resolved = Vec::new();
        let mut is_shared = false;
        let mut again = Vec::new();
        let Tab { stage, turns, not_before, invalidated, was_invalidated, .. } = &mut self.tabs[tab];
        for said in stage.take() {
            match said.effect {
                Effect::Confirm(attempt) => again.push(attempt),
                Effect::Begin(attempt) => {
                    stage.wait_for_turn(attempt);
                    let now = stage.now.wall;
                    if attempt.number == 1 && std::mem::take(was_invalidated) {
                        *invalidated = now;
                    }
                    let held = stage.session.shareable(stage.now).map(|held| held.lifetime.created);
                    not_before.entry(attempt.request).or_insert_with(|| {
                        (*invalidated).max(match attempt.reason {
                            Reason::Get => i64::MIN,
                            Reason::Fresh => now,
                            Reason::Ahead => held.unwrap() + 1,
                        })
                    });
                    turns.push(Turn { attempt, waits: true, person: stage.person, policy: *policy });
                }
                Effect::Stop(request) => turns.retain(|turn| turn.attempt.request != request),
                Effect::Emit(Event::RequestShared { .. }) => is_shared = true,
                Effect::Resolve(_, grant) => {
                    let text = token_of(&grant).access_token.clone();
                    assert!(text.contains(&format!("{:?}", stage.person)), "{text} for {:?}", stage.person);
                    resolved.push(text);
                }
                _ => {}
            }
        }
        turns.retain(|turn| stage.session.is_running(turn.attempt));
        for attempt in again {
            self.tabs[tab].stage.ask(attempt, policy);
            self.carry_out(tab, policy);
        }
        (resolved, is_shared)
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Get { tab, policy } if !self.tabs[tab].is_frozen => {
                self.look(tab);
                let policy = policies()[policy];
                self.tabs[tab].stage.get_token(CALLER, &policy);
                self.carry_out(tab, &policy);
            }
            Action::Fresh { tab } if !self.tabs[tab].is_frozen => {
                self.look(tab);
                let policy = Policy::default();
                let reply = self.tabs[tab].stage.get_fresh_token(CALLER, &policy);
                self.carry_out(tab, &policy);
                // Whatever is joined by it must not be answered by an older one.
                let now = self.tabs[tab].stage.now.wall;
                if let Reply::Wait(request) = reply {
                    let not_before = self.tabs[tab].not_before.get_mut(&request).unwrap();
                    *not_before = (*not_before).max(now);
                }
            }
            Action::Invalidate { tab } if !self.tabs[tab].is_frozen => {
                self.tabs[tab].was_invalidated = true;
                self.tabs[tab].stage.invalidate();
                self.carry_out(tab, &Policy::default());
                self.tabs[tab].not_before.values_mut().for_each(|not_before| *not_before = i64::MAX);
            }
            Action::Person { tab, person } => self.tabs[tab].stage.person = person,
            Action::SignOut { tab } if !self.tabs[tab].is_frozen => {
                let mark = self.new_mark();
                self.tabs[tab].sign_outs.signed_out_here(&mark);
                self.tabs[tab].sign_outs.wrote(&mark);
                self.local = Some(mark.clone());
                (self.tabs[tab].stood, self.tabs[tab].latest) = (self.local.clone(), self.local.clone());
                self.tell_others(tab, &Message::Mark(mark));
                self.tabs[tab].stage.sign_out(SignOutOrigin::ThisTab);
                self.carry_out(tab, &Policy::default());
            }
            Action::ClearStorage => self.local = None,
            Action::Load { tab } => {
                let (now, person) = (self.tabs[tab].stage.now, self.tabs[tab].stage.person);
                self.tabs[tab] = self::tab();
                (self.tabs[tab].stage.now, self.tabs[tab].stage.person) = (now, person);
                self.begin(tab);
            }
            Action::Turn { tab, which } if !self.tabs[tab].is_frozen => {
                self.look(tab);
                let Tab { stage, turns, .. } = &mut self.tabs[tab];
                let Some(which) = which.checked_rem(turns.len()) else { return };
                let Turn { attempt, policy, person, .. } = turns[which];
                stage.ask(attempt, &policy);
                if stage.session.is_running(attempt) {
                    assert_eq!(person, stage.person, "the source answers for who is there now");
                    turns[which].waits = false;
                    stage.take_turn(attempt);
                }
                self.carry_out(tab, &policy);
            }
            Action::Answer { tab, which, seconds } if !self.tabs[tab].is_frozen => self.answer(tab, which, seconds),
            Action::AskTabs { tab } if self.tabs[tab].turns.iter().any(|turn| turn.waits) => self.want(tab),
            Action::Deliver { which, again } => {
                let Some(which) = which.checked_rem(self.on_their_way.len()) else { return };
                let (tab, message) =
                    if again { self.on_their_way[which].clone() } else { self.on_their_way.remove(which) };
                // A frozen tab hears nothing, or hears it when it goes on.
                if !self.tabs[tab].is_frozen {
                    self.deliver(tab, message);
                }
            }
            Action::Lose { which } => {
                if let Some(which) = which.checked_rem(self.on_their_way.len()) {
                    self.on_their_way.remove(which);
                }
            }
            Action::Tamper { which, by } => {
                if let Some(which) = which.checked_rem(self.on_their_way.len())
                    && let Message::Record(record) = &mut self.on_their_way[which].1
                {
                    record["creationDate"] = json!(record["creationDate"].as_i64().unwrap() + by);
                }
            }
            Action::Freeze { tab } => self.tabs[tab].is_frozen = true,
            Action::Thaw { tab } => {
                self.tabs[tab].is_frozen = false;
                self.look(tab);
                self.tabs[tab].stage.wake();
                self.carry_out(tab, &Policy::default());
            }
            Action::Pass { milliseconds } => {
                for tab in 0..3 {
                    self.tabs[tab].stage.advance(milliseconds);
                    if !self.tabs[tab].is_frozen {
                        self.tabs[tab].stage.wake();
                        self.carry_out(tab, &Policy::default());
                    }
                }
            }
            Action::SetClock { milliseconds } => {
                self.tabs.iter_mut().for_each(|tab| tab.stage.now.wall += milliseconds);
            }
            _ => {}
        }
    }

    fn answer(&mut self, tab: usize, which: usize, seconds: i64) {
        self.look(tab);
        let Some(which) = which.checked_rem(self.tabs[tab].turns.len()) else { return };
        let Turn { attempt, waits, policy, person, .. } = self.tabs[tab].turns[which];
        if waits {
            return;
        }
        self.tokens += 1;
        let text = format!("token {} of {person:?}", self.tokens);
        let stage = &mut self.tabs[tab].stage;
        stage.ask(attempt, &policy);
        stage.answer(attempt, &Json(raw(&text, "entity", seconds)).answer());
        self.carry_out(tab, &policy);
        self.hand_on(tab);
    }

    fn deliver(&mut self, tab: usize, message: Message) {
        match message {
            Message::Mark(mark) => {
                let news = self.tabs[tab].sign_outs.heard(&mark);
                if news == News::SignedOut {
                    self.tabs[tab].latest = Some(mark);
                }
                self.hear(tab, news);
            }
            Message::Wanted { scope, mark } => {
                self.look(tab);
                let own = scope_of(self.tabs[tab].stage.session.identity());
                if self.mark(tab) == Some(mark) && own == scope {
                    self.hand_on(tab);
                }
            }
            Message::Record(record) => {
                let waiting: Vec<Attempt> =
                    self.tabs[tab].turns.iter().filter(|turn| turn.waits).map(|turn| turn.attempt).collect();
                for attempt in waiting {
                    self.offer(tab, attempt, &record);
                }
            }
        }
    }

    fn offer(&mut self, tab: usize, attempt: Attempt, record: &Value) {
        self.look(tab);
        let Some(turn) = self.tabs[tab].turns.iter().find(|turn| turn.attempt == attempt) else { return };
        let Turn { policy, person, .. } = *turn;
        let not_before = self.tabs[tab].not_before[&attempt.request];
        let Some(mark) = self.mark(tab) else { return };
        let may = self.may_be_taken(tab, record, &mark, person, not_before, &policy);
        let stage = &mut self.tabs[tab].stage;
        stage.offer(attempt, &policy, &mark, record.clone());
        let (resolved, is_taken) = self.carry_out(tab, &policy);
        assert_eq!(is_taken, may, "{record} at {:?}", self.tabs[tab].stage.now);
        let text = record["accessToken"].as_str().unwrap();
        // A refresh ahead is waited for by nobody, or by who joined it.
        assert!(resolved.iter().all(|resolved| is_taken && resolved == text), "{resolved:?}");
        assert!(!resolved.is_empty() || !is_taken || attempt.reason == Reason::Ahead, "nobody is answered");
    }

    fn may_be_taken(
        &self,
        tab: usize,
        record: &Value,
        mark: &str,
        person: Option<&'static str>,
        not_before: i64,
        policy: &Policy,
    ) -> bool {
        let now = self.tabs[tab].stage.now.wall;
        let created = record["creationDate"].as_i64().unwrap();
        let lifetime = record["expiresIn"].as_i64().unwrap();
        let margin = policy.margin.unwrap_or(30_000.min(lifetime / 10));
        let is_of_this_time = record["generation"] == json!(mark);
        let is_theirs = record["scope"] == json!(scope_of(person)) && self.tabs[tab].stage.person == person;
        let is_usable = created <= now + 5_000 && now < created + lifetime - margin;
        is_of_this_time && is_theirs && is_usable && created >= not_before
    }
}
