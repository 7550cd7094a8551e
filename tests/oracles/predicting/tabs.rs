//! Random schedules of two tabs and a worker, or of three tabs, of one origin: who hears of a sign-out, whatever becomes of what tells it.
//!
//! What is guaranteed, and looked at here at every step:
//! - A token of before a sign-out is not handed out any more in a tab that was told of it, by an event or over the channel; nor in one that
//!   finds something else where the mark stood that it knew at the sign-out, whatever that is: the mark, another one, none. Nor in one that
//!   knew no mark because none could be read or kept, but slept, and heard that it came back, or that can read now what it could not read
//!   then. What is left are tabs that nobody told, and for which the old mark still stands, because storage could be neither written nor
//!   cleared at the sign-out, or none ever stood.
//! - Nobody is rejected with SIGNED_OUT but for a sign-out after the call, or one whose news were still on their way at the call. So a
//!   first visit, a storage that is cleared, one that cannot be read, and news that come twice reject nobody.
//! - A sign-out is heard as one, once, by who is told of it or finds its mark in another's place; and nothing else is.
//! - So it is with a token that a page gives again without looking (rule 25): a step takes a millisecond, for which tokens are lent.
//! - A record of before is not read after, unless storage could be neither written nor cleared at the sign-out, and this tab was not told.

use std::fmt;

use custom_identity_provider::core::{
    Attempt, Cache, Caller, Effect, ErrorCode, Event, FoundMark, Grant, Moment, News, Policy, Reply, RequestId,
    Settings, SignOutOrigin, SignOuts, first_mark,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::stage::json::{Json, raw};
use crate::stage::{START, Stage, livechat, settings, token_of};

/// One identity function a tab.
const CALLER: Caller = Caller(1);
const POLICY: Policy = Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 };

/// What localStorage does when it is touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LocalStorage {
    Works,
    /// Writing throws: it is full.
    Refuses,
    /// Writing does nothing.
    IsInert,
    /// Everything throws.
    IsBlocked,
}

/// Where a number chooses among what there is, it is taken modulo their count.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// The tab loads a page anew.
    Load {
        tab: usize,
        person: Option<&'static str>,
    },
    /// Two tabs begin at once: both look before one of them writes.
    BeginTogether {
        tabs: [usize; 2],
    },
    Call {
        tab: usize,
    },
    /// The source answers.
    Answer {
        tab: usize,
    },
    Person {
        tab: usize,
        person: Option<&'static str>,
    },
    SignOut {
        tab: usize,
    },
    /// The site clears localStorage.
    Clear {
        tab: usize,
    },
    Becomes(LocalStorage),
    /// News that were on their way arrive, perhaps not for the last time.
    Deliver {
        tab: usize,
        which: usize,
        again: bool,
    },
    Lose {
        tab: usize,
        which: usize,
    },
    /// The page goes into the back/forward cache.
    Sleep {
        tab: usize,
    },
    ComeBack {
        tab: usize,
    },
    /// `document.open()`: the page's listeners are gone.
    DocumentOpen {
        tab: usize,
    },
    /// The browser has no BroadcastChannel, or closes it.
    LoseChannel {
        tab: usize,
    },
}

