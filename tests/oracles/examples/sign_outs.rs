//! What is believed of the marks that sign-outs leave, by example: told, found, missing, unreadable; awake and away.

use custom_identity_provider::core::{FoundMark, News, SignOuts, first_mark};

const MISSING: FoundMark<'static> = FoundMark::Missing;
const UNREADABLE: FoundMark<'static> = FoundMark::Unreadable;

/// The mark of a sign-out.
fn mark(number: u32) -> String {
    format!("{number:032x}")
}

/// What stands where nobody has signed out.
fn first(number: u32) -> String {
    first_mark(&mark(number))
}

fn found(mark: &str) -> FoundMark<'_> {
    FoundMark::Mark(mark)
}

/// A page that begins, and finds this.
fn begun(found: FoundMark<'_>) -> SignOuts {
    let mut page = SignOuts::default();
    page.begin(found);
    page
}

#[test]
fn first_marks_are_of_the_length_of_all_marks_and_each_is_another() {
    assert_eq!(first(7).len(), mark(7).len());
    assert_ne!(first(7), first(8));
    assert_ne!(first(7), mark(7));
    assert_eq!(first_mark(""), "-");
}

#[test]
fn begin_takes_whatever_stands_there_as_before_its_time() {
    for standing in [mark(1), first(1)] {
        let mut page = begun(found(&standing));
        assert_eq!(page.generation(), Some(standing.as_str()));
        assert_eq!(page.heard(&standing), News::Nothing);
        assert_eq!(page.compare(found(&standing)), News::Nothing);
    }
    assert_eq!(begun(MISSING).generation(), None);
    assert_eq!(begun(UNREADABLE).generation(), None);
}

#[test]
fn told_a_mark_is_a_sign_out_once_however_often_it_comes() {
    let mut page = begun(found(&first(1)));
    assert_eq!(page.heard(&mark(2)), News::SignedOut);
    assert_eq!(page.heard(&mark(2)), News::Nothing);
    assert_eq!(page.compare(found(&mark(2))), News::Nothing, "told, then found");
    assert_eq!(page.heard(&mark(2)), News::Nothing);
    assert_eq!(page.generation(), Some(mark(2).as_str()));
    assert_eq!(page.heard(&mark(3)), News::SignedOut);
    // Told of one that never stood.
    assert_eq!(page.compare(found(&mark(2))), News::Nothing);
}

#[test]
fn told_a_first_mark_is_no_news() {
    let mut page = begun(found(&mark(1)));
    assert_eq!(page.heard(&first(2)), News::Nothing);
}

#[test]
fn told_sixteen_marks_later_one_is_still_known() {
    let mut page = begun(found(&first(1)));
    for number in 2..=17 {
        assert_eq!(page.heard(&mark(number)), News::SignedOut);
    }
    for number in (2..=17).rev() {
        assert_eq!(page.heard(&mark(number)), News::Nothing, "{number}");
    }
}

#[test]
fn compare_finds_a_sign_out_that_nobody_told() {
    for standing in [mark(1), first(1)] {
        let mut page = begun(found(&standing));
        assert_eq!(page.compare(found(&mark(2))), News::SignedOut);
        assert_eq!(page.heard(&mark(2)), News::Nothing, "found, then told");
        assert_eq!(page.compare(found(&mark(2))), News::Nothing);
        assert_eq!(page.compare(found(&mark(3))), News::SignedOut);
    }
}

#[test]
fn compare_finds_that_a_mark_was_cleared() {
    for standing in [mark(1), first(1)] {
        for gone in [MISSING, UNREADABLE] {
            let mut page = begun(found(&standing));
            assert_eq!(page.compare(gone), News::MayHaveLeft);
            assert_eq!(page.generation(), None, "no record is written until a mark stands");
            assert_eq!(page.compare(gone), News::Nothing, "said once");
        }
    }
}

#[test]
fn compare_finds_that_marks_were_cleared_and_something_was_written_anew() {
    // A page in the back/forward cache; elsewhere somebody signs out, the site clears storage, and the next page begins.
    for standing in [mark(1), first(1)] {
        let mut page = begun(found(&standing));
        page.left();
        assert_eq!(page.compare(found(&first(2))), News::MayHaveLeft);
        assert_eq!(page.generation(), Some(first(2).as_str()));
        assert_eq!(page.compare(found(&first(3))), News::MayHaveLeft);
    }
}

