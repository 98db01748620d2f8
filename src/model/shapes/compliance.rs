//! The shape of compliance: referentials, whose categories have a current and a target side.

use super::{Contribution, Flaw, Label, MAX_OBJECTS, Object, VALUES, joined, labelled, too_many_objects};
use crate::model::Decimal;
use std::borrow::Cow;

labelled! {
    pub(super) struct Referential {
        #[serde(borrow)]
        referential: Cow<'a, str>,
        #[serde(borrow)]
        current: Vec<Object<Category<'a>>>,
        #[serde(borrow)]
        target: Vec<Object<Category<'a>>>,
    }
}

labelled! {
    struct Category {
        value: Decimal,
    }
}

/// Bytes that the names of referentials may have when each is written once for each of its categories.
const MAX_REPEATED: usize = 4 << 20;

pub(super) fn contributions(referentials: &[Object<Referential<'_>>]) -> Result<Vec<Contribution>, Flaw> {
    let flaw = |reason| Err(Flaw { field: Some("data".into()), reason });
    let objects = referentials.iter().map(|Object(one)| 1 + one.current.len() + one.target.len()).sum::<usize>();
    if objects > MAX_OBJECTS {
        return flaw(too_many_objects());
    }
    // A long name and many categories would be small as a request and fill any memory as keys.
    let repeated =
        |Object(one): &Object<Referential<'_>>| one.referential.len() * (one.current.len() + one.target.len());
    if referentials.iter().map(repeated).sum::<usize>() > MAX_REPEATED {
        return flaw("the names of its referentials are too long for so many categories".into());
    }
    Ok(referentials.iter().flat_map(|Object(one)| one.contributions()).collect())
}

impl Referential<'_> {
    /// Of the referential its labels; of each category both sides: the sums of current and target, and the number of
    /// targets, since the occurrences are those of current.
    fn contributions(&self) -> Vec<Contribution> {
        let name = crate::model::parse_uuid(&self.referential).map_or(self.referential.to_string(), |u| u.to_string());
        let labels = self.labels().map(|text| text.map(str::to_owned));
        let none = Decimal::default();
        let own = Contribution { labels: Some(labels), ..Contribution::once(joined(&[&name]), [none; VALUES]) };
        let current = self
            .current
            .iter()
            .map(|Object(category)| Contribution::once(category.key(&name), [category.value, none, none]));
        let target = self.target.iter().map(|Object(category)| Contribution {
            occurrences: 0,
            ..Contribution::once(category.key(&name), [none, category.value, Decimal::whole(1)])
        });
        std::iter::once(own).chain(current).chain(target).collect()
    }
}

impl Category<'_> {
    /// A category is known by its labels alone: a front office sends no identity of it.
    fn key(&self, referential: &str) -> String {
        let [a, b, c, d] = self.labels().map(Option::unwrap_or_default);
        joined(&[referential, a, b, c, d])
    }
}

/// The key of a category, which its referential and its labels identify.
pub fn category_key(referential: &str, labels: &[String; 4]) -> String {
    let [a, b, c, d] = labels;
    joined(&[referential, a, b, c, d])
}

/// The key of a referential.
pub fn referential_key(referential: &str) -> String {
    joined(&[referential])
}

/// The referential and the labels of the category that has this key.
pub fn category_of_key(key: &str) -> Option<(String, [String; 4])> {
    let [referential, a, b, c, d] = serde_json::from_str::<[String; 5]>(key).ok()?;
    Some((referential, [a, b, c, d]))
}
