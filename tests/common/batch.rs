//! What a front office sends, in the small, and helpers to send it.

use super::{Reply, Service};
use serde_json::{Value, json};

/// The batch of an invented analysis as PHP encodes it: all five types, lists where keys happen to be 0, 1, 2 …,
/// numbers as texts, escaped slashes and letters, nulls.
pub const FRONT_OFFICE: &str = include_str!("../fixtures/front_office.json");
/// Its analysis.
pub const ANR: &str = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
/// Another analysis.
pub const OTHER_ANR: &str = "7a1d4c3b-2e5f-4a6b-8c9d-0e1f2a3b4c02";
/// The types in the order in which a front office sends them.
pub const TYPES: [&str; 5] = ["risk", "threat", "vulnerability", "cartography", "compliance"];

/// A UUID with a number in it.
pub fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// One stat as JSON text, its data as it is given.
pub fn item(anr: &str, kind: &str, date: &str, data: &str) -> String {
    format!(r#"{{"anr":"{anr}","type":"{kind}","date":"{date}","data":{data}}}"#)
}

/// The same with an identity of its own.
pub fn item_with_uuid(uuid: &str, anr: &str, kind: &str, date: &str, data: &str) -> String {
    format!(r#"{{"uuid":"{uuid}","anr":"{anr}","type":"{kind}","date":"{date}","data":{data}}}"#)
}

/// The data of a threat or vulnerability stat with one object: count, highest risk, rate.
pub fn rated(object: &str, count: u64, max_risk: u64, rate: &str) -> String {
    format!(r#"[{{"uuid":"{object}","label2":"Fire","count":{count},"maxRisk":{max_risk},"averageRate":"{rate}"}}]"#)
}

/// The data of a risk stat: low, medium and high of current informational and operational, then of the residual ones.
pub fn risks(numbers: [[u64; 3]; 4]) -> String {
    let levels = |[low, medium, high]: [u64; 3]| {
        json!([
            {"level": "Low risks", "value": low},
            {"level": "Medium risks", "value": medium},
            {"level": "High risks", "value": high},
        ])
    };
    let [a, b, c, d] = numbers.map(levels);
    let side = |x: &Value, y: &Value| json!({"informational": x, "operational": y});
    json!({"risks": {"current": side(&a, &b), "residual": side(&c, &d)}}).to_string()
}

/// The texts of the `data` of each stat in an answer, in order, as they stand there.
pub fn data_texts(reply: &Reply) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: Vec<Stat<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Stat<'a> {
        #[serde(borrow)]
        data: &'a serde_json::value::RawValue,
    }
    let text = reply.text();
    let answer: Answer<'_> = serde_json::from_str(&text).unwrap();
    answer.data.iter().map(|stat| stat.data.get().to_owned()).collect()
}

impl Service {
    /// Posts stats.
    pub fn post_stats(&self, token: &str, items: &[String]) -> Reply {
        self.post("/api/v1/stats/").token(token).text(&format!("[{}]", items.join(","))).send()
    }

    /// Posts stats that must all be stored.
    #[track_caller]
    pub fn store_stats(&self, token: &str, items: &[String]) -> Value {
        self.post_stats(token, items).expect(201).json()
    }

    /// Lists stats with these arguments in the body of the GET.
    pub fn list(&self, token: &str, arguments: &Value) -> Reply {
        self.get("/api/v1/stats/").token(token).json(arguments).send()
    }

    /// The dates of the listed stats; an answer whose count is another number fails.
    #[track_caller]
    pub fn dates(&self, token: &str, arguments: &Value) -> Vec<String> {
        let answer = self.list(token, arguments).expect(200).json();
        let data = answer["data"].as_array().unwrap();
        assert_eq!(answer["metadata"]["count"], data.len().to_string());
        data.iter().map(|stat| stat["date"].as_str().unwrap().to_owned()).collect()
    }

    /// Averages with these arguments.
    pub fn processed(&self, token: &str, arguments: &Value) -> Reply {
        self.get("/api/v1/stats/processed/").token(token).json(arguments).send()
    }
}

/// The reasons by argument of a refused request.
#[track_caller]
pub fn bad_argument(reply: Reply, name: &str) -> String {
    let body = reply.expect(400).json();
    assert_eq!(body["message"], "Input payload validation failed", "{body}");
    body["errors"][name].as_str().unwrap_or_else(|| panic!("{name} is not named: {body}")).to_owned()
}
