//! Random schedules of four tabs with one turn and one channel, in which every token that a tab took from another is looked back at (rule 23):
//! whose it was, when its source was asked, and what that tab had been told and had asked for by then.
//!
//! Where nothing is lost, frozen, loaded anew, signed out or thrown away, the source is asked once in the life of a token, whatever the tabs call.

use std::collections::VecDeque;

use custom_identity_provider::core::{
    Attempt, Cache, Caller, Effect, Event, FoundMark, News, Policy, Reason, SignOutOrigin, SignOuts,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::stage::json::{Json, raw};
use crate::stage::{Stage, livechat, runner, scope_of, settings, token_of};

const TABS: usize = 4;
const HANDLE: Caller = Caller(1);
const LIFETIME: i64 = 3_600;

#[derive(Clone, Copy, Debug)]
enum Step {
    Call {
        tab: usize,
    },
    /// The source answers who has the turn.
    Answer,
    /// So many messages arrive, in their order.
    Deliver {
        count: usize,
    },
    Pass {
        milliseconds: i64,
    },
    Disturb(Disturbance),
}

#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Fresh {
        tab: usize,
    },
    Invalidate {
        tab: usize,
    },
    SignOut {
        tab: usize,
    },
    Becomes {
        tab: usize,
        person: usize,
    },
    Kill {
        tab: usize,
    },
    Freeze {
        tab: usize,
    },
    Thaw {
        tab: usize,
    },
    /// The next in line waits no longer for who has the turn.
    Steal,
    /// Its storage shows for a while what stood there, as engines do.
    Lag {
        tab: usize,
    },
    CatchUp {
        tab: usize,
    },
    Lose,
    Last,
    Twice,
}

fn step(disturbed: bool) -> impl Strategy<Value = Step> {
    let tab = || 0..TABS;
    let disturbance = prop_oneof![
        3 => tab().prop_map(|tab| Disturbance::Fresh { tab }),
        1 => tab().prop_map(|tab| Disturbance::Invalidate { tab }),
        2 => tab().prop_map(|tab| Disturbance::SignOut { tab }),
        2 => (tab(), 0..2_usize).prop_map(|(tab, person)| Disturbance::Becomes { tab, person }),
        1 => tab().prop_map(|tab| Disturbance::Kill { tab }),
        1 => tab().prop_map(|tab| Disturbance::Freeze { tab }),
        2 => tab().prop_map(|tab| Disturbance::Thaw { tab }),
        2 => Just(Disturbance::Steal),
        1 => tab().prop_map(|tab| Disturbance::Lag { tab }),
        1 => tab().prop_map(|tab| Disturbance::CatchUp { tab }),
        1 => Just(Disturbance::Lose),
        2 => Just(Disturbance::Last),
        2 => Just(Disturbance::Twice),
    ];
    prop_oneof![
        8 => tab().prop_map(|tab| Step::Call { tab }),
        4 => Just(Step::Answer),
        8 => (1..12_usize).prop_map(|count| Step::Deliver { count }),
        2 => (0..2_000_i64).prop_map(|milliseconds| Step::Pass { milliseconds }),
        if disturbed { 6 } else { 0 } => disturbance.prop_map(Step::Disturb),
    ]
}

/// What happened, each at its place in the history.
#[derive(Clone, Debug)]
enum Fact {
    Called {
        tab: usize,
        fresh: bool,
    },
    Invalidated {
        tab: usize,
    },
    Sent {
        token: String,
        person: Option<&'static str>,
    },
    SignedOut {
        mark: String,
    },
    /// A tab knows of a sign-out: it was told, or found its mark.
    Knows {
        tab: usize,
        mark: String,
    },
    Loaded {
        tab: usize,
    },
    Took {
        tab: usize,
        token: String,
        person: Option<&'static str>,
        reason: Reason,
    },
}

#[derive(Clone, Debug)]
enum Said {
    Mark(String),
    Wanted(String, String),
    Record(Value),
}

