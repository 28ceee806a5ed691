//! Installs all that the tests want from the registries, so that no test has to wait for it.

fn main() {
    end_to_end::published::install_all();
}
