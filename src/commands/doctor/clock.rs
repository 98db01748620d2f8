//! The machine's clock and time zone: they decide what "today" is.

use super::{Finding, asked, current};
use crate::store::read_only::ReadOnlyStore;
use jiff::civil::Date;
use jiff::{Span, tz::TimeZone};

/// Years outside of which no clock is right: before there was this program, and when nobody will remember it.
const YEARS: std::ops::Range<i16> = 2026..2100;
/// Days by which a date may lie ahead: a front office may be in another time zone.
const AHEAD: i64 = 2;

pub fn check(look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let today = crate::model::date::today();
    let mut findings = vec![clock(today), zone()];
    if let Some(look) = current(look) {
        let newest = look.senders().map(|all| all.iter().filter_map(|one| one.newest).max());
        findings.push(asked("future", newest).map_or_else(|finding| finding, |newest| future(newest, today)));
    }
    findings
}

fn clock(today: Date) -> Finding {
    if YEARS.contains(&today.year()) {
        return Finding::ok("clock", format!("today is {today}"));
    }
    Finding::problem("clock", format!("the clock says that today is {today}"), "set it, and see 'timedatectl' for why")
}

/// What `TZ` says is judged with the settings.
fn zone() -> Finding {
    match TimeZone::try_system() {
        Ok(zone) => {
            Finding::ok("zone", format!("the time zone is {}", zone.iana_name().unwrap_or("one without a name")))
        }
        Err(error) => {
            let text = format!("the machine's time zone is not known, and UTC is used: {error}");
            Finding::warning("zone", text, "set TZ, such as TZ=Europe/Luxembourg, or /etc/localtime")
        }
    }
}

fn future(newest: Option<Date>, today: Date) -> Finding {
    let Some(newest) = newest else { return Finding::ok("future", "there are no stats yet") };
    if today.checked_add(Span::new().days(AHEAD)).is_ok_and(|limit| newest > limit) {
        let text = format!("the newest stat is of {newest}, and today is {today}");
        let remedy = "correct the clock of this machine or of the front office, then delete what is of days to come with \
                      'monarc-stats stats delete --from DATE'";
        return Finding::problem("future", text, remedy);
    }
    Finding::ok("future", format!("the newest stat is of {newest}"))
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_clock_that_cannot_be_right_is_told() {
        for (year, status) in [(1970, Status::Problem), (2026, Status::Ok), (2099, Status::Ok), (2150, Status::Problem)]
        {
            assert_eq!(clock(date(year, 6, 1)).status, status, "{year}");
        }
    }
}
