use super::cells::{Places, Texts, Values};
use super::rounding::UNITS;
use super::worlds::{Chance, Hits, World, difference};
use super::*;
use crate::model::shapes::contributions;

const NONE: [Values; 3] = [Values::new(), Values::new(), Values::new()];

/// Worlds of a size in which somebody joins, until there were so many tries.
fn joiners(size: usize, tries: f64, rules: &Rules, leaves: bool) -> Hits {
    let mut hits = Hits::default();
    for seed in 0.. {
        let mut world = World::new(seed, size + 1, 40);
        let larger = world.published(rules);
        let secret = world.contributors.pop().unwrap();
        if leaves {
            world.week();
        }
        let smaller = world.published(rules);
        for (threat, value) in secret.into_iter().enumerate() {
            if let (Some(value), Some(before), Some(after)) = (value, smaller[threat], larger[threat]) {
                hits.count(value, difference(before, world.number(threat), after, rules), before);
            }
        }
        if hits.tries >= tries {
            return hits;
        }
    }
    hits
}

#[test]
fn who_joins_or_leaves_is_hardly_found_oftener_than_guessed() {
    for size in [10, 50] {
        for leaves in [false, true] {
            let tries = if leaves { 10_000.0 } else { 40_000.0 };
            let hits = joiners(size, tries, &Rules::new(3), leaves);
            assert!(hits.gain() <= 5.0, "{size} {leaves}: {hits:?}");
        }
    }
    let exact = joiners(10, 4_000.0, &Rules { rounds: false, ..Rules::new(3) }, false);
    assert!(exact.gain() > 40.0, "without rounding everybody is found: {exact:?}");
}

/// The table of the README; minutes, so by hand: `cargo test --lib table -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn table_of_attacks() {
    for size in [3, 5, 10, 20, 50, 200, 500] {
        for leaves in [false, true] {
            let hits = joiners(size, 40_000.0, &Rules::new(3), leaves);
            let part = |number: f64| 100.0 * number / hits.tries;
            println!("{size}, leaves {leaves}: attack {:.1} %, guess {:.1} %", part(hits.attack), part(hits.guess));
        }
        let hits = months(size, if size < 100 { 4_000.0 } else { 500.0 }, &Rules::new(3));
        let part = |number: f64| 100.0 * number / hits.tries;
        println!(
            "{size}, twelve weeks on each side: attack {:.1} %, guess {:.1} %",
            part(hits.attack),
            part(hits.guess)
        );
    }
}

/// The mean of twelve weeks before somebody joins and of twelve after.
fn months(size: usize, tries: f64, rules: &Rules) -> Hits {
    let mut hits = Hits::default();
    for seed in 0.. {
        let mut world = World::new(seed, size, 40);
        let quarter = |world: &mut World| {
            let mut sums = vec![(0.0, 0.0); 40];
            for _ in 0..12 {
                world.week();
                for (sum, value) in sums.iter_mut().zip(world.published(rules)) {
                    *sum = value.map_or(*sum, |value| (sum.0 + value, sum.1 + 1.0));
                }
            }
            sums.into_iter()
                .map(|(sum, number)| if number > 0.0 { Some(sum / number) } else { None })
                .collect::<Vec<_>>()
        };
        let before = quarter(&mut world);
        let numbers: Vec<usize> = (0..40).map(|threat| world.number(threat)).collect();
        world.join();
        let secret = world.contributors.last().unwrap().clone();
        let after = quarter(&mut world);
        for (threat, value) in secret.into_iter().enumerate() {
            if let (Some(value), Some(before), Some(after)) = (value, before[threat], after[threat]) {
                let number = numbers[threat] as f64;
                hits.count(value, ((number + 1.0) * after - number * before).clamp(0.0, 1.0), before);
            }
        }
        if hits.tries >= tries {
            break;
        }
    }
    hits
}

/// Votes of so many for one threat.
fn votes(values: &[f64]) -> Votes {
    let mut votes = Votes::default();
    for value in values {
        votes.add(Values::from([(("t".into(), 2), *value)]), &NONE, &Texts::new());
    }
    votes
}

fn value(votes: &Votes, rules: &Rules) -> Option<i32> {
    Some(votes.publish(StatType::Threat, rules).0?.objects.first()?.figures[2].as_ref()?.value)
}

