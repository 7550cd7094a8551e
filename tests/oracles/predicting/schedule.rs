//! What a random schedule consists of, how it is drawn, and how it is printed: one step a line.

use std::fmt;

use custom_identity_provider::core::{Cache, ErrorCode, Failure, Kind, Policy, SignOutOrigin, Value};
use proptest::prelude::*;
use proptest::sample::select;

use super::page::{LICENSE, Says};
use crate::stage::object::{Object, finished, jwt, number, raw, text};

/// What the page's storage does when the record is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Storage {
    Keeps,
    /// It throws; what lay there stays.
    Refuses,
}

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
        handle: usize,
        policy: usize,
    },
    GetFreshToken {
        handle: usize,
        policy: usize,
    },
    HasToken {
        handle: usize,
        policy: usize,
    },
    Invalidate,
    SignOut {
        origin: SignOutOrigin,
    },
    /// The mark of the latest sign-out was cleared.
    MayHaveLeft,
    /// Every handle's `identity` names this person from now on, or nobody.
    Identity {
        person: usize,
    },
    /// One handle's `identity` answers otherwise from now on, or fails.
    OwnIdentity {
        handle: usize,
        says: Says,
    },
    /// The record is gone.
    StorageCleared,
    /// Whether records can be written from now on.
    Storing(Storage),
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
    /// The clock of who signs JWTs is set.
    SignersClockJumps {
        milliseconds: i64,
    },
    Online,
    /// The page says that somebody just signed in.
    SignedIn,
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
    /// A JWT, signed `age` ago by the signer's clock.
    Jwt {
        age: i64,
        lifetime: i64,
        subject: Subject,
        encrypted: bool,
    },
    /// A JWT that this person's source answered with before; one signed just now if there is none.
    JwtAgain {
        which: usize,
    },
    Malformed(Malformed),
    /// A code as a string, or as an object.
    Code {
        is_object: bool,
    },
    WrongCode(WrongCode),
    Null,
    Undefined,
    Nonsense(Nonsense),
}

/// Whom a JWT is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    TheUsual,
    Another,
    /// No claim `sub`, or none that can be read.
    None,
}

/// JWTs that the widgets' vendors would refuse, or whose lifetime can't be told.
#[derive(Clone, Copy, Debug)]
pub enum Malformed {
    NoToken,
    NumberForToken,
    TwoParts,
    FiveParts,
    Unsigned,
    SharedSecret,
    SignedThoughEncrypted,
    NoIssue,
    IssueInMilliseconds,
    ExpiryAsText,
    ExpiryInMilliseconds,
    NoExpiry,
    ExpiryBeforeIssue,
    ExpiryAtIssue,
    ExpiryInTwoYears,
}

#[derive(Clone, Copy, Debug)]
pub enum WrongCode {
    EmptyText,
    NoKey,
    EmptyKey,
    NoAddress,
    NumberForAddress,
}

#[derive(Clone, Copy, Debug)]
pub enum Nonsense {
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
    /// The record of a widget that is given something else.
    OtherKind,
    /// Somebody signs out in another tab, and this page is not there to hear it.
    SignedOutElsewhere,
}

impl Nonsense {
    /// The answer, and the field that the failure has to name.
    pub fn answer(self, token: &str, entity: &str) -> (Object, &'static str) {
        let good = raw(token, entity, 3_600);
        match self {
            Self::EmptyToken => (good.with("access_token", text("")), "access_token"),
            Self::NoEntity => (good.without("entity_id"), "entity_id"),
            Self::EndlessLifetime => (good.with("expires_in", Value::Number(f64::INFINITY)), "expires_in"),
            Self::NegativeLifetime => (good.with("expires_in", Value::Number(-60.0)), "expires_in"),
            Self::Macaroon => (good.with("token_type", text("macaroon")), "token_type"),
            Self::ForeignLicense => (good.with("license_id", number(LICENSE + 1)), "license_id"),
        }
    }
}

