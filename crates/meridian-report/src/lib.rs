//! Reports: what became of a judged run, for people and for programs.
//!
//! A [`Run`] is a history and its verdict, from either driver. From it come one
//! page of HTML that needs nothing else, a JSON document, and JUnit XML with one
//! test case for each promise. Everything that a history says is text here and
//! is escaped by the library that writes it.
//!
//! There is no file, no clock and no judgement here.

mod faults;
mod histogram;
mod html;
mod json;
mod junit;
mod lanes;
mod page;
mod run;
mod sections;
mod spans;
mod timeline;
mod unknown;

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use run::Run;