#[derive(Clone)]
pub struct Schedule {
    pub has_worker: bool,
    pub seed: u32,
    pub actions: Vec<Action>,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the last of three is a worker: {}", self.has_worker)?;
        self.actions.iter().try_for_each(|action| writeln!(f, "{action:?}"))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Told {
    /// A storage event; none: cleared or removed.
    Stored(Option<String>),
    Broadcast {
        mark: String,
        is_written: bool,
    },
}

/// What is true of one token, whoever knows it.
struct Birth {
    /// When its source was asked.
    at: usize,
    person: Option<&'static str>,
}

struct SignOut {
    mark: String,
    at: usize,
    tab: usize,
    /// The mark was written, or the one before it removed.
    took_effect: bool,
    /// What each page knew of marks, if it had begun.
    known: Vec<Option<Option<String>>>,
}

struct Waiter {
    request: RequestId,
    at: usize,
    /// Marks whose news were on their way.
    under_way: Vec<String>,
}

/// A page or worker as it is driven by `src/browser/page.rs` and `pkg/src/page.js`.
struct Tab {
    is_worker: bool,
    sign_outs: SignOuts,
    stage: Stage,
    has_begun: bool,
    /// What was found when the mark was looked at last; outermost none: it is to be told whatever is found.
    seen: Option<Found>,
    is_asleep: bool,
    /// When it came back and heard of it, or found that it can read again what was unreadable.
    came_back: Option<usize>,
    hears_events: bool,
    has_channel: bool,
    inbox: Vec<Told>,
    /// Which marks were delivered to this page, and when.
    told: Vec<(String, usize)>,
    /// Which marks it was told, found, or left itself.
    knows: Vec<String>,
    waiters: Vec<Waiter>,
    running: Vec<(Attempt, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Found {
    Unreadable,
    Missing,
    Mark(String),
}

impl Found {
    fn as_mark(&self) -> FoundMark<'_> {
        match self {
            Self::Unreadable => FoundMark::Unreadable,
            Self::Missing => FoundMark::Missing,
            Self::Mark(mark) => FoundMark::Mark(mark),
        }
    }
}

struct World {
    local: Option<String>,
    storage: LocalStorage,
    tabs: Vec<Tab>,
    sign_outs: Vec<SignOut>,
    tokens: Vec<Birth>,
    /// How many steps there were: the time by which everything is ordered.
    step: usize,
    marks: u32,
}

impl Tab {
    fn new(is_worker: bool, seed: u32) -> Self {
        let mut stage = Stage::new(Settings { seed, ..settings(Cache::Session, livechat()) });
        stage.person = Some("alice");
        Self {
            is_worker,
            sign_outs: SignOuts::default(),
            stage,
            has_begun: false,
            seen: None,
            is_asleep: false,
            came_back: None,
            hears_events: !is_worker,
            has_channel: true,
            inbox: Vec::new(),
            told: Vec::new(),
            knows: Vec::new(),
            waiters: Vec::new(),
            running: Vec::new(),
        }
    }
}

/// Plays it, and panics where something happens that never may.
pub fn play(schedule: &Schedule) {
    let tabs = (0..3).map(|tab| Tab::new(schedule.has_worker && tab == 2, schedule.seed)).collect();
    let mut world = World {
        local: None,
        storage: LocalStorage::Works,
        tabs,
        sign_outs: Vec::new(),
        tokens: Vec::new(),
        step: 0,
        marks: 0,
    };
    for action in &schedule.actions {
        world.step += 1;
        world.look_at_leases();
        world.act(*action);
        world.look_at_leases();
    }
}

impl World {
    fn now(&self) -> Moment {
        let passed = i64::try_from(self.step).unwrap();
        Moment { wall: START + passed, monotonic: passed }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Load { tab, person } => {
                let tab = &mut self.tabs[tab];
                // sessionStorage outlives the page; a worker has none.
                let stored = tab.stage.stored.take();
                *tab = Tab::new(tab.is_worker, 7);
                (tab.stage.stored, tab.stage.person) = (stored, person);
            }
            Action::BeginTogether { tabs } => self.begin(&tabs),
            Action::Call { tab } if !self.tabs[tab].is_asleep => self.call(tab),
            Action::Answer { tab } if !self.tabs[tab].is_asleep => self.answer(tab),
            Action::Person { tab, person } => self.tabs[tab].stage.person = person,
            Action::SignOut { tab } if !self.tabs[tab].is_asleep => self.sign_out(tab),
            Action::Clear { tab } if self.storage != LocalStorage::IsBlocked && self.local.is_some() => {
                self.local = None;
                self.tell_others(tab, &Told::Stored(None));
            }
            Action::Becomes(storage) => self.storage = storage,
            Action::Deliver { tab, which, again } => {
                if let Some(which) = which.checked_rem(self.tabs[tab].inbox.len()) {
                    let inbox = &mut self.tabs[tab].inbox;
                    let news = if again { inbox[which].clone() } else { inbox.remove(which) };
                    self.deliver(tab, &news);
                }
            }
            Action::Lose { tab, which } => {
                if let Some(which) = which.checked_rem(self.tabs[tab].inbox.len()) {
                    self.tabs[tab].inbox.remove(which);
                }
            }
            Action::Sleep { tab } if !self.tabs[tab].is_worker => {
                let tab = &mut self.tabs[tab];
                tab.is_asleep = true;
                tab.inbox.clear();
                if tab.hears_events && tab.has_begun {
                    tab.leave();
                }
            }
            Action::ComeBack { tab } if self.tabs[tab].is_asleep => {
                let come_back = &mut self.tabs[tab];
                come_back.is_asleep = false;
                if come_back.hears_events && come_back.has_begun {
                    come_back.came_back = Some(self.step);
                    come_back.leave();
                    self.look(tab);
                    self.on_stage(tab).wake();
                    self.carry_out(tab);
                }
            }
            Action::DocumentOpen { tab } => self.tabs[tab].hears_events = false,
            Action::LoseChannel { tab } => self.tabs[tab].has_channel = false,
            _ => {}
        }
    }