struct Tab {
    stage: Stage,
    sign_outs: SignOuts,
    is_frozen: bool,
    /// What its storage shows in the place of what stands there.
    shown: Option<String>,
    waiting: Option<Attempt>,
    /// The token that its source is making.
    asking: Option<(Attempt, String)>,
}

struct Play {
    tabs: Vec<Tab>,
    local: String,
    marks: u32,
    line: VecDeque<usize>,
    channel: VecDeque<(usize, Said)>,
    history: Vec<Fact>,
    tokens: u32,
}

fn new_tab(mark: &str) -> Tab {
    let mut sign_outs = SignOuts::default();
    sign_outs.begin(FoundMark::Mark(mark));
    let stage = Stage::new(settings(Cache::Session, livechat()));
    Tab { stage, sign_outs, is_frozen: false, shown: None, waiting: None, asking: None }
}

impl Play {
    fn new() -> Self {
        let local = "mark 0".to_owned();
        let tabs = (0..TABS).map(|_| new_tab(&local)).collect();
        Self { tabs, local, marks: 0, line: VecDeque::new(), channel: VecDeque::new(), history: Vec::new(), tokens: 0 }
    }

    fn broadcast(&mut self, from: usize, said: &Said) {
        self.channel.extend((0..TABS).filter(|to| *to != from).map(|to| (to, said.clone())));
    }

    fn look(&mut self, tab: usize) {
        let mark = self.tabs[tab].shown.clone().unwrap_or_else(|| self.local.clone());
        let news = self.tabs[tab].sign_outs.compare(FoundMark::Mark(&mark));
        self.learn(tab, news, mark);
    }

    fn learn(&mut self, tab: usize, news: News, mark: String) {
        if news == News::SignedOut {
            self.tabs[tab].stage.sign_out(SignOutOrigin::OtherTab);
            self.history.push(Fact::Knows { tab, mark });
            self.follow(tab, Reason::Get);
        }
    }

    /// Does what the session of a tab said; `reason` is of what was waited for.
    fn follow(&mut self, tab: usize, reason: Reason) {
        let said = self.tabs[tab].stage.take();
        let is_taken = said.iter().any(|said| matches!(said.effect, Effect::Emit(Event::RequestShared { .. })));
        for said in said {
            let one = &mut self.tabs[tab];
            match said.effect {
                Effect::Begin(attempt) => {
                    one.stage.wait_for_turn(attempt);
                    one.waiting = Some(attempt);
                    self.line.push_back(tab);
                    self.want(tab);
                }
                Effect::Resolve(_, grant) if is_taken => {
                    let (token, person) = (token_of(&grant).access_token.clone(), one.stage.person);
                    self.history.push(Fact::Took { tab, token, person, reason });
                }
                _ => {}
            }
        }
        let Tab { stage, waiting, asking, .. } = &mut self.tabs[tab];
        waiting.take_if(|attempt| !stage.session.is_running(*attempt));
        asking.take_if(|(attempt, _)| !stage.session.is_running(*attempt));
        self.advance_line();
    }

    fn mark_of(&self, tab: usize) -> Option<String> {
        self.tabs[tab].sign_outs.shared_generation().map(str::to_owned)
    }

    fn want(&mut self, tab: usize) {
        if let Some(mark) = self.mark_of(tab) {
            let scope = scope_of(self.tabs[tab].stage.session.identity());
            self.broadcast(tab, &Said::Wanted(scope, mark));
        }
    }

    fn hand_on(&mut self, tab: usize) {
        let Some(mark) = self.mark_of(tab) else { return };
        if let Some(record) = self.tabs[tab].stage.handed_on(&mark) {
            self.broadcast(tab, &Said::Record(record));
        }
    }

    /// Who neither waits nor asks any more leaves the line; who is first asks when everything was delivered: it waited for answers.
    fn advance_line(&mut self) {
        while let Some(first) = self.line.front()
            && self.tabs[*first].waiting.is_none()
            && self.tabs[*first].asking.is_none()
        {
            self.line.pop_front();
        }
    }

