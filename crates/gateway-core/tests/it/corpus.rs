//! Every stored input of the fuzz targets, also on machines without a fuzzer.

use std::path::Path;

use crate::properties;

#[test]
fn every_stored_input_has_the_properties_of_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, _) in properties::ALL {
        let folder = corpus.join(target);
        let files = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("the folder is readable").path();
            let input = std::fs::read(&path).expect("the file is readable");
            println!("{}", path.display());
            properties::run(target, &input);
            // Each cut of it as well: short inputs, so this is cheap.
            for end in 0..input.len().min(600) {
                properties::run(target, &input[..end]);
            }
            count += 1;
        }
        assert!(count >= 3, "{target} has {count} stored inputs");
    }
}