#[test]
fn fewer_than_k_are_not_shown_and_said_to_the_operator() {
    for k in [3, 5] {
        for number in 0..k {
            let (shown, hidden) = votes(&vec![0.5; number]).publish(StatType::Threat, &Rules::new(k));
            assert_eq!(shown, None);
            let wanted = (number > 0).then(|| Hidden { kind: StatType::Threat, key: "t".into(), contributors: number });
            assert_eq!(hidden, wanted.into_iter().collect::<Vec<_>>());
        }
        assert!(value(&votes(&vec![0.5; k]), &Rules::new(k)).is_some());
    }
    // The rule is needed: with fewer, two would know each other.
    assert!(value(&votes(&[0.5; 3]), &Rules::new(3)).is_some() && value(&votes(&[0.5; 3]), &Rules::new(4)).is_none());
}

#[test]
fn all_at_an_end_of_the_scale_are_not_told_to_be() {
    for number in [3, 9, 49, 600] {
        let step = Band::of(number).unwrap().step();
        for (end, wanted) in [(0.0, step), (1.0, UNITS - step)] {
            let votes = votes(&vec![end; number]);
            assert_eq!(value(&votes, &Rules::new(3)), Some(wanted));
            let open = Rules { clamps: false, ..Rules::new(3) };
            assert!([0, UNITS].contains(&value(&votes, &open).unwrap()), "the rule is needed");
        }
    }
}

#[test]
fn a_text_is_shown_that_k_give_alike() {
    let published = |texts: &[&str], rules: &Rules| {
        let mut votes = Votes::default();
        for text in texts {
            let mut own = Texts::new();
            own.entry("t".into()).or_default()[1].insert((*text).to_owned());
            votes.add(Values::from([(("t".into(), 2), 0.5)]), &NONE, &own);
        }
        votes.publish(StatType::Threat, rules).0.unwrap().objects[0].texts[1].clone()
    };
    let rules = Rules::new(3);
    assert_eq!(published(&["Fire", "Fire", "Fire", "Mallory"], &rules), "Fire");
    assert_eq!(published(&["Fire", "Fire", "Mallory", "Mallory"], &rules), "");
    assert_eq!(published(&["Fire", "Fire", "Fire", "Blaze", "Blaze", "Blaze"], &rules), "Blaze");
    let open = Rules { guards_texts: false, ..rules };
    assert_eq!(published(&["Fire", "Ice", "Mallory"], &open), "Fire", "the rule is needed");
}

#[test]
fn medians_need_ten_and_quartiles_twenty() {
    let quantiles = |number: u32| {
        let values: Vec<f64> = (0..number).map(|index| f64::from(index) / f64::from(number)).collect();
        let shown = votes(&values).publish(StatType::Threat, &Rules::new(3)).0.unwrap();
        shown.objects[0].figures[2].clone().unwrap().quantiles
    };
    assert_eq!(quantiles(9), Vec::<i32>::new());
    assert_eq!(quantiles(10), vec![250]);
    assert_eq!(quantiles(500), vec![100, 250, 350]);
}

#[test]
fn a_change_is_that_of_those_at_both_ends() {
    let mut votes = Votes::default();
    let one = |value| Values::from([(("t".into(), 2), value)]);
    for before in [0.2, 0.3, 0.4] {
        votes.add(one(before + 0.4), &[one(before), Values::new(), Values::new()], &Texts::new());
    }
    // Who was not there before moves the mean, not the change.
    votes.add(one(0.0), &NONE, &Texts::new());
    let shown = votes.publish(StatType::Threat, &Rules::new(3)).0.unwrap();
    let figure = shown.objects[0].figures[2].clone().unwrap();
    assert_eq!((figure.band, figure.value), (Band::From3, 300));
    assert_eq!(figure.changes[0], Some(Change { band: Band::From3, value: 200, is_trend: false }));
    assert_eq!(figure.changes[1..], [None, None]);
}

