//! What a random schedule consists of, how it is drawn, and how it is printed: one step a line.

use std::fmt;

use custom_identity_provider::core::{Cache, Code, Failure, Policy, SignOutOrigin, Value};
use proptest::prelude::*;
use proptest::sample::select;

use super::object::{Object, finished, raw, text};
use super::page::LICENSE;

pub const PEOPLE: [Option<&str>; 4] = [Some("alice"), Some("bob"), Some("carol"), None];

/// How long passes before a step; timers fire on time meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum After {
    Milliseconds(i64),
    /// Up to an edge, give or take a few milliseconds; no time at all if there is no such edge ahead.
    Until(Edge, i64),
}

/// Moments at which a rule changes its mind.
#[derive(Clone, Copy, Debug)]
pub enum Edge {
    /// The token in hand stops being usable for a policy.
    Expiry(usize),
    /// The token's life is over.
    EndOfLife,
    /// A refresh ahead begins for a policy.
    LastStretch(usize),
    /// The cool-down ends.
    CoolDown,
    /// The cool-down of background requests ends.
    BackgroundCoolDown,
    /// A timer is due.
    Timer,
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub after: After,
    pub action: Action,
}

/// Where a number chooses among what there is (attempts, waiters), it is taken modulo their count.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    GetToken {
        policy: usize,
    },
    GetFreshToken {
        policy: usize,
    },
    HasToken {
        policy: usize,
    },
    Invalidate {
        policy: usize,
    },
    SignOut {
        origin: SignOutOrigin,
    },
    /// The page's `identity` answers otherwise from now on.
    Identity {
        person: usize,
    },
    Answer {
        attempt: usize,
        answer: Answering,
    },
    Fail {
        attempt: usize,
        failing: Failing,
    },
    /// An attempt that is over answers once more.
    LateAnswer {
        attempt: usize,
    },
    /// An attempt that is over fails once more.
    LateFailure {
        attempt: usize,
    },
    /// Both clocks go on and no timer fires until the next step's own time passes.
    TimersLate {
        milliseconds: i64,
    },
    WallClockJumps {
        milliseconds: i64,
    },
    Sleep {
        milliseconds: i64,
    },
    Online,
    /// A caller's signal is aborted.
    Leave {
        waiter: usize,
    },
    /// `wake` without need.
    Wake,
    Reload {
        record: Tampering,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Answering {
    Raw {
        seconds: i64,
        other_entity: bool,
    },
    /// `created` counts from the moment of the answer.
    Finished {
        lifetime: i64,
        created: i64,
        other_entity: bool,
    },
    Nonsense(Nonsense),
}

#[derive(Clone, Copy, Debug)]
pub enum Nonsense {
    Undefined,
    EmptyToken,
    NoEntity,
    EndlessLifetime,
    NegativeLifetime,
    Macaroon,
    ForeignLicense,
}

#[derive(Clone, Copy, Debug)]
pub enum Failing {
    Network,
    Status(u16, Option<i64>),
    Exception(bool),
}

/// What becomes of the stored record while the page is away.
#[derive(Clone, Copy, Debug)]
pub enum Tampering {
    Untouched,
    OtherVersion,
    OtherScope,
    Corrupt,
    /// Somebody signs out in another tab, and this page is not there to hear it.
    SignedOutElsewhere,
}

impl Nonsense {
    /// The answer, and the field that the failure has to name.
    pub fn answer(self, token: &str, entity: &str) -> (Option<Object>, &'static str) {
        let good = raw(token, entity, 3_600);
        match self {
            Self::Undefined => (None, ""),
            Self::EmptyToken => (Some(good.with("access_token", text(""))), "access_token"),
            Self::NoEntity => (Some(good.without("entity_id")), "entity_id"),
            Self::EndlessLifetime => (Some(good.with("expires_in", Value::Number(f64::INFINITY))), "expires_in"),
            Self::NegativeLifetime => (Some(good.with("expires_in", Value::Number(-60.0))), "expires_in"),
            Self::Macaroon => (Some(good.with("token_type", text("macaroon"))), "token_type"),
            Self::ForeignLicense => (Some(good.with("license_id", Value::Number((LICENSE + 1) as f64))), "license_id"),
        }
    }
}

impl Answering {
    pub fn object(self, token: &str, entity: &str, wall: i64) -> Option<Object> {
        let entity = if self.is_other_entity() { format!("{entity} anew") } else { entity.to_owned() };
        match self {
            Self::Raw { seconds, .. } => Some(raw(token, &entity, seconds)),
            Self::Finished { lifetime, created, .. } => Some(finished(token, &entity, lifetime, wall + created)),
            Self::Nonsense(nonsense) => nonsense.answer(token, &entity).0,
        }
    }

    pub fn is_other_entity(self) -> bool {
        matches!(self, Self::Raw { other_entity: true, .. } | Self::Finished { other_entity: true, .. })
    }
}

impl Failing {
    pub fn failure(self) -> Failure {
        match self {
            Self::Network => Failure::passing(Code::Network, "no way through"),
            Self::Status(status, retry_after) => Failure::of_status(status, retry_after),
            Self::Exception(passes) => {
                let name = if passes { "server_error" } else { "access_denied" };
                Failure::of_exception(Code::SsoIdentityException, name.to_owned(), Some(401), None)
            }
        }
    }
}

#[derive(Clone)]
pub struct Schedule {
    pub cache: Cache,
    pub single_use: bool,
    pub seed: u32,
    pub policies: [Policy; 3],
    pub steps: Vec<Step>,
}

fn policy_name(policy: usize) -> char {
    ['a', 'b', 'c'][policy]
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GetToken { policy } => write!(f, "getToken (policy {})", policy_name(*policy)),
            Self::GetFreshToken { policy } => write!(f, "getFreshToken (policy {})", policy_name(*policy)),
            Self::HasToken { policy } => write!(f, "hasToken (policy {})", policy_name(*policy)),
            Self::Invalidate { policy } => write!(f, "invalidate (policy {})", policy_name(*policy)),
            Self::SignOut { origin: SignOutOrigin::ThisTab } => f.write_str("sign_out in this tab"),
            Self::SignOut { origin: SignOutOrigin::OtherTab } => f.write_str("sign_out in another tab"),
            Self::Identity { person } => write!(f, "the page says that {:?} is signed in", PEOPLE[*person]),
            Self::Answer { attempt, answer } => write!(f, "running attempt {attempt} is answered: {answer:?}"),
            Self::Fail { attempt, failing } => write!(f, "running attempt {attempt} fails: {failing:?}"),
            Self::LateAnswer { attempt } => write!(f, "attempt {attempt} of those that are over is answered"),
            Self::LateFailure { attempt } => write!(f, "attempt {attempt} of those that are over fails"),
            Self::TimersLate { milliseconds } => write!(f, "{milliseconds} ms pass and no timer fires"),
            Self::WallClockJumps { milliseconds } => write!(f, "the wall clock jumps by {milliseconds} ms"),
            Self::Sleep { milliseconds } => write!(f, "the machine sleeps for {milliseconds} ms"),
            Self::Online => f.write_str("the network is back"),
            Self::Leave { waiter } => write!(f, "waiter {waiter} leaves"),
            Self::Wake => f.write_str("a timer fires for no reason"),
            Self::Reload { record } => write!(f, "the page is reloaded, its record: {record:?}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            After::Milliseconds(milliseconds) => write!(f, "+{milliseconds} ms")?,
            After::Until(edge, offset) => write!(f, "at {edge:?} {offset:+} ms")?,
        }
        write!(f, "  {}", self.action)
    }
}

