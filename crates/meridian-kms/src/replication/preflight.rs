//! A read-only question to another region before a call commits to involving
//! it, so that a call which cannot work fails at once and without effect.
//! Nothing in `apply` depends on the answer.

use meridian_proto::v1::UpdatePrimaryRegionRequest;
use serde::{Deserialize, Serialize};

use crate::arn::{KeyRef, RegionName};
use crate::caller::Caller;
use crate::context::Context;
use crate::key_state::KeyState;
use crate::ops::Request;
use crate::region::Region;

/// What the asking region wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The region to ask.
    pub region: RegionName,
    /// The key that the call is about.
    pub key: KeyRef,
    /// Who would make that key the primary, if it needs to be allowed there too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_for: Option<Caller>,
}

/// What the asked region says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The state of its key with that ID, if it has one.
    pub state: Option<KeyState>,
    /// Why the caller may not make that key the primary, in the words of
    /// AccessDeniedException.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<String>,
}

/// The version that encoded questions and answers begin with.
const ENCODING: u8 = 1;

/// The bytes were not written by this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a preflight message of a known version")]
pub struct Unknown;

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = vec![ENCODING];
    serde_json::to_writer(&mut bytes, value).expect("names and states are representable");
    bytes
}

fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Unknown> {
    match bytes.split_first() {
        Some((&ENCODING, json)) => serde_json::from_slice(json).map_err(|_| Unknown),
        Some(_) | None => Err(Unknown),
    }
}

impl Question {
    /// What the caller asks of the key in that region, if it needs to be allowed
    /// there too.
    pub fn asked(&self) -> Option<(&Caller, Request)> {
        let caller = self.primary_for.as_ref()?;
        let request = UpdatePrimaryRegionRequest {
            key_id: Some(self.key.arn(&self.region)),
            primary_region: Some(self.region.to_string()),
        };
        Some((caller, Request::UpdatePrimaryRegion(request)))
    }

    /// The form that crosses the link.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Question::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Question, Unknown> {
        decode(bytes)
    }
}

impl Answer {
    /// The form that crosses the link.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Answer::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Answer, Unknown> {
        decode(bytes)
    }
}

impl Region {
    /// Answers another region's question from what is agreed here, where nobody
    /// is asked for a permission.
    pub fn answer(&self, question: &Question) -> Answer {
        Answer {
            state: self.key(&question.key).map(|key| key.state(self.name())),
            denied: None,
        }
    }

    /// The same for the caller of this context, who also has to be allowed what
    /// the question says is asked.
    pub fn answer_to<'a>(
        &self,
        cx: &mut Context<'a>,
        question: &Question,
        asked: &'a Request,
    ) -> Answer {
        cx.asked = Some(asked);
        let action = asked.operation().action();
        let key = self.key(&question.key);
        let refused = key.and_then(|key| self.authorize(cx, action, key).err());
        Answer {
            denied: refused.map(|error| error.message.unwrap_or_default()),
            ..self.answer(question)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::TestRegion;

    #[test]
    fn the_answer_is_the_state_of_the_key_if_there_is_one() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let question = Question {
            region: us.region.name().clone(),
            key: us.reference(&key),
            primary_for: None,
        };
        let state = |us: &TestRegion| us.region.answer(&question).state;
        assert_eq!(state(&us), Some(KeyState::Enabled));
        us.disable(&key).unwrap();
        assert_eq!(state(&us), Some(KeyState::Disabled));
        us.schedule_deletion(&key).unwrap();
        us.pass_days(7);
        assert_eq!(state(&us), None);
    }

    #[test]
    fn messages_of_another_version_are_refused() {
        let answer = Answer::default();
        let mut bytes = answer.encode();
        assert_eq!(Answer::decode(&bytes), Ok(answer));
        bytes[0] = 2;
        assert_eq!(Answer::decode(&bytes), Err(Unknown));
        assert_eq!(Question::decode(b""), Err(Unknown));
        assert_eq!(Question::decode(b"\x01[]"), Err(Unknown));
    }
}