/// What analyses with these data have.
fn of(kind: StatType, analyses: &[&str]) -> Values {
    let mut places = Places::new(kind);
    let mut ids: Vec<String> = Vec::new();
    let stats: Vec<Vec<(i64, crate::store::entries::Entry)>> = analyses
        .iter()
        .map(|data| {
            let parts = contributions(kind, data).unwrap();
            let entry = |part: &crate::model::shapes::Contribution| {
                let id = ids.iter().position(|key| *key == part.key).unwrap_or_else(|| {
                    ids.push(part.key.clone());
                    ids.len() - 1
                });
                (i64::try_from(id).unwrap(), crate::store::entries::Entry::of(part))
            };
            parts.iter().map(entry).collect()
        })
        .collect();
    for (id, key) in ids.iter().enumerate() {
        places.learn(i64::try_from(id).unwrap(), key);
    }
    places.values(stats.iter().map(Vec::as_slice))
}

fn near(values: &Values, object: &str, measure: usize, wanted: f64) {
    let found = values.get(&(object.into(), measure)).copied();
    assert!(found.is_some_and(|found| (found - wanted).abs() < 1e-9), "{object} {measure}: {found:?} is not {wanted}");
}

#[test]
fn a_contributor_has_the_means_over_its_analyses() {
    let threat = |uuid: &str, count: u32, risk: u32, rate: &str| {
        format!(r#"{{"uuid":"{uuid}","count":{count},"maxRisk":{risk},"averageRate":"{rate}"}}"#)
    };
    let [a, b] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
    let first = format!("[{},{}]", threat(a, 3, 40, "2.5"), threat(b, 1, 400, "9"));
    let second = format!("[{}]", threat(a, 6, 20, "3.5"));
    let values = of(StatType::Threat, &[&first, &second]);
    near(&values, a, 0, (0.75 + 1.0) / 2.0);
    near(&values, a, 1, 0.3);
    near(&values, a, 2, 0.6);
    // Larger values than the scale has are clipped.
    near(&values, b, 0, 0.25);
    near(&values, b, 1, 1.0);
    near(&values, b, 2, 1.0);
    near(&values, "", 0, 5.0);
}

#[test]
fn levels_are_shares_of_their_kind_and_absent_ones_are_none_of_it() {
    let levels = |list: &str| format!("[{list}]");
    let some = levels(r#"{"level":"Low risks","value":6},{"level":"High risks","value":2}"#);
    let data = format!(
        r#"{{"risks":{{"current":{{"informational":{some},"operational":[]}},"residual":{{"informational":{some},"operational":[]}}}}}}"#
    );
    let values = of(StatType::Risk, &[&data]);
    for (level, share) in [("Low risks", 0.75), ("Medium risks", 0.0), ("High risks", 0.25)] {
        near(&values, &crate::model::shapes::risk_key("current", "informational", level), 0, share);
    }
    near(&values, &cells::total_key("current", "informational"), 0, 8.0);
    near(&values, &cells::total_key("residual", "operational"), 0, 0.0);
    // Without a risk of the kind there are no shares of it: it says nothing about them.
    assert!(!values.contains_key(&(crate::model::shapes::risk_key("current", "operational", "Low risks").into(), 0)));
}

#[test]
fn every_cell_of_a_matrix_is_there() {
    let matrix = r#"{"0":{"0":1},"4":{"20":3}}"#;
    let data = format!(
        r#"{{"scales":{{"impact":[0,1,2,3,4],"probability":[0,1,2,3,4],"likelihood":[0,20]}},
            "risks":{{"current":{{"informational":{matrix},"operational":{{}}}},"residual":{{"informational":{{}},"operational":{{}}}}}}}}"#
    );
    let values = of(StatType::Cartography, &[&data]);
    let cell = |impact, column| crate::model::shapes::cell_key("current", "informational", impact, column);
    near(&values, &cell(4, 20), 0, 0.75);
    near(&values, &cell(2, 7), 0, 0.0);
    assert_eq!(values.len(), 5 * 21 + 4, "one matrix and four totals");
}

#[test]
fn who_has_several_votes_in_one_group_has_one() {
    // The store hands a group's analyses over as one contributor: three clients of a group are one vote.
    let data = r#"[{"uuid":"00000000-0000-4000-8000-00000000000a","count":1,"maxRisk":1,"averageRate":"1"}]"#;
    let mut votes = Votes::default();
    votes.add(of(StatType::Threat, &[data, data, data]), &NONE, &Texts::new());
    assert_eq!(votes.publish(StatType::Threat, &Rules::new(3)).0, None);
}