/// Proptest prints by this what failed.
impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cache {:?}, single use: {}, seed {}", self.cache, self.single_use, self.seed)?;
        for (position, policy) in self.policies.iter().enumerate() {
            let Policy { margin, refresh_ahead, timeout, patience } = policy;
            let margin = margin.map_or("by default".to_owned(), |margin| format!("{margin} ms"));
            write!(f, "policy {}: margin {margin}, ", policy_name(position))?;
            writeln!(f, "refreshAhead {refresh_ahead} ms, timeout {timeout} ms, patience {patience} ms")?;
        }
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    (
        select(vec![None, None, Some(0), Some(1_000), Some(120_000)]),
        select(vec![0, 2_000, 60_000, 3_600_000]),
        select(vec![10_000, 1_000, 25_000]),
        select(vec![30_000, 0, 500, 4_000, 70_000]),
    )
        .prop_map(|(margin, refresh_ahead, timeout, patience)| Policy { margin, refresh_ahead, timeout, patience })
}

fn after() -> impl Strategy<Value = After> {
    let edge = prop_oneof![
        (0..3_usize).prop_map(Edge::Expiry),
        Just(Edge::EndOfLife),
        (0..3_usize).prop_map(Edge::LastStretch),
        Just(Edge::CoolDown),
        Just(Edge::BackgroundCoolDown),
        Just(Edge::Timer),
    ];
    prop_oneof![
        10 => Just(After::Milliseconds(0)),
        5 => (0..400_i64).prop_map(After::Milliseconds),
        4 => (0..12_000_i64).prop_map(After::Milliseconds),
        1 => (0..90_000_i64).prop_map(After::Milliseconds),
        1 => (0..30_000_000_i64).prop_map(After::Milliseconds),
        4 => (edge, -1..=1_i64).prop_map(|(edge, offset)| After::Until(edge, offset)),
    ]
}

