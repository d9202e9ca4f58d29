//! `docs/fidelity.md` lists every place where AWS is silent and Meridian had to
//! choose. It is made from the marks in the code.

use crate::repository::{File, files, read, root};

const LIST: &str = "docs/fidelity.md";
/// In two parts, so that this file is not on the list.
const MARK: &str = concat!("fidelity:", " assumed");
const UPDATE: &str = "UPDATE=1 cargo test -p meridian-tests --test tidy fidelity";

/// A choice: where it is made, and what the comment says besides the mark.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    path: String,
    text: String,
}

/// The comment that a line consists of.
fn comment(line: &str) -> Option<&str> {
    Some(
        line.trim_start()
            .strip_prefix("//")?
            .trim_start_matches(['/', '!'])
            .trim(),
    )
}

/// The choices of one file. A comment belongs to its mark as a whole, so the
/// reason may stand on the lines around it.
fn choices(file: &File) -> Vec<Choice> {
    let lines: Vec<&str> = file.text.lines().collect();
    let blocks = lines.chunk_by(|one, next| comment(one).is_some() && comment(next).is_some());
    let mut found = Vec::new();
    for block in blocks {
        let block: Vec<&str> = block.iter().filter_map(|line| comment(line)).collect();
        if !block.iter().any(|line| line.starts_with(MARK)) {
            continue;
        }
        let rest = |line: &&str| line.strip_prefix(MARK).map_or(line.to_string(), reason);
        let words: Vec<String> = block
            .iter()
            .map(rest)
            .filter(|line| !line.is_empty())
            .collect();
        found.push(Choice {
            path: file.path.clone(),
            text: words.join(" "),
        });
    }
    found
}

/// What follows the mark, as a sentence.
fn reason(rest: &str) -> String {
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_punctuation() || c == ' ');
    let mut letters = rest.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The whole list as it should be.
fn list(choices: &[Choice]) -> String {
    let mut text = format!(
        "# Where AWS is silent\n\n\
         Meridian answers as AWS KMS does, as far as that is documented or was seen.\n\
         Where neither says what happens, it had to choose. Choices: {}, collected from\n\
         the marks in the code by\n\n    {UPDATE}\n",
        choices.len()
    );
    for file in choices.chunk_by(|one, next| one.path == next.path) {
        text += &format!("\n`{}`\n", file[0].path);
        for choice in file {
            text += &format!("- {}\n", choice.text);
        }
    }
    text
}

#[test]
fn the_fidelity_list_names_every_choice() {
    let is_code = |file: &File| file.path.ends_with(".rs") || file.path.ends_with(".proto");
    let found: Vec<Choice> = files()
        .iter()
        .filter(|it| is_code(it))
        .flat_map(choices)
        .collect();
    for choice in &found {
        assert!(
            !choice.text.is_empty(),
            "{}: a mark without a reason",
            choice.path
        );
    }
    let wanted = list(&found);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(LIST), &wanted).expect("the list can be written");
    }
    let is = read(LIST);
    assert!(
        is == wanted,
        "{LIST} is not up to date: {UPDATE}\nIt should be:\n{wanted}"
    );
}

#[test]
fn a_mark_is_found_with_its_whole_comment_and_nothing_else() {
    let text = format!(
        "/// Counts.\n// {MARK}, the range is not\n// recorded.\nfn a() {{}}\n\n// Another comment.\nlet b = \"// {MARK}\";\n// {MARK}\n"
    );
    let file = File {
        path: "a.rs".into(),
        text,
    };
    let found: Vec<String> = choices(&file)
        .into_iter()
        .map(|choice| choice.text)
        .collect();
    assert_eq!(found, ["Counts. The range is not recorded.", ""]);
}

#[test]
fn the_list_changes_with_every_choice() {
    let choice = |text: &str| Choice {
        path: "a.rs".into(),
        text: text.into(),
    };
    let one = list(&[choice("One.")]);
    let two = list(&[choice("One."), choice("Two.")]);
    assert!(one.contains("Choices: 1,") && two.contains("`a.rs`\n- One.\n- Two.\n"));
    assert_ne!(one, list(&[choice("Uno.")]));
}
