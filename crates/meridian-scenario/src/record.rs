//! The record of a performance: what happened at each step.

use serde::Serialize;

use crate::answer::CallEnd;

/// How something that a step began came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It was done.
    Done,
    /// A client's call ended so.
    Call(CallEnd),
    /// What was expected to hold did, or did not.
    Held(bool),
    /// A probe of the user's application was as expected, or was not.
    Probed(Result<(), String>),
    /// The driver cannot do this, and did not.
    NotRun(String),
    /// It could not be done.
    Failed(String),
    /// It had not ended when the time was over.
    Unfinished,
    /// It was never due.
    NeverDue,
}

impl Ending {
    /// For people.
    pub fn words(&self) -> String {
        match self {
            Ending::Done => "done".into(),
            Ending::Call(end) => end.words(),
            Ending::Held(true) => "holds".into(),
            Ending::Held(false) => "does not hold".into(),
            Ending::Probed(Ok(())) => "as expected".into(),
            Ending::Probed(Err(what)) | Ending::Failed(what) => what.clone(),
            Ending::NotRun(why) => format!("not run: {why}"),
            Ending::Unfinished => "not finished".into(),
            Ending::NeverDue => "never due".into(),
        }
    }
}

/// One time that a step happened, or did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// The step.
    pub step: String,
    /// Which time of a step that happens again, counted from 1.
    pub time: u32,
    /// What it did, in words.
    pub action: String,
    /// The regions that it was about: the called one, or those that a fault
    /// hit.
    pub regions: Vec<String>,
    /// When it began, in milliseconds since the timeline began; nothing if it
    /// never did.
    pub began_ms: Option<i64>,
    /// When it ended, likewise.
    pub ended_ms: Option<i64>,
    /// Of a fault, when it was over, likewise; nothing if it was active to the
    /// end.
    pub fault_ended_ms: Option<i64>,
    /// How it ended.
    pub ending: Ending,
    /// What was expected, in words, if something was.
    pub expected: Option<String>,
    /// Whether it came as expected; nothing for what was not run.
    pub met: Option<bool>,
}
