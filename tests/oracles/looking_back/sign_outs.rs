//! Rule 7 in a world of several tabs: sign-outs whose marks are told late or never, and a storage that is cleared or cannot be read.

use custom_identity_provider::core::{FoundMark, News, SignOuts, first_mark};
use proptest::prelude::*;

use crate::stage::runner;

const TABS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Asks for a token, which looks at the mark first.
    Ask {
        tab: usize,
    },
    SignOut {
        tab: usize,
    },
    /// A worker signs out: it has no localStorage, and asks whoever hears it to write the mark.
    WorkerSignsOut,
    /// The next of the messages that are under way to a tab arrives.
    Hear {
        tab: usize,
    },
    /// Whatever is under way to a tab is lost.
    Lose {
        tab: usize,
    },
    Sleep {
        tab: usize,
    },
    WakeUp {
        tab: usize,
    },
    Reload {
        tab: usize,
    },
    /// Storage throws in a tab, or does so no longer.
    Toggle {
        tab: usize,
    },
    /// The site clears localStorage.
    Clear,
}

#[derive(Clone, Debug)]
enum Message {
    /// Storage's event: the mark as it was written, and a reason to look.
    Written(String),
    /// Storage's event after it was cleared.
    Cleared,
    /// By the channel; who cannot write it says so, and what stood there then.
    Carried(String, Option<Option<String>>),
}

#[derive(Debug, Default)]
struct Tab {
    sign_outs: SignOuts,
    under_way: Vec<Message>,
    is_asleep: bool,
    is_blocked: bool,
    /// When the token in hand was asked for.
    token: Option<usize>,
    /// Whether a mark was known to stand in storage then.
    is_marked: bool,
    /// The stored one, and the generation under which it was written.
    record: Option<(usize, String)>,
    /// When the page began.
    begun: usize,
    /// The marks for which SIGNED_OUT was said here.
    told: Vec<String>,
}

#[derive(Debug, Default)]
struct World {
    stored: Option<String>,
    tabs: Vec<Tab>,
    now: usize,
    /// Sign-outs: the mark, when, and when it was written.
    left: Vec<(String, usize, Option<usize>)>,
}

impl World {
    fn new() -> Self {
        let mut world = Self { tabs: (0..TABS).map(|_| Tab::default()).collect(), ..Self::default() };
        (0..TABS).for_each(|tab| world.begin(tab));
        world
    }

    fn new_mark(&mut self) -> String {
        self.now += 1;
        format!("{:032x}", self.now)
    }

    /// Writes what stands in storage, of which the others are told by its event; a tab that sleeps hears nothing.
    fn write(&mut self, by: usize, mark: &str) -> bool {
        if self.tabs[by].is_blocked {
            return false;
        }
        self.stored = Some(mark.to_owned());
        let now = self.now;
        self.left.iter_mut().filter(|(left, ..)| left == mark).for_each(|(.., written)| {
            written.get_or_insert(now);
        });
        self.tell(Some(by), &Message::Written(mark.to_owned()));
        true
    }

    fn tell(&mut self, by: Option<usize>, message: &Message) {
        let others = self.tabs.iter_mut().enumerate().filter(|(tab, to)| Some(*tab) != by && !to.is_asleep);
        others.for_each(|(_, to)| to.under_way.push(message.clone()));
    }

    fn write_first_mark(&mut self, tab: usize) {
        let mark = first_mark(&self.new_mark());
        if self.write(tab, &mark) {
            self.tabs[tab].sign_outs.wrote(&mark);
        }
    }

    fn begin(&mut self, tab: usize) {
        self.now += 1;
        let (now, stored) = (self.now, self.stored.clone());
        let old = std::mem::take(&mut self.tabs[tab]);
        let page = &mut self.tabs[tab];
        (page.begun, page.is_blocked) = (now, old.is_blocked);
        match &stored {
            _ if page.is_blocked => {}
            Some(mark) => page.sign_outs.begin(FoundMark::Mark(mark)),
            None => self.write_first_mark(tab),
        }
        let page = &mut self.tabs[tab];
        if let Some((token, generation)) = old.record.filter(|_| !page.is_blocked)
            && page.sign_outs.generation() == Some(&generation)
        {
            (page.token, page.record, page.is_marked) = (Some(token), Some((token, generation)), true);
            self.judge(tab, "a record from before a sign-out was read");
        }
    }

    fn look(&mut self, tab: usize) {
        let stored = self.stored.clone();
        let page = &mut self.tabs[tab];
        let found = match &stored {
            _ if page.is_blocked => FoundMark::Unreadable,
            Some(mark) => FoundMark::Mark(mark),
            None => FoundMark::Missing,
        };
        let news = page.sign_outs.compare(found);
        self.follow(tab, news, stored.as_deref());
        if found == FoundMark::Missing {
            self.write_first_mark(tab);
        }
        // Without a mark to compare with, a page has to rely on what it is told.
        if !self.tabs[tab].is_blocked && self.tabs[tab].is_marked {
            self.judge(tab, "a sign-out whose mark was written was not heard");
        }
    }

    /// Nothing of before a sign-out that left a mark is in hand.
    fn judge(&self, tab: usize, what: &str) {
        let latest = self.left.iter().filter(|(.., written)| written.is_some()).map(|(_, at, _)| *at).max();
        let token = self.tabs[tab].token;
        assert!(token.is_none_or(|token| latest.is_none_or(|latest| latest < token)), "{what}");
    }