    fn begin_asking(&mut self, tab: usize) {
        self.look(tab);
        let one = &mut self.tabs[tab];
        let Some(attempt) = one.waiting.take() else { return };
        one.stage.take_turn(attempt);
        self.tokens += 1;
        let token = format!("token {}", self.tokens);
        one.asking = Some((attempt, token.clone()));
        let person = one.stage.session.identity().map(|person| if person == "ann" { "ann" } else { "bea" });
        self.history.push(Fact::Sent { token, person });
    }

    fn deliver(&mut self, to: usize, said: Said) {
        if self.tabs[to].is_frozen {
            return;
        }
        match said {
            Said::Mark(mark) => {
                let news = self.tabs[to].sign_outs.heard(&mark);
                self.learn(to, news, mark);
            }
            Said::Wanted(scope, mark) => {
                self.look(to);
                if self.mark_of(to) == Some(mark) && scope_of(self.tabs[to].stage.session.identity()) == scope {
                    self.hand_on(to);
                }
            }
            Said::Record(record) => {
                self.look(to);
                let Some((attempt, mark)) = self.tabs[to].waiting.zip(self.mark_of(to)) else { return };
                self.tabs[to].stage.offer(attempt, &Policy::default(), &mark, record);
                self.follow(to, attempt.reason);
            }
        }
    }

    fn answer(&mut self, tab: usize) {
        self.look(tab);
        let Some((attempt, token)) = self.tabs[tab].asking.take() else { return };
        let stage = &mut self.tabs[tab].stage;
        stage.ask(attempt, &Policy::default());
        stage.answer(attempt, &Json(raw(&token, "entity", LIFETIME)).answer());
        self.follow(tab, attempt.reason);
        self.hand_on(tab);
    }

