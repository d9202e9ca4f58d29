//! Makes one history of the parts that the nodes of a cluster wrote, each by
//! itself: sorts their lines, leaves out what another node has said already, and
//! says what no node could know: that a process was gone, and what became of the
//! calls that were under way in it.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use meridian_judge::History;

use crate::recorder::chronicle::Chronicle;
use crate::recorder::part::{Header, Line, Lines, read_header};

/// The history of all nodes whose parts lie in a directory. They ran on one
/// machine, and since it was started last.
///
/// # Errors
/// A part cannot be read, the parts are of different clusters, or two nodes of
/// a region have applied different entries at one place of their log.
pub fn merge_parts(directory: &Path) -> anyhow::Result<History> {
    let parts = read_headers(directory)?;
    let (_, first) = parts.first().context("there are no parts of a history")?;
    let mut chronicle = Chronicle::new(first.regions.clone(), first.began_ns);
    let mut queue = BinaryHeap::new();
    for (index, (path, header)) in parts.iter().enumerate() {
        anyhow::ensure!(
            header.regions == first.regions,
            "{} is of another cluster",
            path.display()
        );
        queue.push(Reverse((header.began_ns, index)));
    }
    // A part is opened when its time has come: there may be more of them than
    // a process may have open files.
    let mut open: BTreeMap<usize, (Lines, Option<Line>)> = BTreeMap::new();
    while let Some(Reverse((ns, index))) = queue.pop() {
        let (path, header) = &parts[index];
        let (lines, line) = match open.entry(index) {
            Entry::Occupied(it) => it.into_mut(),
            Entry::Vacant(it) => {
                chronicle.begins(header);
                it.insert((Lines::open(path)?, None))
            }
        };
        if let Some(line) = line.take() {
            let read = || format!("in {}", path.display());
            chronicle.note(index, header, line).with_context(read)?;
        }
        *line = lines.next()?;
        match line {
            Some(line) => queue.push(Reverse((line.ns, index))),
            None => {
                open.remove(&index);
                let place = (header.region, header.node);
                let mut later = parts[index + 1..].iter();
                let again = later.any(|(_, it)| (it.region, it.node) == place);
                chronicle.ends(index, header, ns, again);
            }
        }
    }
    Ok(chronicle.close())
}

