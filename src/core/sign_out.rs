//! Whether somebody signed out elsewhere: what is believed of the marks that sign-outs leave, and of a mark that is missing.
//!
//! Every sign-out has a mark of its own. It is told over a channel and by storage's events, and stands in localStorage until the next
//! one. Any of these may be lost: sites clear storage when somebody signs out, storage is full or keeps nothing, a page sleeps. So a mark
//! that was never heard of is a sign-out, wherever it comes from; one that was heard is no news, however often it comes again; and
//! where a mark stood and none stands now, or where nothing could be read until now, somebody *may* have left: tokens are forgotten, but
//! nobody who waits is told that they signed out.

/// What stands where no sign-out has left a mark yet, made of a new one: by it a storage that was cleared is told from one that nobody signed
/// out in. Each is another, or one that was cleared and written anew would look untouched; all are of the length of all marks, so that a
/// full storage can take one in another's place.
///
/// ```
/// use custom_identity_provider::core::first_mark;
///
/// assert_eq!(first_mark("4f2a"), "-f2a");
/// ```
pub fn first_mark(new_mark: &str) -> String {
    ["-", new_mark.get(1..).unwrap_or_default()].concat()
}

fn is_first_mark(mark: &str) -> bool {
    mark.starts_with('-')
}

/// How many marks are remembered as heard: events of one sign-out come late and twice, but never after so many others.
const REMEMBERED: usize = 16;

/// What stands where the mark is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundMark<'a> {
    /// Nothing can be read there.
    Unreadable,
    /// There is none.
    Missing,
    /// This one.
    Mark(&'a str),
}

/// What follows from a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nobody left.
    Nothing,
    /// Somebody may have left: forget what is in hand.
    MayHaveLeft,
    /// Somebody left.
    SignedOut,
}

/// A mark that was heard of.
#[derive(Debug)]
struct Heard {
    mark: String,
    /// It was found in storage, too: if it is found there again after another one, somebody put it there anew.
    was_found: bool,
}

/// What stood in storage when it was looked at last.
#[derive(Debug, Default)]
enum Stood {
    Unreadable,
    #[default]
    Missing,
    Mark(String),
}

impl Stood {
    fn mark(&self) -> Option<&str> {
        match self {
            Self::Mark(mark) => Some(mark),
            Self::Unreadable | Self::Missing => None,
        }
    }
}

impl From<FoundMark<'_>> for Stood {
    fn from(found: FoundMark<'_>) -> Self {
        match found {
            FoundMark::Unreadable => Self::Unreadable,
            FoundMark::Missing => Self::Missing,
            FoundMark::Mark(mark) => Self::Mark(mark.to_owned()),
        }
    }
}

/// What one page knows of sign-outs.
///
/// ```
/// use custom_identity_provider::core::{FoundMark, News, SignOuts};
///
/// let mut page = SignOuts::default();
/// page.begin(FoundMark::Mark("old"));
/// assert_eq!(page.compare(FoundMark::Mark("old")), News::Nothing);
/// // Somebody signs out in another tab: it is told, and then found in storage as well.
/// assert_eq!(page.heard("new"), News::SignedOut);
/// assert_eq!(page.compare(FoundMark::Mark("new")), News::Nothing);
/// // Storage was cleared: somebody may have left.
/// assert_eq!(page.compare(FoundMark::Missing), News::MayHaveLeft);
/// ```
#[derive(Debug, Default)]
pub struct SignOuts {
    /// The marks that were heard of, the latest last.
    heard: Vec<Heard>,
    stood: Stood,
    /// The page slept: it may have missed everything that is told only once.
    was_away: bool,
}

impl SignOuts {
    /// The page begins: whatever stands there was before its time.
    pub fn begin(&mut self, found: FoundMark<'_>) {
        self.stood = found.into();
        if let FoundMark::Mark(mark) = found {
            self.remember(mark, true);
        }
    }

    /// The mark under which records are written and read; none where no mark can be kept, for then nobody could tell whether a record
    /// is older than the latest sign-out.
    pub fn generation(&self) -> Option<&str> {
        self.stood.mark()
    }

    /// The mark under which tabs share tokens: the one that stands, where no other was heard of since. Who was told of a sign-out and
    /// still finds the mark of before must not be answered with what is from before.
    ///
    /// ```
    /// use custom_identity_provider::core::{FoundMark, SignOuts};
    ///
    /// let mut page = SignOuts::default();
    /// page.begin(FoundMark::Mark("old"));
    /// assert_eq!(page.shared_generation(), Some("old"));
    /// page.heard("new");
    /// assert_eq!(page.shared_generation(), None);
    /// page.compare(FoundMark::Mark("new"));
    /// assert_eq!(page.shared_generation(), Some("new"));
    /// ```
    pub fn shared_generation(&self) -> Option<&str> {
        let latest = self.heard.last()?;
        self.generation().filter(|standing| latest.mark == *standing)
    }

    /// Somebody signs out on this page.
    pub fn signed_out_here(&mut self, mark: &str) {
        self.remember(mark, false);
    }

    /// This mark was written, and stands.
    pub fn wrote(&mut self, mark: &str) {
        self.remember(mark, true);
        self.stood = Stood::Mark(mark.to_owned());
    }

    /// The page goes to sleep, or may have slept.
    pub fn left(&mut self) {
        self.was_away = true;
    }

    /// A mark was told, by an event or over a channel.
    pub fn heard(&mut self, mark: &str) -> News {
        if is_first_mark(mark) || self.heard.iter().any(|heard| heard.mark == mark) {
            return News::Nothing;
        }
        self.remember(mark, false);
        News::SignedOut
    }

    /// Compares what stands in storage with what is known.
    pub fn compare(&mut self, found: FoundMark<'_>) -> News {
        let was_away = std::mem::take(&mut self.was_away);
        if matches!(found, FoundMark::Mark(mark) if self.generation() == Some(mark)) {
            return News::Nothing;
        }
        let stood = std::mem::replace(&mut self.stood, found.into());
        let FoundMark::Mark(mark) = found else {
            let is_other = match stood {
                Stood::Mark(_) => true,
                // A mark may have come and gone while nobody could read it.
                Stood::Unreadable => found == FoundMark::Missing,
                Stood::Missing => false,
            };
            // Or none could be kept, and the page was not there to be told.
            return if is_other || was_away { News::MayHaveLeft } else { News::Nothing };
        };
        let was_told = self.heard.iter().any(|heard| heard.mark == mark && !heard.was_found);
        self.remember(mark, true);
        match stood {
            Stood::Mark(_) if was_told => News::Nothing,
            Stood::Mark(_) if !is_first_mark(mark) => News::SignedOut,
            // Others were cleared before it; or nothing was known to stand there, so that it may be older than the page.
            _ => News::MayHaveLeft,
        }
    }

    fn remember(&mut self, mark: &str, was_found: bool) {
        self.heard.retain(|heard| heard.mark != mark);
        if self.heard.len() >= REMEMBERED {
            self.heard.remove(0);
        }
        self.heard.push(Heard { mark: mark.to_owned(), was_found });
    }
}