#[test]
fn compare_takes_nothing_for_a_sign_out_where_no_mark_was_known_to_stand() {
    // Storage that could not be read when the page began, or for a moment: what stands there may be older than whoever has just come.
    let mut page = begun(UNREADABLE);
    assert_eq!(page.compare(found(&mark(1))), News::MayHaveLeft);
    assert_eq!(page.heard(&mark(1)), News::Nothing);
    assert_eq!(page.compare(UNREADABLE), News::MayHaveLeft);
    assert_eq!(page.compare(found(&mark(1))), News::MayHaveLeft, "the same again");
    assert_eq!(page.compare(found(&mark(1))), News::Nothing);
    assert_eq!(page.compare(found(&mark(2))), News::SignedOut);
    // Nor does it help that it was told of: others may have been lost while nothing could be read.
    assert_eq!(page.heard(&mark(3)), News::SignedOut);
    assert_eq!(page.compare(UNREADABLE), News::MayHaveLeft);
    assert_eq!(page.compare(found(&mark(3))), News::MayHaveLeft);
}

#[test]
fn compare_finds_a_mark_that_somebody_put_there_again() {
    let mut page = begun(found(&mark(1)));
    assert_eq!(page.compare(found(&mark(2))), News::SignedOut);
    assert_eq!(page.compare(found(&mark(1))), News::SignedOut);
    assert_eq!(page.compare(found(&mark(2))), News::SignedOut);
    // Whether it was told before, too, makes no difference.
    assert_eq!(page.heard(&mark(3)), News::SignedOut);
    assert_eq!(page.compare(found(&mark(3))), News::Nothing);
    assert_eq!(page.compare(found(&mark(2))), News::SignedOut);
    assert_eq!(page.compare(found(&mark(3))), News::SignedOut);
}

#[test]
fn left_a_page_that_no_mark_tells_anything_may_have_missed_everything() {
    for nothing in [MISSING, UNREADABLE] {
        let mut page = begun(nothing);
        assert_eq!(page.compare(nothing), News::Nothing);
        page.left();
        assert_eq!(page.compare(nothing), News::MayHaveLeft);
        assert_eq!(page.compare(nothing), News::Nothing, "said once");
    }
}

#[test]
fn left_a_page_for_which_the_same_mark_stands_has_missed_nothing() {
    let mut page = begun(found(&mark(1)));
    page.left();
    assert_eq!(page.compare(found(&mark(1))), News::Nothing);
    // And it has been there since.
    assert_eq!(page.compare(MISSING), News::MayHaveLeft);
    assert_eq!(page.compare(MISSING), News::Nothing);
    page.left();
    assert_eq!(page.compare(found(&mark(2))), News::MayHaveLeft);
}

#[test]
fn signed_out_here_a_page_hears_nothing_of_its_own_sign_out() {
    let mut page = begun(found(&first(1)));
    page.signed_out_here(&mark(2));
    page.wrote(&mark(2));
    assert_eq!(page.generation(), Some(mark(2).as_str()));
    assert_eq!(page.compare(found(&mark(2))), News::Nothing);
    assert_eq!(page.heard(&mark(2)), News::Nothing);
    // One that could not be written comes back from a page that was told and could.
    page.signed_out_here(&mark(3));
    assert_eq!(page.generation(), Some(mark(2).as_str()));
    assert_eq!(page.heard(&mark(3)), News::Nothing);
    assert_eq!(page.compare(found(&mark(3))), News::Nothing);
}

#[test]
fn wrote_a_first_mark_stands_and_another_pages_in_its_place_rejects_nobody() {
    // Two first visits at once: both looked before one of them wrote.
    let mut page = begun(MISSING);
    page.wrote(&first(1));
    assert_eq!(page.generation(), Some(first(1).as_str()));
    assert_eq!(page.compare(found(&first(1))), News::Nothing);
    assert_eq!(page.heard(&first(2)), News::Nothing);
    assert_eq!(page.compare(found(&first(2))), News::MayHaveLeft);
}

const BEFORE: &str = "00000000000000000000000000000001";
const LATER: &str = "00000000000000000000000000000002";

#[test]
fn rule_07_what_stood_there_when_the_page_began_is_no_news() {
    let mut page = begun(FoundMark::Mark(BEFORE));
    assert_eq!(page.generation(), Some(BEFORE));
    page.left();
    assert_eq!(page.compare(FoundMark::Mark(BEFORE)), News::Nothing);
    assert_eq!(page.heard(BEFORE), News::Nothing);
}