fn answering() -> impl Strategy<Value = Answering> {
    let rarely = || prop::bool::weighted(0.15);
    let seconds = select(vec![28_800, 1, 3, 60, 600, 31_536_000]);
    let lifetime = select(vec![28_800_000, 1, 900, 50_000, 99_999, 100_000, 600_000, 31_536_000_000]);
    let created = select(vec![
        0,
        -200,
        -2_900,
        4_999,
        5_000,
        5_001,
        -30_000,
        -540_001,
        -570_000,
        -3_600_000,
        7_200_000,
        -40_000_000,
    ]);
    let nonsense = select(vec![
        Nonsense::Undefined,
        Nonsense::EmptyToken,
        Nonsense::NoEntity,
        Nonsense::EndlessLifetime,
        Nonsense::NegativeLifetime,
        Nonsense::Macaroon,
        Nonsense::ForeignLicense,
    ]);
    prop_oneof![
        6 => (seconds, rarely()).prop_map(|(seconds, other_entity)| Answering::Raw { seconds, other_entity }),
        5 => (lifetime, created, rarely()).prop_map(|(lifetime, created, other_entity)| Answering::Finished {
            lifetime,
            created,
            other_entity
        }),
        1 => nonsense.prop_map(Answering::Nonsense),
    ]
}

fn failing() -> impl Strategy<Value = Failing> {
    let retry_after = select(vec![None, None, Some(0), Some(300), Some(2_500), Some(20_000), Some(3_600_000)]);
    let status = select(vec![500, 503, 429, 408, 401, 403, 404]);
    prop_oneof![
        Just(Failing::Network),
        (status, retry_after).prop_map(|(status, retry_after)| Failing::Status(status, retry_after)),
        any::<bool>().prop_map(Failing::Exception),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let any_policy = || 0..3_usize;
    let few = || 0..4_usize;
    let jump = || {
        prop_oneof![-10_000..10_000_i64, -40_000_000..40_000_000_i64, select(vec![-5_001, -5_000, 5_000, 28_800_000])]
    };
    prop_oneof![
        12 => any_policy().prop_map(|policy| Action::GetToken { policy }),
        6 => any_policy().prop_map(|policy| Action::GetFreshToken { policy }),
        4 => any_policy().prop_map(|policy| Action::HasToken { policy }),
        3 => any_policy().prop_map(|policy| Action::Invalidate { policy }),
        1 => any::<bool>().prop_map(|here| Action::SignOut {
            origin: if here { SignOutOrigin::ThisTab } else { SignOutOrigin::OtherTab }
        }),
        2 => (0..PEOPLE.len()).prop_map(|person| Action::Identity { person }),
        12 => (few(), answering()).prop_map(|(attempt, answer)| Action::Answer { attempt, answer }),
        6 => (few(), failing()).prop_map(|(attempt, failing)| Action::Fail { attempt, failing }),
        1 => few().prop_map(|attempt| Action::LateAnswer { attempt }),
        1 => few().prop_map(|attempt| Action::LateFailure { attempt }),
        1 => (0..60_000_i64).prop_map(|milliseconds| Action::TimersLate { milliseconds }),
        2 => jump().prop_map(|milliseconds| Action::WallClockJumps { milliseconds }),
        1 => (0..40_000_000_i64).prop_map(|milliseconds| Action::Sleep { milliseconds }),
        2 => Just(Action::Online),
        3 => few().prop_map(|waiter| Action::Leave { waiter }),
        1 => Just(Action::Wake),
        2 => prop_oneof![
            6 => Just(Tampering::Untouched),
            1 => Just(Tampering::OtherVersion),
            1 => Just(Tampering::OtherScope),
            1 => Just(Tampering::Corrupt),
            1 => Just(Tampering::SignedOutElsewhere)
        ]
        .prop_map(|record| Action::Reload { record }),
    ]
}

/// Any schedule for one kind of cache.
pub fn schedule(cache: Cache, single_use: bool) -> impl Strategy<Value = Schedule> {
    let step = (after(), action()).prop_map(|(after, action)| Step { after, action });
    (any::<u32>(), [policy(), policy(), policy()], prop::collection::vec(step, 1..60))
        .prop_map(move |(seed, policies, steps)| Schedule { cache, single_use, seed, policies, steps })
}