    /// Rule 25: a tab that gives a token without looking at the mark gives none that it would not give if it looked.
    fn look_at_leases(&self) {
        for (number, tab) in self.tabs.iter().enumerate().filter(|(_, tab)| !tab.is_asleep) {
            if let Some(grant) = tab.stage.lent_to(CALLER, &POLICY, tab.stage.person, self.now()) {
                self.handed_out(number, grant);
            }
        }
    }

    // localStorage.

    fn found(&self, tab: usize) -> Found {
        match &self.local {
            _ if self.tabs[tab].is_worker || self.storage == LocalStorage::IsBlocked => Found::Unreadable,
            Some(mark) => Found::Mark(mark.clone()),
            None => Found::Missing,
        }
    }

    fn new_mark(&mut self) -> String {
        self.marks += 1;
        format!("{:032x}", self.marks)
    }

    /// Leaves a mark, and answers whether it stands; one that can't be written must not leave an older one standing.
    fn write_mark(&mut self, tab: usize, mark: &str) -> bool {
        if self.tabs[tab].is_worker || self.storage == LocalStorage::IsBlocked {
            return false;
        }
        let is_written = self.storage == LocalStorage::Works;
        let written = is_written.then(|| mark.to_owned());
        let has_changed = self.local != written;
        self.local.clone_from(&written);
        if has_changed {
            self.tell_others(tab, &Told::Stored(written));
        }
        if is_written {
            self.tabs[tab].seen = Some(Found::Mark(mark.to_owned()));
        }
        is_written
    }

    fn tell_others(&mut self, from: usize, news: &Told) {
        let is_event = matches!(news, Told::Stored(_));
        for (number, tab) in self.tabs.iter_mut().enumerate() {
            let hears = if is_event { !tab.is_worker } else { tab.has_channel };
            if number != from && !tab.is_asleep && hears {
                tab.inbox.push(news.clone());
            }
        }
    }

    // What the page does.

    /// These begin if they have not: all look before any writes.
    fn begin(&mut self, tabs: &[usize]) {
        let mut lookers = Vec::new();
        for &tab in tabs {
            if !std::mem::replace(&mut self.tabs[tab].has_begun, true) && !lookers.contains(&tab) {
                lookers.push(tab);
            }
        }
        let found: Vec<Found> = lookers.iter().map(|tab| self.found(*tab)).collect();
        for (tab, found) in lookers.into_iter().zip(found) {
            self.tabs[tab].sign_outs.begin(found.as_mark());
            self.tabs[tab].seen = Some(found.clone());
            match found {
                Found::Missing => self.write_first_mark(tab),
                Found::Mark(mark) => self.tabs[tab].knows.push(mark),
                Found::Unreadable => {}
            }
        }
    }

    fn write_first_mark(&mut self, tab: usize) {
        let mark = first_mark(&self.new_mark());
        if self.write_mark(tab, &mark) {
            self.tabs[tab].sign_outs.wrote(&mark);
        }
    }

