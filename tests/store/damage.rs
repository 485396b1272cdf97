//! Files of sled that were cut, changed or deleted: either nothing is missing, or the store says that it is damaged.

use std::fs;
use std::path::{Path, PathBuf};

use dyad::embedding::{Modality, Space, Stage};
use dyad::progress::Silent;
use dyad::store::{Error, NewItem, SpaceKey, Store};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::check::contents;
use super::random_item;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    all.sort();
    all
}

/// Reads all there is: the numbers of items, and whether each space could be read.
fn read(dir: &Path) -> Result<(u64, usize), Error> {
    let store = Store::open(dir)?;
    let collection = store.collection("c")?.ok_or_else(|| Error::Backend { message: "the collection is gone".into() })?;
    let items = collection.items().collect::<Result<Vec<_>, _>>()?.len();
    for space in collection.spaces()? {
        collection.vectors(&space.key)?;
    }
    Ok((collection.len(Modality::Audio)? + collection.len(Modality::Text)?, items))
}

#[test]
fn damage_is_never_taken_for_less_data() {
    let good = tempfile::tempdir().unwrap();
    let collection = Store::open(good.path()).unwrap().create("c").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..20 {
        collection.commit((0..60).map(|_| random_item(&mut rng, 100_000)).collect()).unwrap();
    }
    drop(collection);
    let whole = read(good.path()).unwrap();
    let (mut refused, mut unharmed) = (0, 0);
    for trial in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        copy(good.path(), dir.path());
        let db = dir.path().join("db");
        let files = files(&db);
        let file = if trial % 3 == 0 { files[rng.random_range(0..files.len())].clone() } else { db.join("db") };
        let mut bytes = fs::read(&file).unwrap();
        match trial % 5 {
            0 => bytes.truncate(rng.random_range(0..bytes.len().max(1))),
            1 => fs::remove_file(&file).unwrap(),
            _ if bytes.is_empty() => {}
            _ => {
                let at = rng.random_range(0..bytes.len());
                bytes[at] ^= 1 << rng.random_range(0..8);
            }
        }
        if file.exists() {
            fs::write(&file, bytes).unwrap();
        }
        match read(dir.path()) {
            Ok(found) => {
                assert_eq!(found, whole, "trial {trial}, {}", file.display());
                unharmed += 1;
            }
            Err(error) => {
                assert!(matches!(error, Error::Damaged { .. }), "trial {trial}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20 && unharmed > 5, "{refused} refused, {unharmed} unharmed");
}

#[test]
fn each_file_that_is_cut_or_changed_is_found_by_a_check_or_harmless() {
    let good = tempfile::tempdir().unwrap();
    let store = Store::open(good.path()).unwrap();
    let collection = store.create("c").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..6 {
        collection.commit((0..60).map(|_| random_item(&mut rng, 100_000)).collect()).unwrap();
    }
    drop((collection, store));
    // Opened again, sled leaves a `snap.*`.
    let whole = contents(&Store::open(good.path()).unwrap());
    let (mut found, mut harmless) = (0, 0);
    for file in files(good.path()) {
        let bytes = fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let mut cases: Vec<(String, Vec<u8>)> = [0, 1, used / 3, used / 2, used.saturating_sub(1)]
            .into_iter()
            .map(|cut| (format!("cut at {cut}"), bytes[..cut.min(bytes.len())].to_vec()))
            .collect();
        for step in 0..12.min(used) {
            let at = used * step / 12.min(used);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (step % 8);
            cases.push((format!("bit at {at}"), flipped));
        }
        for (what, bytes) in cases {
            let dir = tempfile::tempdir().unwrap();
            copy(good.path(), dir.path());
            let name = file.strip_prefix(good.path()).unwrap();
            fs::write(dir.path().join(name), bytes).unwrap();
            let what = format!("{} {what}", name.display());
            match Store::check_folder(dir.path(), None, false, &Silent) {
                Ok(checkup) if checkup.is_whole() => {
                    assert!(contents(&Store::open(dir.path()).unwrap()) == whole, "{what}");
                    harmless += 1;
                }
                Ok(_) | Err(Error::Damaged { .. } | Error::Format { .. }) => found += 1,
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }
    assert!(found > 30 && harmless > 5, "{found} found, {harmless} harmless");
}

#[test]
fn without_the_count_of_changes_the_rest_opens() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap().create("c").unwrap());
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the store is damaged: the last 2 of 2 changes are gone; `dyad check --repair` goes on with what is left"
    );
    let changes = dir.path().join("changes");
    fs::write(changes, "no number").unwrap();
    assert_eq!(Store::open(dir.path()).unwrap().collections().unwrap(), []);
}

/// A wrong bit in the log, before what sled has summed up: most can be read again, and what was there stays.
#[test]
fn a_repair_reads_the_log_up_to_its_first_wrong_byte_and_keeps_what_was_there() {
    let good = tempfile::tempdir().unwrap();
    let collection = Store::open(good.path()).unwrap().create("c").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..20 {
        collection.commit((0..60).map(|_| random_item(&mut rng, 100_000)).collect()).unwrap();
    }
    drop(collection);
    let whole = read(good.path()).unwrap();
    let (mut mended, mut kept, mut given_up) = (0, 0, 0);
    for trial in 0..24 {
        let dir = tempfile::tempdir().unwrap();
        copy(good.path(), dir.path());
        let log = dir.path().join("db/db");
        let mut bytes = fs::read(&log).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let at = rng.random_range(0..used);
        bytes[at] ^= 1 << rng.random_range(0..8);
        fs::write(&log, &bytes).unwrap();
        match Store::check_folder(dir.path(), None, true, &Silent) {
            Ok(checkup) => {
                // Somebody may have made the collection's record unreadable: then there is none of that name.
                let left = read(dir.path());
                assert!(checkup.is_whole() || checkup.lost() > 0 || left.is_ok(), "trial {trial}, byte {at}");
                assert!(left.map_or(0, |found| found.1) <= whole.1, "trial {trial}, byte {at}");
                mended += 1;
                if let Some(before) = checkup.kept {
                    assert!(before.join("db").is_file() && before.starts_with(dir.path()), "trial {trial}");
                    kept += 1;
                }
            }
            Err(error) => {
                assert!(matches!(error, Error::Damaged { .. }), "trial {trial}, byte {at}: {error}");
                assert!(log.is_file() && !dir.path().join("db.damaged").exists(), "trial {trial}: all is in its place");
                given_up += 1;
            }
        }
    }
    println!("{mended} mended, {kept} kept, {given_up} given up");
    assert!(mended > 18 && kept > 0, "{mended} mended, {kept} kept, {given_up} given up");
}

/// A wrong bit in the file of a page costs what is on that page and nothing else.
#[test]
fn a_repair_goes_on_without_a_page_that_is_not_what_was_written() {
    let good = tempfile::tempdir().unwrap();
    let collection = Store::open(good.path()).unwrap().create("c").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    // Vectors that fill some pages.
    let key = SpaceKey::new(Space::new("m", Modality::Audio, Stage::Joint), "hash-of-m");
    for round in 0..8 {
        let item = |i: usize| {
            let vector = (0..2000).map(|_| rng.random_range(-1.0..1.0)).collect();
            NewItem { vectors: vec![(key.clone(), vector)], ..NewItem::new(format!("{round}-{i}"), Modality::Audio) }
        };
        collection.commit((0..60).map(item).collect()).unwrap();
    }
    drop(collection);
    let whole = contents(&Store::open(good.path()).unwrap());
    // Those before the end of the snapshot: what sled itself wrote since may be missing without loss.
    let number = |path: &Path, radix| i64::from_str_radix(path.file_name()?.to_str()?.trim_start_matches("snap."), radix).ok();
    let db = files(&good.path().join("db"));
    let snapshot = db.iter().find(|file| file.to_string_lossy().contains("snap.")).unwrap();
    let before = |page: &PathBuf| number(page, 10) < number(snapshot, 16);
    let pages: Vec<PathBuf> = files(&good.path().join("db/blobs")).into_iter().filter(before).collect();
    assert!(!pages.is_empty());
    for page in pages {
        let dir = tempfile::tempdir().unwrap();
        copy(good.path(), dir.path());
        let page = dir.path().join(page.strip_prefix(good.path()).unwrap());
        let mut bytes = fs::read(&page).unwrap();
        let at = rng.random_range(0..bytes.len());
        bytes[at] ^= 1;
        fs::write(&page, bytes).unwrap();
        let said = |error: Error| assert!(error.to_string().contains("is not what was written"), "{error}");
        said(Store::open(dir.path()).err().unwrap());
        said(Store::check_folder(dir.path(), None, false, &Silent).unwrap_err());
        let checkup = Store::check_folder(dir.path(), None, true, &Silent).unwrap();
        assert!(checkup.lost() > 0 && checkup.kept.is_some_and(|kept| kept.join("blobs").is_dir()));
        let left = contents(&Store::open(dir.path()).unwrap());
        let of_c = left.iter().filter(|((collection, ..), _)| collection == "c").count();
        assert!(of_c > whole.len() / 4, "{of_c} of {} items left", whole.len());
    }
}