impl Malformed {
    /// The JWT as it is taken apart, and what the failure has to name.
    pub fn answer(self, token: &str, issued: i64) -> (Object, &'static str) {
        let good = jwt(token, issued, 3_600_000);
        let seconds = issued / 1_000;
        match self {
            Self::NoToken => (good.without("token"), "answer's token"),
            Self::NumberForToken => (good.with("token", number(5)), "answer's token"),
            Self::TwoParts => (good.with("parts", number(2)), "JWT's form"),
            // A token of five parts is an encrypted one, whose header names no algorithm of signatures.
            Self::FiveParts => (good.with("parts", number(5)), "JWT's"),
            Self::Unsigned => (good.with("alg", text("none")), "JWT's alg"),
            Self::SharedSecret => (good.with("alg", text("HS256")), "JWT's alg"),
            Self::SignedThoughEncrypted => (good.with("alg", text("RSA-OAEP-256")), "JWT's alg"),
            Self::NoIssue => (good.without("iat"), "JWT's iat"),
            Self::IssueInMilliseconds => (good.with("iat", number(issued)), "JWT's iat"),
            Self::ExpiryAsText => (good.with("exp", text("1800003600")), "JWT's exp"),
            Self::ExpiryInMilliseconds => (good.with("exp", number(issued + 3_600_000)), "JWT's exp"),
            Self::NoExpiry => (good.without("exp"), "JWT's exp"),
            Self::ExpiryBeforeIssue => (good.with("exp", number(seconds - 1)), "JWT's exp"),
            Self::ExpiryAtIssue => (good.with("exp", Value::Number(issued as f64 / 1_000.0)), "JWT's exp"),
            Self::ExpiryInTwoYears => (good.with("exp", number(seconds + 2 * 31_536_000)), "JWT's exp"),
        }
    }
}

impl WrongCode {
    /// The answer, if it is an object, and what the failure has to name.
    pub fn answer(self, code: &str) -> (Option<Object>, &'static str) {
        let good = code_object(code);
        match self {
            Self::EmptyText => (None, "source's answer"),
            Self::NoKey => (Some(good.without("ssoKey")), "ssoKey"),
            Self::EmptyKey => (Some(good.with("ssoKey", text(""))), "ssoKey"),
            Self::NoAddress => (Some(good.without("redirect_uri")), "redirect_uri"),
            Self::NumberForAddress => (Some(good.with("redirect_uri", number(5))), "redirect_uri"),
        }
    }
}

/// A code as LivePerson's callback takes it.
pub fn code_object(code: &str) -> Object {
    Object(vec![("ssoKey", text(code)), ("redirect_uri", text("https://example.com"))])
}

impl Answering {
    pub fn is_other_entity(self) -> bool {
        match self {
            Self::Raw { other_entity, .. } | Self::Finished { other_entity, .. } => other_entity,
            Self::Jwt { subject, .. } => subject == Subject::Another,
            _ => false,
        }
    }

    /// A token of LiveChat's, right or wrong.
    pub fn token(self, token: &str, entity: &str, wall: i64) -> Option<Object> {
        match self {
            Self::Raw { seconds, .. } => Some(raw(token, entity, seconds)),
            Self::Finished { lifetime, created, .. } => Some(finished(token, entity, lifetime, wall + created)),
            Self::Nonsense(nonsense) => Some(nonsense.answer(token, entity).0),
            _ => None,
        }
    }
}

impl Failing {
    pub fn failure(self) -> Failure {
        match self {
            Self::Network => Failure::passing(ErrorCode::Network, "no way through"),
            Self::Status(status, retry_after) => Failure::of_status(status, retry_after),
            Self::Exception(passes) => {
                let name = if passes { "server_error" } else { "access_denied" };
                Failure::of_exception(ErrorCode::SsoIdentityException, name.to_owned(), Some(401), None)
            }
        }
    }
}

#[derive(Clone)]
pub struct Schedule {
    pub cache: Cache,
    pub kind: Kind,
    pub is_identified: bool,
    /// How far ahead of this machine's the clock of who signs JWTs is at first.
    pub signer: i64,
    pub seed: u32,
    /// What each handle's `identity` says at first.
    pub handles: Vec<Says>,
    pub policies: [Policy; 3],
    pub steps: Vec<Step>,
}

