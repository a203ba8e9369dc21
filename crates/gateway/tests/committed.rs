//! The committed configuration is what the route table says now.

use std::path::Path;

#[test]
fn the_committed_files_are_what_would_be_written_now() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in jobzy_gateway::files::rendered(&root).unwrap() {
        let committed = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        assert!(committed == text, "{path} is stale; `cargo run -p jobzy-gateway -- render` writes it");
    }
}