    fn look(&mut self, tab: usize) {
        let found = self.found(tab);
        if self.tabs[tab].seen.as_ref() == Some(&found) {
            return;
        }
        let page = &mut self.tabs[tab];
        if page.seen.replace(found.clone()) == Some(Found::Unreadable) {
            page.came_back = Some(self.step);
        }
        let known = page.sign_outs.generation().map(str::to_owned);
        let news = page.sign_outs.compare(found.as_mark());
        let mark = match &found {
            Found::Mark(mark) => Some(mark.clone()),
            _ => None,
        };
        let is_sign_out = self.sign_outs.iter().any(|sign_out| Some(&sign_out.mark) == mark.as_ref());
        let is_unknown = mark.as_ref().is_some_and(|mark| !page.knows.contains(mark));
        if known.is_some() && known == mark {
            assert_eq!(news, News::Nothing, "the same mark stands");
        } else if is_sign_out && is_unknown {
            let expected = if known.is_some() { News::SignedOut } else { News::MayHaveLeft };
            assert_eq!(news, expected, "{mark:?} is found, and nobody told of it");
        } else if !is_sign_out {
            assert_ne!(news, News::SignedOut, "nobody signed out: {found:?}");
            assert!(known.is_none() || news == News::MayHaveLeft, "{known:?} stood there, and {found:?} now");
        }
        page.knows.extend(mark);
        if found == Found::Missing {
            self.write_first_mark(tab);
        }
        self.check_generation(tab);
        self.hear(tab, news);
    }

    /// Records are written under the mark that stands, and none where none does.
    fn check_generation(&self, tab: usize) {
        let standing = match self.found(tab) {
            Found::Mark(mark) => Some(mark),
            _ => None,
        };
        assert_eq!(self.tabs[tab].sign_outs.generation(), standing.as_deref());
    }

    /// A mark reaches a page.
    fn tell(&mut self, tab: usize, mark: &str) {
        let step = self.step;
        let page = &mut self.tabs[tab];
        page.told.push((mark.to_owned(), step));
        let news = page.sign_outs.heard(mark);
        let is_sign_out = self.sign_outs.iter().any(|sign_out| sign_out.mark == mark);
        let is_news = is_sign_out && !page.knows.iter().any(|known| known == mark);
        assert_eq!(news, if is_news { News::SignedOut } else { News::Nothing }, "told of {mark}");
        page.knows.push(mark.to_owned());
        self.hear(tab, news);
    }

    fn hear(&mut self, tab: usize, news: News) {
        match news {
            News::Nothing => {}
            News::MayHaveLeft => self.on_stage(tab).may_have_left(),
            News::SignedOut => {
                assert!(!self.sign_outs.is_empty(), "nobody has ever signed out");
                self.on_stage(tab).sign_out(SignOutOrigin::OtherTab);
                self.tabs[tab].stage.stored = None;
            }
        }
        self.carry_out(tab);
    }

    fn sign_out(&mut self, tab: usize) {
        self.begin(&[tab]);
        let mark = self.new_mark();
        let known = |tab: &Tab| tab.has_begun.then(|| tab.sign_outs.generation().map(str::to_owned));
        let known = self.tabs.iter().map(known).collect();
        let before = self.local.clone();
        self.tabs[tab].sign_outs.signed_out_here(&mark);
        self.tabs[tab].knows.push(mark.clone());
        let is_written = self.write_mark(tab, &mark);
        if is_written {
            self.tabs[tab].sign_outs.wrote(&mark);
        }
        let took_effect = self.local != before;
        self.sign_outs.push(SignOut { mark: mark.clone(), at: self.step, tab, took_effect, known });
        if self.tabs[tab].has_channel {
            // A page whose storage takes no mark has removed the older one; a worker has no storage.
            let is_written = is_written || !self.tabs[tab].is_worker;
            self.tell_others(tab, &Told::Broadcast { mark, is_written });
        }
        self.on_stage(tab).sign_out(SignOutOrigin::ThisTab);
        self.carry_out(tab);
        self.tabs[tab].stage.stored = None;
    }