#[test]
fn rule_07_a_sign_out_is_heard_once_by_whatever_comes_first() {
    let mut page = begun(FoundMark::Mark(BEFORE));
    assert_eq!(page.compare(FoundMark::Mark(LATER)), News::SignedOut);
    assert_eq!(page.generation(), Some(LATER));
    assert_eq!(page.heard(LATER), News::Nothing);

    let mut page = begun(FoundMark::Mark(BEFORE));
    assert_eq!(page.heard(LATER), News::SignedOut);
    assert_eq!(page.heard(LATER), News::Nothing);
    assert_eq!(page.compare(FoundMark::Mark(LATER)), News::Nothing);
    assert_eq!(page.generation(), Some(LATER));

    let mut page = begun(FoundMark::Mark(BEFORE));
    page.signed_out_here(LATER);
    assert_eq!(page.heard(LATER), News::Nothing);
    page.wrote(LATER);
    assert_eq!(page.compare(FoundMark::Mark(LATER)), News::Nothing);
}

#[test]
fn rule_07_a_mark_that_is_missing_says_that_somebody_may_have_left_once() {
    for missing in [FoundMark::Missing, FoundMark::Unreadable] {
        let mut page = begun(FoundMark::Mark(BEFORE));
        assert_eq!(page.compare(missing), News::MayHaveLeft);
        assert_eq!(page.generation(), None, "no record is written that nobody could void");
        assert_eq!(page.compare(missing), News::Nothing);
        assert_eq!(page.compare(FoundMark::Mark(LATER)), News::MayHaveLeft, "it may be older than who is there now");
    }
}

#[test]
fn rule_07_first_marks_are_no_sign_outs_but_one_in_anothers_place_was_cleared_between() {
    let (first, second) = (first_mark(BEFORE), first_mark(LATER));
    assert_ne!(first, second);
    assert_eq!(first.len(), BEFORE.len(), "a full storage can take it in a mark's place");
    let mut page = begun(FoundMark::Missing);
    assert_eq!(page.compare(FoundMark::Missing), News::Nothing);
    page.wrote(&first);
    assert_eq!(page.compare(FoundMark::Mark(&first)), News::Nothing);
    assert_eq!(page.heard(&second), News::Nothing);
    assert_eq!(page.compare(FoundMark::Mark(&second)), News::MayHaveLeft);
    assert_eq!(page.compare(FoundMark::Mark(LATER)), News::SignedOut);
}

#[test]
fn rule_07_a_page_that_slept_and_has_no_mark_forgets_once() {
    let mut page = begun(FoundMark::Unreadable);
    assert_eq!(page.compare(FoundMark::Unreadable), News::Nothing);
    page.left();
    assert_eq!(page.compare(FoundMark::Unreadable), News::MayHaveLeft);
    assert_eq!(page.compare(FoundMark::Unreadable), News::Nothing);
}

#[test]
fn rule_07_a_page_that_can_read_again_forgets_once_for_a_mark_may_have_come_and_gone() {
    let mut page = begun(FoundMark::Unreadable);
    assert_eq!(page.compare(FoundMark::Missing), News::MayHaveLeft);
    assert_eq!(page.compare(FoundMark::Missing), News::Nothing);
    // That it cannot read any more says nothing: whatever is written is told as well.
    assert_eq!(page.compare(FoundMark::Unreadable), News::Nothing);
    assert_eq!(page.compare(FoundMark::Missing), News::MayHaveLeft);
    page.wrote(BEFORE);
    assert_eq!(page.compare(FoundMark::Unreadable), News::MayHaveLeft);
    assert_eq!(page.compare(FoundMark::Missing), News::MayHaveLeft);
}

#[test]
fn rule_07_a_sign_out_is_no_news_after_fifteen_others() {
    let mark = |number: u32| format!("{number:032x}");
    let mut page = begun(FoundMark::Mark(BEFORE));
    (100..116).for_each(|number| assert_eq!(page.heard(&mark(number)), News::SignedOut));
    (100..116).for_each(|number| assert_eq!(page.heard(&mark(number)), News::Nothing));
    // A page remembers no more than it needs.
    assert_eq!(page.heard(BEFORE), News::SignedOut);
}

#[test]
fn rule_07_a_mark_that_stands_again_in_anothers_place_was_put_there_anew() {
    let mut page = begun(FoundMark::Mark(BEFORE));
    assert_eq!(page.heard(LATER), News::SignedOut);
    assert_eq!(page.compare(FoundMark::Mark(LATER)), News::Nothing);
    assert_eq!(page.compare(FoundMark::Mark(BEFORE)), News::SignedOut);
    assert_eq!(page.compare(FoundMark::Mark(LATER)), News::SignedOut);
}