    fn call(&mut self, tab: usize, fresh: bool) {
        if self.tabs[tab].is_frozen {
            return;
        }
        self.look(tab);
        self.history.push(Fact::Called { tab, fresh });
        let stage = &mut self.tabs[tab].stage;
        let policy = Policy::default();
        if fresh {
            stage.get_fresh_token(HANDLE, &policy)
        } else {
            stage.get_token(HANDLE, &policy)
        };
        self.follow(tab, Reason::Get);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Call { tab } => self.call(tab, false),
            Step::Answer => {
                // Whose turn it is has asked the others, and had its answers.
                if let Some(first) = self.line.front().copied().filter(|first| !self.tabs[*first].is_frozen) {
                    if self.tabs[first].waiting.is_some() {
                        self.want(first);
                        self.settle();
                        self.begin_asking(first);
                    }
                    self.answer(first);
                }
            }
            Step::Deliver { count } => {
                for _ in 0..count {
                    let Some((to, said)) = self.channel.pop_front() else { break };
                    self.deliver(to, said);
                }
            }
            Step::Pass { milliseconds } => {
                for tab in 0..TABS {
                    self.tabs[tab].stage.advance(milliseconds);
                }
            }
            Step::Disturb(disturbance) => self.disturb(disturbance),
        }
    }

    fn settle(&mut self) {
        while let Some((to, said)) = self.channel.pop_front() {
            self.deliver(to, said);
        }
    }

    fn disturb(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Fresh { tab } => self.call(tab, true),
            Disturbance::Invalidate { tab } => {
                self.history.push(Fact::Invalidated { tab });
                self.tabs[tab].stage.invalidate();
                self.follow(tab, Reason::Get);
            }
            Disturbance::SignOut { tab } if !self.tabs[tab].is_frozen => {
                self.marks += 1;
                let mark = format!("mark {}", self.marks);
                self.history.push(Fact::SignedOut { mark: mark.clone() });
                self.history.push(Fact::Knows { tab, mark: mark.clone() });
                self.tabs[tab].sign_outs.signed_out_here(&mark);
                self.tabs[tab].sign_outs.wrote(&mark);
                self.local.clone_from(&mark);
                self.tabs[tab].shown = None;
                self.broadcast(tab, &Said::Mark(mark));
                self.tabs[tab].stage.sign_out(SignOutOrigin::ThisTab);
                self.follow(tab, Reason::Get);
            }
            Disturbance::Becomes { tab, person } => self.tabs[tab].stage.person = [Some("ann"), Some("bea")][person],
            Disturbance::Kill { tab } => {
                let (now, person) = (self.tabs[tab].stage.now, self.tabs[tab].stage.person);
                self.tabs[tab] = new_tab(&self.local);
                (self.tabs[tab].stage.now, self.tabs[tab].stage.person) = (now, person);
                self.history.push(Fact::Loaded { tab });
                self.line.retain(|one| *one != tab);
            }
            Disturbance::Freeze { tab } => self.tabs[tab].is_frozen = true,
            Disturbance::Thaw { tab } => self.tabs[tab].is_frozen = false,
            Disturbance::Steal => {
                if let Some(next) = self.line.get(1).copied().filter(|next| !self.tabs[*next].is_frozen) {
                    self.begin_asking(next);
                }
            }
            Disturbance::Lag { tab } => self.tabs[tab].shown = Some(self.local.clone()),
            Disturbance::CatchUp { tab } => self.tabs[tab].shown = None,
            Disturbance::Lose => drop(self.channel.pop_front()),
            Disturbance::Last => {
                if let Some((to, said)) = self.channel.pop_back() {
                    self.deliver(to, said);
                }
            }
            Disturbance::Twice => {
                if let Some((to, said)) = self.channel.front().cloned() {
                    self.deliver(to, said);
                }
            }
            Disturbance::SignOut { .. } => {}
        }
    }

    /// Looks back at everything that was taken from another tab.
    fn judge(&self) {
        for (at, fact) in self.history.iter().enumerate() {
            let Fact::Took { tab, token, person, reason } = fact else { continue };
            let before = &self.history[..at];
            let position = |wanted: &dyn Fn(&Fact) -> bool| before.iter().rposition(wanted);
            let sent = position(&|fact| matches!(fact, Fact::Sent { token: sent, .. } if sent == token))
                .unwrap_or_else(|| panic!("nobody made {token}"));
            let Fact::Sent { person: whose, .. } = &before[sent] else { unreachable!() };
            assert_eq!(whose, person, "{token} is another's");
            let since = position(&|fact| matches!(fact, Fact::Loaded { tab: loaded } if loaded == tab)).unwrap_or(0);
            for known in before.iter().skip(since) {
                if let Fact::Knows { tab: knowing, mark } = known
                    && knowing == tab
                {
                    let left = position(&|fact| matches!(fact, Fact::SignedOut { mark: left } if left == mark));
                    assert!(left < Some(sent), "{token} is from before a sign-out that tab {tab} knew of");
                }
            }
            let invalidated = before[since..]
                .iter()
                .rposition(|fact| matches!(fact, Fact::Invalidated { tab: invalidating } if invalidating == tab));
            assert!(
                invalidated.is_none_or(|at| since + at < sent),
                "{token} is from before an invalidate of tab {tab}"
            );
            if *reason == Reason::Fresh {
                let called =
                    position(&|fact| matches!(fact, Fact::Called { tab: calling, fresh: true } if calling == tab));
                assert!(called < Some(sent), "{token} is older than the call for a fresh one");
            }
        }
    }

    fn sent(&self) -> usize {
        self.history.iter().filter(|fact| matches!(fact, Fact::Sent { .. })).count()
    }
}

fn run(thousandths: u32, disturbed: bool, judge: impl Fn(&Play)) {
    let outcome = runner(thousandths).run(&prop::collection::vec(step(disturbed), 1..60), |steps| {
        let mut play = Play::new();
        for step in steps {
            // No two things happen in one millisecond: by its date, what is from before is told from what is after.
            play.step(Step::Pass { milliseconds: 1 });
            play.step(step);
        }
        judge(&play);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn what_a_tab_took_from_another_was_its_persons_and_of_its_time() {
    run(400, true, Play::judge);
}

#[test]
fn tabs_that_nothing_disturbs_ask_once() {
    run(100, false, |play| assert!(play.sent() <= 1, "{:?}", play.history));
}