    fn deliver(&mut self, tab: usize, news: &Told) {
        match news {
            _ if !self.tabs[tab].has_begun => {}
            Told::Stored(mark) if self.tabs[tab].hears_events => {
                if let Some(mark) = mark {
                    self.tell(tab, mark);
                }
                self.look(tab);
            }
            Told::Broadcast { mark, is_written } if self.tabs[tab].has_channel => {
                self.tell(tab, mark);
                // Who could not write it has this page say that somebody may have left, where nothing newer says more.
                if !is_written && Some(self.found(tab)) == self.tabs[tab].seen {
                    let mark = first_mark(&self.new_mark());
                    if self.write_mark(tab, &mark) {
                        self.tabs[tab].seen = None;
                    }
                }
            }
            _ => {}
        }
    }

    fn under_way(&self) -> Vec<String> {
        let marks = |tab: &Tab| tab.inbox.clone();
        let mark = |news| match news {
            Told::Stored(mark) => mark,
            Told::Broadcast { mark, .. } => Some(mark),
        };
        self.tabs.iter().flat_map(marks).filter_map(mark).collect()
    }

    fn call(&mut self, tab: usize) {
        let (at, under_way) = (self.step, self.under_way());
        self.begin(&[tab]);
        self.look(tab);
        let reply = self.on_stage(tab).get_token(CALLER, &POLICY);
        self.carry_out(tab);
        match reply {
            Reply::Token(grant) => self.handed_out(tab, &grant),
            Reply::Wait(request) => self.tabs[tab].waiters.push(Waiter { request, at, under_way }),
            Reply::Refuse(failure) => panic!("refused: {failure:?}"),
        }
    }

    /// The tab's stage, now, under the mark that it knows to stand; a worker can store nothing.
    fn on_stage(&mut self, tab: usize) -> &mut Stage {
        let now = self.now();
        let Tab { stage, sign_outs, is_worker, .. } = &mut self.tabs[tab];
        stage.now = now;
        stage.generation = sign_outs.generation().filter(|_| !*is_worker).map(str::to_owned);
        stage
    }

    fn answer(&mut self, tab: usize) {
        let Some((attempt, born)) = self.tabs[tab].running.first().copied() else { return };
        self.look(tab);
        let Some(readings) = self.on_stage(tab).readings(attempt) else { return };
        assert!(matches!(readings[..], [(CALLER, _)]), "{readings:?}");
        self.tabs[tab].running.retain(|(running, _)| *running != attempt);
        self.on_stage(tab).confirm(attempt, &POLICY, &readings);
        self.carry_out(tab);
        let person = self.tabs[tab].stage.person;
        self.tokens.push(Birth { at: born, person });
        let token = raw(&(self.tokens.len() - 1).to_string(), "entity", 28_800);
        self.on_stage(tab).answer(attempt, &Json(token).answer());
        self.carry_out(tab);
    }

    fn carry_out(&mut self, tab: usize) {
        let step = self.step;
        for said in self.tabs[tab].stage.take() {
            match said.effect {
                Effect::Begin(attempt) => self.tabs[tab].running.push((attempt, step)),
                Effect::Stop(request) => self.tabs[tab].running.retain(|(attempt, _)| attempt.request != request),
                Effect::Resolve(request, grant) => {
                    let token = &self.tokens[number_of(&grant)];
                    assert_eq!(token.person, self.tabs[tab].stage.person, "another person's token");
                    self.tabs[tab].waiters.retain(|waiter| waiter.request != request);
                }
                Effect::Reject(request, failure) => {
                    if failure.code == ErrorCode::SignedOut {
                        self.check_rejected(tab, request);
                    }
                    self.tabs[tab].waiters.retain(|waiter| waiter.request != request);
                }
                Effect::Refuse(request, ..) | Effect::Drop(request) => {
                    self.tabs[tab].waiters.retain(|waiter| waiter.request != request);
                }
                Effect::Emit(Event::Restored { .. }) => self.check_restored(tab),
                Effect::Confirm(_) | Effect::Store(_) | Effect::Forget | Effect::Emit(_) => {}
            }
        }
    }

    // What never may be.