fn policy_name(policy: usize) -> char {
    ['a', 'b', 'c'][policy]
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GetToken { handle, policy } => write!(f, "{handle}: getToken (policy {})", policy_name(*policy)),
            Self::GetFreshToken { handle, policy } => {
                write!(f, "{handle}: getFreshToken (policy {})", policy_name(*policy))
            }
            Self::HasToken { handle, policy } => write!(f, "{handle}: hasToken (policy {})", policy_name(*policy)),
            Self::Invalidate => f.write_str("invalidate"),
            Self::MayHaveLeft => f.write_str("somebody may have left"),
            Self::OwnIdentity { handle, says } => write!(f, "{handle}: its identity is {says:?}"),
            Self::StorageCleared => f.write_str("the record is cleared"),
            Self::Storing(storing) => write!(f, "storage {storing:?}"),
            Self::SignOut { origin: SignOutOrigin::ThisTab } => f.write_str("sign_out in this tab"),
            Self::SignOut { origin: SignOutOrigin::OtherTab } => f.write_str("sign_out in another tab"),
            Self::Identity { person } => write!(f, "every handle says that {:?} is signed in", PEOPLE[*person]),
            Self::Answer { attempt, answer } => write!(f, "running attempt {attempt} is answered: {answer:?}"),
            Self::Fail { attempt, failing } => write!(f, "running attempt {attempt} fails: {failing:?}"),
            Self::LateAnswer { attempt } => write!(f, "attempt {attempt} of those that are over is answered"),
            Self::LateFailure { attempt } => write!(f, "attempt {attempt} of those that are over fails"),
            Self::TimersLate { milliseconds } => write!(f, "{milliseconds} ms pass and no timer fires"),
            Self::WallClockJumps { milliseconds } => write!(f, "the wall clock jumps by {milliseconds} ms"),
            Self::Sleep { milliseconds } => write!(f, "the machine sleeps for {milliseconds} ms"),
            Self::SignersClockJumps { milliseconds } => write!(f, "the signer's clock jumps by {milliseconds} ms"),
            Self::Online => f.write_str("the network is back"),
            Self::SignedIn => f.write_str("the page says that somebody just signed in"),
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
        writeln!(f, "cache {:?}, kind {:?}, seed {}", self.cache, self.kind, self.seed)?;
        writeln!(f, "is identified: {}, the signer is {} ms ahead", self.is_identified, self.signer)?;
        writeln!(f, "handles: {:?}", self.handles)?;
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

fn answering(kind: &Kind) -> BoxedStrategy<Answering> {
    let odd = prop_oneof![Just(Answering::Null), Just(Answering::Undefined)];
    match kind {
        Kind::Token(_) => prop_oneof![20 => answering_token(), 1 => odd].boxed(),
        Kind::Jwt(profile) => prop_oneof![20 => answering_jwt(!profile.encrypted.is_empty()), 1 => odd].boxed(),
        Kind::Code => prop_oneof![10 => answering_code(), 1 => odd].boxed(),
    }
}

fn answering_jwt(may_be_encrypted: bool) -> impl Strategy<Value = Answering> {
    let age = select(vec![0, 0, 0, 40, 900, 5_000, 60_000, 600_000, 3_500_000, 3_700_000, 40_000_000, -4_900, -5_200]);
    let lifetime = select(vec![7_200, 7_200, 60_000, 600_000, 3_600_000, 3_600_000, 28_800_000, 1, 31_536_000_000]);
    let subject = prop_oneof![8 => Just(Subject::TheUsual), 1 => Just(Subject::Another), 1 => Just(Subject::None)];
    let encrypted = prop::bool::weighted(if may_be_encrypted { 0.4 } else { 0.0 });
    let malformed = select(vec![
        Malformed::NoToken,
        Malformed::NumberForToken,
        Malformed::TwoParts,
        Malformed::FiveParts,
        Malformed::Unsigned,
        Malformed::SharedSecret,
        Malformed::SignedThoughEncrypted,
        Malformed::NoIssue,
        Malformed::IssueInMilliseconds,
        Malformed::ExpiryAsText,
        Malformed::ExpiryInMilliseconds,
        Malformed::NoExpiry,
        Malformed::ExpiryBeforeIssue,
        Malformed::ExpiryAtIssue,
        Malformed::ExpiryInTwoYears,
    ]);
    prop_oneof![
        8 => (age, lifetime, subject, encrypted)
            .prop_map(|(age, lifetime, subject, encrypted)| Answering::Jwt { age, lifetime, subject, encrypted }),
        5 => (0..6_usize).prop_map(|which| Answering::JwtAgain { which }),
        1 => malformed.prop_map(Answering::Malformed),
    ]
}

fn answering_code() -> impl Strategy<Value = Answering> {
    let wrong = select(vec![
        WrongCode::EmptyText,
        WrongCode::NoKey,
        WrongCode::EmptyKey,
        WrongCode::NoAddress,
        WrongCode::NumberForAddress,
    ]);
    prop_oneof![
        6 => any::<bool>().prop_map(|is_object| Answering::Code { is_object }),
        1 => wrong.prop_map(Answering::WrongCode),
    ]
}

fn answering_token() -> impl Strategy<Value = Answering> {
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
    let retry_after =
        select(vec![None, None, Some(0), Some(300), Some(2_500), Some(20_000), Some(3_600_000), Some(36_000_000)]);
    let status = select(vec![500, 503, 429, 408, 401, 401, 401, 403, 404]);
    prop_oneof![
        Just(Failing::Network),
        (status, retry_after).prop_map(|(status, retry_after)| Failing::Status(status, retry_after)),
        any::<bool>().prop_map(Failing::Exception),
    ]
}

/// What a handle's identity function says: few people, so that handles agree often, and now and then it fails.
fn says() -> impl Strategy<Value = Says> {
    select(vec![Ok(Some("alice")), Ok(Some("alice")), Ok(Some("bob")), Ok(None), Ok(None), Err(())])
}

/// Two to four handles that agree at first, or not.
fn handles() -> impl Strategy<Value = Vec<Says>> {
    let agreeing = (says(), 2..5_usize).prop_map(|(says, handles)| vec![says; handles]);
    prop_oneof![2 => agreeing, 1 => prop::collection::vec(says(), 1..5)]
}

fn action(kind: &Kind) -> impl Strategy<Value = Action> + use<> {
    let any_policy = || 0..3_usize;
    let handle = || 0..4_usize;
    let few = || 0..4_usize;
    let jump = || {
        prop_oneof![-10_000..10_000_i64, -40_000_000..40_000_000_i64, select(vec![-5_001, -5_000, 5_000, 28_800_000])]
    };
    prop_oneof![
        12 => (handle(), any_policy()).prop_map(|(handle, policy)| Action::GetToken { handle, policy }),
        6 => (handle(), any_policy()).prop_map(|(handle, policy)| Action::GetFreshToken { handle, policy }),
        4 => (handle(), any_policy()).prop_map(|(handle, policy)| Action::HasToken { handle, policy }),
        3 => Just(Action::Invalidate),
        1 => Just(Action::MayHaveLeft),
        1 => any::<bool>().prop_map(|here| Action::SignOut {
            origin: if here { SignOutOrigin::ThisTab } else { SignOutOrigin::OtherTab }
        }),
        3 => (0..PEOPLE.len()).prop_map(|person| Action::Identity { person }),
        4 => (handle(), says()).prop_map(|(handle, says)| Action::OwnIdentity { handle, says }),
        1 => Just(Action::StorageCleared),
        1 => select(vec![Storage::Keeps, Storage::Refuses]).prop_map(Action::Storing),
        12 => (few(), answering(kind)).prop_map(|(attempt, answer)| Action::Answer { attempt, answer }),
        6 => (few(), failing()).prop_map(|(attempt, failing)| Action::Fail { attempt, failing }),
        1 => few().prop_map(|attempt| Action::LateAnswer { attempt }),
        1 => few().prop_map(|attempt| Action::LateFailure { attempt }),
        1 => (0..60_000_i64).prop_map(|milliseconds| Action::TimersLate { milliseconds }),
        2 => jump().prop_map(|milliseconds| Action::WallClockJumps { milliseconds }),
        1 => (0..40_000_000_i64).prop_map(|milliseconds| Action::Sleep { milliseconds }),
        1 => jump().prop_map(|milliseconds| Action::SignersClockJumps { milliseconds }),
        2 => Just(Action::Online),
        1 => Just(Action::SignedIn),
        3 => few().prop_map(|waiter| Action::Leave { waiter }),
        1 => Just(Action::Wake),
        2 => prop_oneof![
            6 => Just(Tampering::Untouched),
            1 => Just(Tampering::OtherVersion),
            1 => Just(Tampering::OtherScope),
            1 => Just(Tampering::Corrupt),
            1 => Just(Tampering::OtherKind),
            1 => Just(Tampering::SignedOutElsewhere)
        ]
        .prop_map(|record| Action::Reload { record }),
    ]
}

/// A person's page is loaded again, and does not know at first that somebody is signed in.
fn late_identity(kind: &Kind) -> impl Strategy<Value = Vec<Step>> + use<> {
    let answer = match kind {
        Kind::Jwt(_) => Answering::Jwt { age: 0, lifetime: 3_600_000, subject: Subject::TheUsual, encrypted: false },
        Kind::Token(_) => Answering::Raw { seconds: 28_800, other_entity: false },
        Kind::Code => Answering::Code { is_object: false },
    };
    let handle = || 0..4_usize;
    let comes = prop_oneof![
        3 => Just(Action::Identity { person: 0 }),
        1 => Just(Action::Identity { person: 1 }),
        2 => handle().prop_map(|handle| Action::OwnIdentity { handle, says: Ok(Some("alice")) }),
    ];
    let between = prop::collection::vec((0..3_000_i64, action(kind)), 0..3);
    let hears = prop_oneof![
        handle().prop_map(|handle| Action::GetToken { handle, policy: 0 }),
        Just(Action::Answer { attempt: 0, answer }),
    ];
    let nobody = prop_oneof![3 => Just(0..2_usize), 1 => Just(0..0)];
    (handle(), nobody, between, comes, hears, 0..12_000_i64).prop_map(
        move |(handle, calls, between, comes, hears, after)| {
            let at_once = |action| Step { after: After::Milliseconds(0), action };
            let mut steps = vec![
                at_once(Action::Identity { person: 0 }),
                at_once(Action::GetFreshToken { handle, policy: 0 }),
                at_once(Action::Answer { attempt: 0, answer }),
                at_once(Action::Reload { record: Tampering::Untouched }),
                at_once(Action::Identity { person: 3 }),
                at_once(Action::HasToken { handle, policy: 0 }),
            ];
            steps.extend(calls.map(|policy| at_once(Action::GetToken { handle, policy })));
            let between = between
                .into_iter()
                .map(|(milliseconds, action)| Step { after: After::Milliseconds(milliseconds), action });
            steps.extend(between);
            steps.push(Step { after: After::Milliseconds(after), action: comes });
            steps.push(at_once(hears));
            steps
        },
    )
}

/// Any schedule for one kind of cache, and of what the widget needs.
pub fn schedule(cache: Cache, kind: Kind) -> impl Strategy<Value = Schedule> {
    let step = (after(), action(&kind)).prop_map(|(after, action)| vec![Step { after, action }]);
    let steps = prop_oneof![40 => step, 1 => late_identity(&kind)];
    let signer = select(vec![0, 0, 700, -2_500, 20_000, -20_000, 10_800_000, -10_800_000, 3_000_000_000]);
    let policies = [policy(), policy(), policy()];
    let is_identified = prop::bool::weighted(0.7);
    (any::<u32>(), is_identified, signer, handles(), policies, prop::collection::vec(steps, 1..60)).prop_map(
        move |(seed, is_identified, signer, handles, policies, steps)| Schedule {
            cache,
            kind: kind.clone(),
            is_identified,
            signer,
            seed,
            handles,
            policies,
            steps: steps.concat(),
        },
    )
}