/// Steady worlds over a month: of so many units, how many show a trend, and how often a planted one is found.
fn pages_with_trends(units: usize, worlds: u64, plant: impl Fn(&mut Chance, f64) -> f64) -> (u64, u64) {
    let (mut steady, mut found) = (0, 0);
    for seed in 0..worlds {
        let mut world = World::new(seed, units + units / 20, 40);
        let before: Vec<Values> = (0..world.contributors.len()).map(|one| world.values(one)).collect();
        (0..4).for_each(|_| world.week());
        // Some leave, others join.
        world.contributors.truncate(units);
        (0..units / 20).for_each(|_| world.join());
        for is_planted in [false, true] {
            let mut votes = Votes::default();
            let then = before.iter().take(units).cloned().chain(std::iter::repeat(Values::new()));
            for (one, then) in (0..world.contributors.len()).zip(then) {
                let mut now = world.values(one);
                if let (true, Some((_, value))) = (is_planted, now.iter_mut().next()) {
                    *value = plant(&mut world.chance, *value);
                }
                votes.add(now, &[then, Values::new(), Values::new()], &Texts::new());
            }
            let shown = votes.publish(StatType::Threat, &Rules::new(3)).0.unwrap();
            let is_trend = |object: &Object| {
                let figure = object.figures[2].as_ref();
                figure.and_then(|figure| figure.changes[0].as_ref()).is_some_and(|change| change.is_trend)
            };
            match is_planted {
                false => steady += u64::from(shown.objects.iter().any(is_trend)),
                true => found += u64::from(shown.objects.first().is_some_and(is_trend)),
            }
        }
    }
    (steady, found)
}

#[test]
fn nothing_moves_in_steady_worlds_and_what_is_planted_is_found() {
    // By 0.5 of 5 in the mean, by 0 to 1 each.
    let plant = |chance: &mut Chance, value: f64| (value + 0.2 * chance.part()).min(1.0);
    for (units, worlds, least) in [(20, 200, 0.2), (50, 200, 0.2), (100, 200, 0.9), (200, 200, 0.9)] {
        let (steady, found) = pages_with_trends(units, worlds, plant);
        println!("{units} units: arrows on {steady} of {worlds} steady pages, planted found on {found}");
        assert!(steady * 200 <= 16 * worlds, "{units}: {steady} of {worlds}");
        assert!(found as f64 >= least * worlds as f64, "{units}: {found} of {worlds}");
    }
}

#[test]
fn fewer_than_ten_claim_nothing() {
    let mut votes = Votes::default();
    let one = |value| Values::from([(("t".into(), 2), value)]);
    for number in 0..9 {
        votes.add(one(0.9), &[one(0.1 + 0.01 * f64::from(number)), Values::new(), Values::new()], &Texts::new());
    }
    let is_trend = |votes: &Votes| {
        let shown = votes.publish(StatType::Threat, &Rules::new(3)).0.unwrap();
        shown.objects[0].figures[2].clone().unwrap().changes[0].clone().unwrap().is_trend
    };
    assert!(!is_trend(&votes));
    votes.add(one(0.9), &[one(0.3), Values::new(), Values::new()], &Texts::new());
    assert!(is_trend(&votes));
}

/// Bug: a week of three contributors' tens of thousands of objects was kept for ever, and read whole for many answers.
#[test]
fn a_week_shows_of_too_many_objects_those_that_most_contributors_have() {
    let figure = |band: &str| serde_json::from_str::<Option<Figure>>(&format!(r#"{{"n":"{band}","v":1}}"#)).unwrap();
    let keys: Vec<String> = (0..MAX_SHOWN + 10).map(|number| format!("{number:05}")).collect();
    let few = |key: &String| key.as_str() < "00020";
    let all = keys.iter().map(|key| (key.as_str(), vec![None, figure(if few(key) { "3-4" } else { "5-9" })])).collect();
    let shown: Vec<&str> = foremost(all).into_iter().map(|(key, _)| key).collect();
    let expected: Vec<&String> = keys.iter().take(10).chain(keys.iter().skip(20)).collect();
    assert_eq!(shown, expected);
}