    /// A token was in hand in this tab.
    fn handed_out(&self, tab: usize, grant: &Grant) {
        let token = &self.tokens[number_of(grant)];
        let page = &self.tabs[tab];
        assert_eq!(token.person, page.stage.person, "another person's token");
        let found = match self.found(tab) {
            Found::Mark(mark) => Some(mark),
            _ => None,
        };
        for sign_out in self.sign_outs.iter().filter(|sign_out| sign_out.at > token.at) {
            let mark = &sign_out.mark;
            assert_ne!(sign_out.tab, tab, "of before the sign-out in this tab");
            let was_told = page.told.iter().any(|(told, at)| told == mark && *at > token.at);
            assert!(!was_told, "of before {mark}, which this tab was told of");
            let Some(known) = &sign_out.known[tab] else { continue };
            let is_same = known.is_none() || *known == found;
            assert!(is_same, "of before {mark}: {known:?} stood there, and {found:?} now");
            let slept = page.came_back.is_some_and(|at| at > sign_out.at);
            assert!(!slept || known.is_some(), "of before {mark}, and the tab slept, or could not read");
        }
    }

    fn check_rejected(&self, tab: usize, request: RequestId) {
        for waiter in self.tabs[tab].waiters.iter().filter(|waiter| waiter.request == request) {
            let is_for = |sign_out: &SignOut| sign_out.at >= waiter.at || waiter.under_way.contains(&sign_out.mark);
            assert!(self.sign_outs.iter().any(is_for), "rejected who came after the latest sign-out");
        }
    }

    fn check_restored(&self, tab: usize) {
        let page = &self.tabs[tab];
        let record = page.stage.stored.as_ref().expect("it was read");
        let token = &self.tokens[record["accessToken"].as_str().unwrap().parse::<usize>().unwrap()];
        for sign_out in self.sign_outs.iter().filter(|sign_out| sign_out.at > token.at) {
            let was_told = page.told.iter().any(|(told, at)| *told == sign_out.mark && *at > token.at);
            assert!(!sign_out.took_effect && !was_told, "a record of before {} was read", sign_out.mark);
            assert_ne!(sign_out.tab, tab, "a record of before the sign-out in this tab was read");
        }
    }
}

impl Tab {
    /// The page goes to sleep, or may have slept.
    fn leave(&mut self) {
        self.seen = None;
        self.sign_outs.left();
    }
}

/// The number that a token's text is.
fn number_of(grant: &Grant) -> usize {
    token_of(grant).access_token.parse().unwrap()
}

fn action() -> impl Strategy<Value = Action> {
    let tab = || 0..3_usize;
    let person = || select(vec![Some("alice"), Some("alice"), Some("bob"), None]);
    let storage = vec![
        LocalStorage::Works,
        LocalStorage::Works,
        LocalStorage::Refuses,
        LocalStorage::IsInert,
        LocalStorage::IsBlocked,
    ];
    prop_oneof![
        2 => (tab(), person()).prop_map(|(tab, person)| Action::Load { tab, person }),
        2 => (tab(), tab()).prop_map(|(one, other)| Action::BeginTogether { tabs: [one, other] }),
        10 => tab().prop_map(|tab| Action::Call { tab }),
        8 => tab().prop_map(|tab| Action::Answer { tab }),
        1 => (tab(), person()).prop_map(|(tab, person)| Action::Person { tab, person }),
        3 => tab().prop_map(|tab| Action::SignOut { tab }),
        2 => tab().prop_map(|tab| Action::Clear { tab }),
        2 => select(storage).prop_map(Action::Becomes),
        5 => (tab(), 0..4_usize, prop::bool::weighted(0.3))
            .prop_map(|(tab, which, again)| Action::Deliver { tab, which, again }),
        3 => (tab(), 0..4_usize).prop_map(|(tab, which)| Action::Lose { tab, which }),
        2 => tab().prop_map(|tab| Action::Sleep { tab }),
        3 => tab().prop_map(|tab| Action::ComeBack { tab }),
        1 => tab().prop_map(|tab| Action::DocumentOpen { tab }),
        1 => tab().prop_map(|tab| Action::LoseChannel { tab }),
    ]
}

/// Any schedule.
pub fn schedule() -> impl Strategy<Value = Schedule> {
    (any::<bool>(), any::<u32>(), prop::collection::vec(action(), 1..50))
        .prop_map(|(has_worker, seed, actions)| Schedule { has_worker, seed, actions })
}