/// The parts in the order in which they began.
fn read_headers(directory: &Path) -> anyhow::Result<Vec<(PathBuf, Header)>> {
    let name = directory.display();
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading {name}"))?;
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("reading {name}"))?.path();
        if path.extension().is_some_and(|it| it == "jsonl") {
            let header = read_header(&path)?;
            parts.push((path, header));
        }
    }
    parts.sort_by_key(|(_, header)| header.began_ns);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use meridian_judge::history::Seen;

    use super::*;

    const ID: &str = "0707070707070707070707070707070707070707070707070707070707070707";

    /// A node's number in us-east-1, the millisecond in which its part begins, and
    /// its notes by theirs.
    type Part<'a> = (usize, u64, &'a [(u64, String)]);

    /// A directory with parts of nodes.
    fn parts(parts: &[Part<'_>]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (node, began, notes) in parts {
            let mut text = format!(
                "{{\"format\":\"meridian part\",\"version\":1,\"began_ns\":{},\
                 \"regions\":[\"us-east-1\"],\"region\":0,\"node\":{node}}}\n",
                began * 1_000_000
            );
            for (ms, note) in *notes {
                text += &format!("{{\"ns\":{},{note}}}\n", ms * 1_000_000);
            }
            let name = format!("{node}-{began}.jsonl");
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    fn committed(index: u64, entry: &str) -> String {
        format!(
            r#""note":"committed","index":{index},"entry":"{entry}","effect":true,"due":0,"saw":[]"#
        )
    }

    fn called(call: u64, request: &str, opens: &str) -> String {
        format!(
            r#""note":"called","call":{call},"request":"{request}","client":"a","opens":"{opens}""#
        )
    }

    fn seen(seen: &str) -> String {
        format!(r#""note":"seen","seen":{seen}"#)
    }

    fn invoked(call: u64, node: usize, operation: &str) -> String {
        seen(&format!(
            r#"{{"type":"invoke","at_ms":0,"call":{call},"client":9,"region":0,"node":{node},"operation":"{operation}","key":null}}"#
        ))
    }

    fn failed(call: u64) -> String {
        seen(&format!(
            r#"{{"type":"fail","at_ms":0,"call":{call},"code":"NoLeader","sound":true}}"#
        ))
    }

    fn merged(directory: &tempfile::TempDir) -> Vec<Seen> {
        merge_parts(directory.path()).unwrap().seen
    }

    #[test]
    fn an_entry_is_seen_once_and_belongs_to_the_call_that_another_node_took() {
        let proposes = r#""note":"proposes","request":"r","entry":"e""#.to_owned();
        let directory = parts(&[
            (
                0,
                0,
                &[
                    (2, called(1, "r", "")),
                    (3, invoked(1, 0, "CreateKey")),
                    (9, committed(5, "e")),
                ],
            ),
            (1, 1, &[(4, proposes), (7, committed(5, "e"))]),
        ]);
        let seen = merged(&directory);
        let applied = Seen::Applied {
            at_ms: 7,
            call: 1,
            effect: true,
        };
        assert_eq!(seen.iter().filter(|it| **it == applied).count(), 1);
        assert!(matches!(seen[0], Seen::Invoke(ref it) if (it.at_ms, it.client) == (3, 0)));
        assert!(matches!(seen.last(), Some(Seen::Healed { .. })));
    }

    #[test]
    fn two_entries_at_one_place_are_no_history() {
        let directory = parts(&[
            (0, 0, &[(1, committed(5, "e"))]),
            (1, 0, &[(2, committed(5, "f"))]),
        ]);
        let error = format!("{:#}", merge_parts(directory.path()).unwrap_err());
        assert!(error.contains("two different entries at 5"), "{error}");
    }

    #[test]
    fn a_call_in_a_process_that_is_gone_is_unknown_and_the_region_is_not_whole_meanwhile() {
        let directory = parts(&[
            (
                0,
                0,
                &[(1, called(1, "r", "")), (2, invoked(1, 0, "CreateKey"))],
            ),
            (0, 8, &[]),
            (
                1,
                0,
                &[
                    (1, called(1, "s", "")),
                    (1, invoked(1, 1, "CreateKey")),
                    (4, failed(1)),
                    (5, called(2, "t", "")),
                    (9, invoked(2, 1, "CreateKey")),
                    (9, failed(2)),
                ],
            ),
        ]);
        let seen = merged(&directory);
        let unknown = seen
            .iter()
            .position(|it| matches!(it, Seen::Unknown { at_ms: 2, .. }));
        let gone = seen
            .iter()
            .position(|it| matches!(it, Seen::FaultBegan { at_ms: 2, .. }));
        assert_eq!(gone, unknown.map(|at| at + 1));
        let back = seen
            .iter()
            .position(|it| matches!(it, Seen::FaultEnded { at_ms: 8, .. }));
        let restarted = |at: usize| matches!(seen[at + 1], Seen::Restarted { node: 0, .. });
        assert!(back.is_some_and(restarted));
        let sound = seen.iter().filter_map(|it| match it {
            Seen::Fail { sound, .. } => Some(*sound),
            _ => None,
        });
        assert_eq!(sound.collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_ciphertext_of_one_node_is_known_when_another_opens_it() {
        let made = format!(r#""note":"made","ciphertext":"c","material":"{ID}","text":"t""#);
        let directory = parts(&[
            (0, 0, &[(1, made)]),
            (
                1,
                0,
                &[(2, called(1, "r", "c")), (2, invoked(1, 1, "Decrypt"))],
            ),
        ]);
        let seen = merged(&directory);
        let Some(Seen::Invoke(invoked)) = seen.first() else {
            panic!("{seen:?}");
        };
        let known = invoked
            .ciphertext
            .as_ref()
            .map(|(text, id)| (text.as_str(), id.to_string()));
        assert_eq!(known, Some(("t", ID.to_owned())));
    }

    #[test]
    fn a_fault_is_over_when_no_node_obeys_it() {
        let began = seen(
            r#"{"type":"fault_began","at_ms":0,"id":"f","kind":"node cut","site":{"region":0},"fault":null}"#,
        );
        let ended = |struck: u64| {
            seen(&format!(
                r#"{{"type":"fault_ended","at_ms":0,"id":"f","struck":{struck}}}"#
            ))
        };
        let directory = parts(&[
            (0, 0, &[(1, began.clone()), (3, ended(2))]),
            (1, 0, &[(2, began), (5, ended(1))]),
        ]);
        let history = merged(&directory);
        let times: Vec<_> = history.iter().filter_map(Seen::at_ms).collect();
        assert_eq!(times, [1, 5, 5]);
        let id = "f".to_owned();
        let (at_ms, struck) = (5, 3);
        assert_eq!(history[1], Seen::FaultEnded { at_ms, id, struck });
    }

    #[test]
    fn what_is_imported_is_known_from_the_node_that_unwrapped_it() {
        let imports = r#""note":"imports","request":"r","bytes":7"#.to_owned();
        let ok = seen(&format!(
            r#"{{"type":"ok","at_ms":0,"call":1,"material":"{ID}"}}"#
        ));
        let directory = parts(&[
            (
                0,
                0,
                &[
                    (1, called(1, "r", "")),
                    (1, invoked(1, 0, "ImportKeyMaterial")),
                    (3, ok),
                ],
            ),
            (1, 0, &[(2, imports)]),
        ]);
        let history = merged(&directory);
        assert!(matches!(&history[1], Seen::Ok(returned) if returned.bytes == Some(7)));
    }

    #[test]
    fn a_read_may_be_as_old_as_the_oldest_view_that_its_node_kept() {
        let called = |call: u64, view: u64| {
            format!(
                r#""note":"called","call":{call},"request":"{call}","client":"a","view":{view}"#
            )
        };
        let directory = parts(&[
            (
                0,
                0,
                &[
                    (6, called(1, 5)),
                    (6, invoked(1, 0, "Encrypt")),
                    (8, called(2, 7)),
                    (8, invoked(2, 0, "Encrypt")),
                ],
            ),
            (1, 0, &[(2, committed(5, "e")), (4, committed(7, "f"))]),
        ]);
        let history = merged(&directory);
        let as_of = history.iter().filter_map(|seen| match seen {
            Seen::Invoke(invoked) => invoked.as_of_ms,
            _ => None,
        });
        assert_eq!(as_of.collect::<Vec<_>>(), [4, 8]);
    }

    #[test]
    fn a_line_that_a_kill_tore_is_left_out() {
        let directory = parts(&[(0, 0, &[(1, committed(5, "e"))])]);
        let file = directory.path().join("0-0.jsonl");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 9]).unwrap();
        assert_eq!(merged(&directory).len(), 1);
    }
}