    fn follow(&mut self, tab: usize, news: News, mark: Option<&str>) {
        let page = &mut self.tabs[tab];
        if news == News::Nothing {
            return;
        }
        (page.token, page.record) = (None, None);
        if news == News::SignedOut {
            let mark = mark.expect("signed out without a mark").to_owned();
            let left = self.left.iter().find(|(left, ..)| *left == mark).expect("nobody signed out");
            assert!(left.1 > page.begun, "who has just come is told of a sign-out before their time");
            assert!(!page.told.contains(&mark), "one sign-out is told twice");
            page.told.push(mark);
        }
    }

    fn step(&mut self, step: Step) {
        self.now += 1;
        match step {
            Step::Ask { tab } if !self.tabs[tab].is_asleep => {
                self.look(tab);
                self.now += 1;
                let now = self.now;
                let page = &mut self.tabs[tab];
                if page.token.is_none() {
                    page.token = Some(now);
                    page.is_marked = page.sign_outs.generation().is_some();
                    if !page.is_blocked {
                        page.record = page.sign_outs.generation().map(|generation| (now, generation.to_owned()));
                    }
                }
            }
            Step::SignOut { tab } if !self.tabs[tab].is_asleep => {
                let mark = self.new_mark();
                self.left.push((mark.clone(), self.now, None));
                self.tabs[tab].sign_outs.signed_out_here(&mark);
                self.tabs[tab].told.push(mark.clone());
                let is_written = self.write(tab, &mark);
                if is_written {
                    self.tabs[tab].sign_outs.wrote(&mark);
                }
                self.tell(Some(tab), &Message::Carried(mark, (!is_written).then(|| self.stored.clone())));
                (self.tabs[tab].token, self.tabs[tab].record) = (None, None);
            }
            Step::WorkerSignsOut => {
                let mark = self.new_mark();
                self.left.push((mark.clone(), self.now, None));
                self.tell(None, &Message::Carried(mark, Some(self.stored.clone())));
            }
            Step::Hear { tab } if !self.tabs[tab].under_way.is_empty() => {
                let message = self.tabs[tab].under_way.remove(0);
                let mark = match &message {
                    Message::Written(mark) | Message::Carried(mark, _) => Some(mark.clone()),
                    Message::Cleared => None,
                };
                if let Some(mark) = &mark {
                    let news = self.tabs[tab].sign_outs.heard(mark);
                    self.follow(tab, news, Some(mark));
                    let heard = self.left.iter().find(|(left, ..)| left == mark).map(|(_, at, _)| *at);
                    let token = self.tabs[tab].token;
                    let is_forgotten = token.zip(heard).is_none_or(|(token, heard)| token > heard);
                    assert!(is_forgotten, "a sign-out that was told was not heard");
                }
                match message {
                    // Who could not write it has this page say that somebody may have left, where nothing newer says more.
                    Message::Carried(_, Some(over)) if over == self.stored => {
                        let mark = first_mark(&self.new_mark());
                        self.write(tab, &mark);
                    }
                    Message::Written(_) | Message::Cleared => self.look(tab),
                    _ => {}
                }
            }
            Step::Lose { tab } => self.tabs[tab].under_way.clear(),
            Step::Sleep { tab } if !self.tabs[tab].is_asleep => {
                let page = &mut self.tabs[tab];
                page.is_asleep = true;
                page.under_way.clear();
                page.sign_outs.left();
            }
            Step::WakeUp { tab } if self.tabs[tab].is_asleep => {
                self.tabs[tab].is_asleep = false;
                // What was asked for where no mark was known, and goes to sleep under one, has none to compare with.
                let can_know = self.tabs[tab].is_marked || self.tabs[tab].sign_outs.generation().is_none();
                self.look(tab);
                if can_know {
                    self.judge(tab, "a page that slept, and could not be told, still has what was somebody's");
                }
            }
            Step::Reload { tab } => self.begin(tab),
            Step::Toggle { tab } => self.tabs[tab].is_blocked = !self.tabs[tab].is_blocked,
            Step::Clear => {
                self.stored = None;
                self.tell(None, &Message::Cleared);
            }
            _ => {}
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let tab = || 0..TABS;
    prop_oneof![
        5 => tab().prop_map(|tab| Step::Ask { tab }),
        2 => tab().prop_map(|tab| Step::SignOut { tab }),
        1 => Just(Step::WorkerSignsOut),
        5 => tab().prop_map(|tab| Step::Hear { tab }),
        1 => tab().prop_map(|tab| Step::Lose { tab }),
        1 => tab().prop_map(|tab| Step::Sleep { tab }),
        2 => tab().prop_map(|tab| Step::WakeUp { tab }),
        1 => tab().prop_map(|tab| Step::Reload { tab }),
        1 => tab().prop_map(|tab| Step::Toggle { tab }),
        1 => Just(Step::Clear),
    ]
}

#[test]
fn rule_07_a_sign_out_is_always_heard_and_nobody_who_has_just_come_is_told_of_one() {
    let steps = proptest::collection::vec(step(), 1..40);
    let played = runner(1_000).run(&steps, |steps| {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
}
