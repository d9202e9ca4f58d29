//! Every script comes to the output that it says. `UPDATE=1` writes what it
//! comes to instead; the difference is what has to be read then.

use std::path::PathBuf;

use meridian_sim::script::play;

fn scripts() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|it| it == "txt"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_script_comes_to_what_it_says() {
    let mut wrong = Vec::new();
    let scripts = scripts();
    assert!(scripts.len() >= 14, "one for each acceptance scenario");
    for path in scripts {
        let text = std::fs::read_to_string(&path).expect("a script can be read");
        let name = path.display();
        let played = play(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &played).expect("a script can be written");
        } else if played != text {
            wrong.push(format!("{name} comes to\n{played}"));
        }
        assert!(
            played.ends_with("> judge\nevery promise was kept\n"),
            "{name} ends with another verdict:\n{played}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_command_is_named_with_its_line() {
    let error = |text: &str| play(text).unwrap_err().to_string();
    let begin = "> regions us-east-1 eu-west-1\n";
    assert_eq!(
        error("> judge\n"),
        "line 1: a script begins with `> regions …`"
    );
    assert_eq!(
        error(&format!("{begin}> dance\n")),
        "line 2: \"dance\" is no command"
    );
    assert_eq!(
        error(&format!("{begin}# why\n> at us-east-1 rotate k\n")),
        "line 3: there is no key k"
    );
    assert_eq!(
        error(&format!("{begin}> cut us-east-1 mars-1\n")),
        "line 2: there is no region mars-1"
    );
}
